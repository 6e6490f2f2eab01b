import { FinchError } from '../../errors.ts';
import { ownCommand } from '../../host/own-program.ts';
import { currentOwner } from '../../host/owner.ts';
import { plainEnvironment } from '../../host/plain-environment.ts';
import { transportError } from '../../http/failure.ts';
import type { Carrier, HttpRequest } from '../../http/transport.ts';
import { linesOf } from './lines.ts';
import { type CarriedUpload, messageLine, parseReport, type Report } from './messages.ts';

/** After so many that ended before their time no other is started. */
const MOST_STARTS = 5;

/** How long one may take to say that it is there. It takes 30 ms. */
const PATIENCE_MS = 10_000;

/** How long one with a request at hand may say nothing, in milliseconds: it says something every five seconds. */
const SILENCE_MS = 30_000;

/** In so many looks at it: time in which this process itself stood still is one. */
const SILENT_LOOKS = 3;

/** What is said of one request besides. */
interface CarryOptions {
  readonly upload: Omit<CarriedUpload, 'owner'>;
  /** Whether its progress is to be seen, even if it is slower for that. */
  readonly asStream: boolean;
  /** How fast all that it sends may go together. Default: no limit. */
  readonly bytesPerSecond?: number | undefined;
  /** Hears of bytes that went out, where that is seen. */
  readonly onSent: (bytes: number) => void;
}

/** Sends requests by a process that outlives this one, if it is killed, until they are answered. */
export interface Courier extends Disposable {
  /** Its process, as `owner.ts` writes it, started when it does not run; undefined when none can be had. */
  start(): Promise<string | undefined>;
  /** Sends a request whose body is a file by it. */
  carrier(options: CarryOptions): Carrier;
}

/** Who starts a {@link Courier}, and how. */
export interface OpenCourierOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** finch's home: there is the memory of registries. */
  readonly home: string;
  /** The words by which finch is run. Default: this program. */
  readonly program?: readonly string[];
  /** How long a courier with a request at hand may say nothing, in milliseconds. Default: 30 seconds. */
  readonly silenceMs?: number;
}

/** A courier, of which no process runs before it is wanted. */
export function openCourier(options: OpenCourierOptions): Courier {
  let running: Promise<RunningCourier | undefined> | undefined;
  let starts = 0;
  const one = async (): Promise<RunningCourier | undefined> => {
    for (;;) {
      const last = running;
      const courier = await last;
      if (courier?.isOver === false) return courier;
      // Of several that find it gone one starts another.
      if (running !== last) continue;
      if (starts >= MOST_STARTS) return undefined;
      starts += 1;
      running = RunningCourier.start(options).catch(() => undefined);
    }
  };
  return {
    start: async () => (await one())?.owner,
    carrier: (carrying) => async (request, address) => {
      const courier = await one();
      if (courier === undefined) throw gone(request.url);
      return courier.send(request, { ...carrying, address });
    },
    [Symbol.dispose]() {
      starts = MOST_STARTS;
      void running?.then((courier) => courier?.end());
    },
  };
}

/** Who waits for what becomes of a request. */
interface Waiting {
  readonly url: URL;
  readonly onSent: (bytes: number) => void;
  readonly answer: PromiseWithResolvers<Response>;
}

type Child = Bun.Subprocess<'pipe', 'pipe', 'ignore'>;

class RunningCourier {
  readonly owner: string;
  readonly #self = currentOwner();
  readonly #child: Child;
  readonly #waiting = new Map<number, Waiting>();
  readonly #silenceMs: number;
  #looks: ReturnType<typeof setInterval> | undefined;
  #silent = 0;
  #count = 0;
  #isOver = false;

  private constructor(child: Child, owner: string, silenceMs: number) {
    this.#child = child;
    this.owner = owner;
    this.#silenceMs = silenceMs;
  }

  static async start({
    env,
    home,
    program = ownCommand(),
    silenceMs = SILENCE_MS,
  }: OpenCourierOptions): Promise<RunningCourier> {
    const child = Bun.spawn([...program, 'courier', 'serve'], {
      ...{ stdin: 'pipe', stdout: 'pipe', stderr: 'ignore' },
      // A session of its own: an interrupt at the terminal is for finch alone.
      ...{ detached: true, windowsHide: true },
      env: { ...plainEnvironment(env), FINCH_HOME: home },
    });
    const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    const lines = linesOf(child.stdout);
    const { value } = await lines.next();
    clearTimeout(late);
    const report = parseReport(value ?? '');
    if (report?.kind !== 'ready') {
      child.kill('SIGKILL');
      throw new Error('it did not say that it is there');
    }
    const courier = new RunningCourier(child, report.courier, silenceMs);
    void courier.#listen(lines);
    return courier;
  }

