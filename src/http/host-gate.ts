import { discardBody, readStart } from './body.ts';
import type { Pauses } from './pauses.ts';
import { pause, type RetryOptions } from './retry.ts';
import { askedWaitMs } from './retry-after.ts';
import type { HttpRequest, Transport } from './transport.ts';

/** How {@link withHostGates} tells the time, and who hears of waits. */
export interface HostGateOptions extends Pick<RetryOptions, 'now' | 'sleep'> {
  /** Hears of each longer wait that a host asks for and that is waited for, in milliseconds. */
  readonly onWait?: (host: string, ms: number) => void;
}

/** Statuses of a server that is too busy for now. */
const BUSY_STATUS = new Set([429, 503]);

/** Statuses with which some registries say the same: only the error's code tells. */
const ODD_STATUS = new Set([400, 403, 500]);

const ODD_CODE = /"code"\s*:\s*"TOOMANYREQUESTS"/i;

/** A shorter wait is not worth a word. */
const SHORTEST_NOTED_MS = 2000;

/** Until when a host wants no requests, and what it said. */
interface Gate {
  readonly opensAt: number;
  readonly status: number;
  readonly statusText: string;
}

/**
 * Has all requests to a host wait when one was answered that it is too busy, for as long as the host asks. Only
 * requests that bring pauses wait, and take it from those; where it is too long, they get that answer too, and are
 * not sent. An answer with the error TOOMANYREQUESTS counts, and comes back, as one with status 429, whatever its
 * own is.
 */
export function withHostGates(transport: Transport, options: HostGateOptions = {}): Transport {
  const { now = Date.now, sleep, onWait = () => {} } = options;
  const gates = new Map<string, Gate>();

  const close = (host: string, response: Response, pauses: Pauses) => {
    const time = now();
    const ms = askedWaitMs(response.headers, time) ?? 0;
    const before = gates.get(host)?.opensAt ?? 0;
    if (ms === 0 || time + ms <= before) return;
    const { status, statusText } = response;
    gates.set(host, { opensAt: time + ms, status, statusText });
    const isLonger = time + ms - Math.max(before, time) > SHORTEST_NOTED_MS;
    if (isLonger && pauses.allows(ms)) onWait(host, ms);
  };

  return async (request) => {
    const { url, pauses, signal } = request;
    if (pauses === undefined) return transport(request);
    const { host } = url;
    for (let gate = gates.get(host); gate !== undefined; gate = gates.get(host)) {
      const ms = gate.opensAt - now();
      if (ms <= 0) gates.delete(host);
      else if (pauses.take(ms)) await pause(ms, { ...(sleep && { sleep }), signal });
      else return refusal(url, gate, ms);
    }
    const answer = await transport(request);
    const response = ODD_STATUS.has(answer.status) ? await asThrottled(answer, request) : answer;
    if (BUSY_STATUS.has(response.status)) close(host, response, pauses);
    return response;
  };
}

/** What a host said to another request. */
function refusal(url: URL, { status, statusText }: Gate, ms: number): Response {
  const headers = { 'retry-after': String(Math.ceil(ms / 1000)) };
  return at(url.href, new Response(null, { status, statusText, headers }));
}

async function asThrottled(response: Response, { method, signal }: HttpRequest): Promise<Response> {
  const { headers, url } = response;
  if (method === 'HEAD' || !/\bjson\b/i.test(headers.get('content-type') ?? '')) return response;
  const reading = readStart(response.clone(), { limit: 4096, stallMs: 1000, signal });
  const start = await reading.catch(() => undefined);
  if (!ODD_CODE.test(new TextDecoder().decode(start?.bytes))) return response;
  await discardBody(response);
  const answer = { status: 429, statusText: 'Too Many Requests', headers };
  return at(url, new Response(start?.bytes.slice(), answer));
}

/** A response as if it had come from there. */
function at(url: string, response: Response): Response {
  return Object.defineProperty(response, 'url', { value: url });
}
