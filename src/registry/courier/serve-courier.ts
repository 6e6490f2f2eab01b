import { FinchError, hasCode, systemCode } from '../../errors.ts';
import { currentOwner } from '../../host/owner.ts';
import { readStart } from '../../http/body.ts';
import { receivedBytes } from '../../http/range.ts';
import { type HttpBody, type Transport, takesFiles } from '../../http/transport.ts';
import { readRange } from '../../streams/file-stream.ts';
import { RateLimit } from '../../streams/rate-limit.ts';
import type { RegistryMemory } from '../memory/registry-memory.ts';
import { linesOf } from './lines.ts';
import { type Errand, messageLine, parseErrand, type Report } from './messages.ts';

/** Of the body of an answer so much is passed on. */
const MAX_BODY = 64 * 1024;

/** Progress is told each time that so much more went out. */
const TOLD_BYTES = 512 * 1024;

/** While a request is at hand finch hears of it at least so often, in milliseconds. */
const PULSE_MS = 5_000;

const LAST_MS = 120_000;

/** What {@link serveCourier} works with. */
export interface ServeCourierOptions {
  /** What finch says to it. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly transport: Transport;
  /** The memory of registries, as the process of that owner has it. */
  readonly openMemory: (owner: string) => RegistryMemory;
  /** Says a line to finch. Throws when that is gone. */
  readonly say: (line: string) => void;
  /** How long what is at hand may take once nobody waits for it, in milliseconds. Default: two minutes. */
  readonly lastMs?: number;
  /** How often finch hears of a request that is at hand, in milliseconds. Default: 5 seconds. */
  readonly pulseMs?: number;
  /** Ends it at once. */
  readonly signal?: AbortSignal;
}

/**
 * Sends requests for another process of finch, and writes down how far their uploads came before it passes on
 * the answers: when that process is killed in between, the next one can go on from there. Once it is gone, what
 * is at hand is finished, if that does not take minutes.
 */
export async function serveCourier({
  input,
  lastMs = LAST_MS,
  signal,
  ...options
}: ServeCourierOptions): Promise<void> {
  const courier = currentOwner();
  const memories = new Map<string, RegistryMemory>();
  const memoryOf = (owner: string) => {
    const memory = memories.get(owner) ?? options.openMemory(owner);
    memories.set(owner, memory);
    return memory;
  };
  let rate: RateLimit | undefined;
  const rateOf = ({ bytesPerSecond }: Errand) => {
    if (bytesPerSecond === undefined) return undefined;
    if (rate?.bytesPerSecond !== bytesPerSecond) rate = new RateLimit(bytesPerSecond);
    return rate;
  };
  const say = (report: Report) => {
    try {
      options.say(messageLine(report));
    } catch {
      // Nobody hears it any more: the end of the input says so, too.
    }
  };
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  signal?.addEventListener('abort', onSignal);
  const atHand = new Set<Promise<void>>();
  say({ kind: 'ready', courier });
  try {
    for await (const line of linesOf(input)) {
      const errand = parseErrand(line);
      if (errand === undefined) break;
      const memory = memoryOf(errand.upload.owner);
      const sides = { memory, courier, say, rate: rateOf(errand) };
      const work = carry(errand, { ...options, ...sides, signal: stop.signal });
      const done = work.finally(() => atHand.delete(done));
      atHand.add(done);
    }
  } catch {
    // Whoever spoke is gone.
  }
  const late = setTimeout(onSignal, lastMs);
  await Promise.all(atHand);
  clearTimeout(late);
  for (const memory of memories.values()) memory[Symbol.dispose]();
}

interface Carrying {
  readonly transport: Transport;
  readonly memory: RegistryMemory;
  readonly courier: string;
  readonly say: (report: Report) => void;
  readonly rate: RateLimit | undefined;
  readonly pulseMs?: number;
  readonly signal: AbortSignal;
}

async function carry(
  errand: Errand,
  { transport, memory, courier, say, rate, pulseMs = PULSE_MS, signal }: Carrying,
): Promise<void> {
  const { id, method, headers, insecure, tls, address, patienceMs, workBytes, upload } = errand;
  const url = new URL(errand.url);
  const pulse = setInterval(() => say({ kind: 'sent', id, bytes: 0 }), pulseMs);
  try {
    const response = await transport({
      ...{ method, url, headers, insecure, once: true, idempotent: false, signal },
      body: () => bodyOf(errand, { url, rate, sent: (bytes) => say({ kind: 'sent', id, bytes }) }),
      ...(tls && { tls }),
      ...(patienceMs !== undefined && { patienceMs }),
      ...(workBytes !== undefined && { workBytes }),
      ...(address !== undefined && { resolve: async () => [address] }),
    });
    const { status, statusText } = response;
    const pairs = [...response.headers].map(([name, value]) => [name, value] as const);
    if (response.ok) {
      if (upload.closes) memory.forgetUpload(upload);
      else keep(response, { errand, url, memory, courier });
    }
    const start = await readStart(response, { limit: MAX_BODY, signal }).catch(() => undefined);
    const body = Buffer.from(start?.bytes ?? []).toString('base64');
    say({ kind: 'answer', id, status, statusText, headers: pairs, body });
  } catch (error) {
    say({ kind: 'failed', id, ...failure(error) });
  } finally {
    clearInterval(pulse);
  }
}

/** Writes down where the upload is now, if the answer says that the registry took all that it was sent. */
function keep(
  { headers }: Response,
  {
    errand: { upload },
    url,
    memory,
    courier,
  }: { errand: Errand; url: URL; memory: RegistryMemory; courier: string },
): void {
  const range = headers.get('range');
  // An answer without one leaves the upload where it was.
  const location = URL.parse(headers.get('location') ?? '', url.href);
  if (location === null || location.host !== url.host) return;
  if (range !== null && receivedBytes(range) !== upload.end) return;
  const { href } = new URL(`${location.pathname}${location.search}`, url);
  memory.keepUpload(upload, { location: href, offset: upload.end, courier });
}

function bodyOf(
  { file, asStream }: Errand,
  {
    url,
    rate,
    sent,
  }: {
    readonly url: URL;
    readonly rate: RateLimit | undefined;
    readonly sent: (bytes: number) => void;
  },
): HttpBody {
  if (!asStream && rate === undefined && takesFiles(url)) return { file };
  const { path, ...span } = file;
  const stream = readRange(path, span);
  const length = file.end - file.start;
  return { stream: counted(rate?.limit(stream) ?? stream, length, sent), length };
}

async function* counted(
  stream: AsyncIterable<Uint8Array>,
  length: number,
  sent: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let untold = 0;
  let left = length;
  for await (const piece of stream) {
    untold += piece.length;
    left -= piece.length;
    // The last piece may be answered before another is asked for.
    if (untold >= TOLD_BYTES || left === 0) {
      sent(untold);
      untold = 0;
    }
    yield piece;
  }
}

function failure(error: unknown): Pick<Report & { kind: 'failed' }, 'code' | 'message'> {
  const code = hasCode(error, 'NETWORK', 'CANCELLED') ? error.code : 'IO';
  const message = error instanceof Error ? error.message : 'unknown error';
  const hint = error instanceof FinchError ? error.hint : undefined;
  const cause = systemCode(error instanceof FinchError ? error.cause : error);
  return {
    ...{ code: code === 'NETWORK' || code === 'CANCELLED' ? code : 'IO', message },
    ...(hint !== undefined && { hint }),
    ...(cause !== undefined && { cause }),
  };
}