  get isOver(): boolean {
    return this.#isOver || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** @throws FinchError as a {@link Transport} */
  async send(
    request: HttpRequest,
    {
      upload,
      asStream,
      bytesPerSecond,
      onSent,
      address,
    }: CarryOptions & { address: string | undefined },
  ): Promise<Response> {
    const {
      method,
      url,
      headers = {},
      insecure = false,
      tls,
      patienceMs,
      workBytes,
      signal,
    } = request;
    signal?.throwIfAborted();
    const body = request.body?.();
    if (body === undefined || !('file' in body)) throw new Error('a courier carries only files');
    this.#count += 1;
    const id = this.#count;
    const answer = Promise.withResolvers<Response>();
    this.#waiting.set(id, { url, onSent, answer });
    this.#watch();
    const onAbort = () => {
      answer.reject(transportError(signal?.reason, { host: url.host, signal }));
    };
    signal?.addEventListener('abort', onAbort);
    try {
      const line = messageLine({
        ...{ id, method, url: url.href, headers, file: body.file, asStream, insecure },
        ...(tls && { tls }),
        ...(bytesPerSecond !== undefined && { bytesPerSecond }),
        ...(address !== undefined && { address }),
        ...(patienceMs !== undefined && { patienceMs }),
        ...(workBytes !== undefined && { workBytes }),
        upload: { ...upload, owner: this.#self },
      });
      await this.#say(line);
      if (this.isOver) throw gone(url);
      return await answer.promise;
    } finally {
      this.#waiting.delete(id);
      this.#watch();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** It ends once what is at hand is done. */
  end(): void {
    void Promise.resolve(this.#child.stdin.end()).catch(() => {});
  }

  /** Ends one that stands still while a request is at hand: it would be waited for without an end. */
  #watch(): void {
    if (this.#waiting.size === 0) {
      clearInterval(this.#looks);
      this.#looks = undefined;
    } else if (this.#looks === undefined) {
      this.#silent = 0;
      this.#looks = setInterval(() => {
        this.#silent += 1;
        if (this.#silent > SILENT_LOOKS) this.#child.kill('SIGKILL');
      }, this.#silenceMs / SILENT_LOOKS);
    }
  }

  async #say(line: string): Promise<void> {
    try {
      this.#child.stdin.write(line);
      await this.#child.stdin.flush();
    } catch {
      this.#isOver = true;
    }
  }

  async #listen(lines: AsyncIterable<string>): Promise<void> {
    try {
      for await (const line of lines) {
        const report = parseReport(line);
        if (report === undefined) break;
        this.#silent = 0;
        this.#hear(report);
      }
    } catch {
      // It is gone.
    }
    this.#isOver = true;
    this.end();
    for (const { url, answer } of this.#waiting.values()) answer.reject(gone(url));
  }

  #hear(report: Report): void {
    const waiting = report.kind === 'ready' ? undefined : this.#waiting.get(report.id);
    if (waiting === undefined) return;
    const { url, onSent, answer } = waiting;
    switch (report.kind) {
      case 'sent':
        if (report.bytes > 0) onSent(report.bytes);
        break;
      case 'answer':
        answer.resolve(responseOf(report, url));
        break;
      case 'failed':
        answer.reject(errorOf(report));
        break;
    }
  }
}

/** Statuses of answers that have no body. https://fetch.spec.whatwg.org/#null-body-status */
const NO_BODY = [204, 205, 304];

function responseOf(
  { status, statusText, headers, body }: Report & { kind: 'answer' },
  { href }: URL,
): Response {
  const bytes = NO_BODY.includes(status) ? null : Buffer.from(body, 'base64');
  const pairs = headers.map(([name, value]): [string, string] => [name, value]);
  const response = new Response(bytes, { status, statusText, headers: pairs });
  return Object.defineProperty(response, 'url', { value: href });
}

function errorOf({ code, message, hint, cause }: Report & { kind: 'failed' }): FinchError {
  return new FinchError(code, message, {
    ...(hint !== undefined && { hint }),
    ...(cause !== undefined && { cause: Object.assign(new Error(cause), { code: cause }) }),
  });
}

/** What is at hand breaks off with the courier, as it would with the connection. */
function gone({ host }: URL): FinchError {
  const cause = Object.assign(new Error('the courier is gone'), { code: 'ECONNRESET' });
  return transportError(cause, { host });
}
