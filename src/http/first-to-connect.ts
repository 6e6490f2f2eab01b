import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds that an address has for itself before the next one is asked too. */
const HEAD_START_MS = 250;

/** What {@link firstToConnect} needs to know. */
export interface FirstToConnectOptions {
  readonly port: number;
  readonly signal: AbortSignal;
  /** Opens a connection that ends with the signal. Default: over TCP. */
  readonly open?: (host: string, options: OpenOptions) => Promise<unknown>;
}

interface OpenOptions {
  readonly port: number;
  readonly signal: AbortSignal;
}

/**
 * Of several addresses of a server, as hosts of URLs, the one that takes a connection first. Each gets a
 * head start on the next, so that one that is dead costs no more than that.
 * https://www.rfc-editor.org/rfc/rfc8305#section-5
 * @throws what the first of them came to, when none takes one; the reason of the signal
 */
export async function firstToConnect(
  hosts: readonly string[],
  { port, signal, open = openSocket }: FirstToConnectOptions,
): Promise<string> {
  const done = new AbortController();
  const both = AbortSignal.any([signal, done.signal]);
  const tries: Promise<string>[] = [];
  try {
    for (const host of hosts) {
      const attempt = open(host, { port, signal: both }).then(() => host);
      tries.push(attempt);
      const winner = await Promise.race([
        Promise.any(tries).catch(() => undefined),
        attempt.catch(() => undefined),
        sleep(HEAD_START_MS, undefined, { signal: both }).catch(() => undefined),
      ]);
      if (winner !== undefined) return winner;
      signal.throwIfAborted();
    }
    return await Promise.any(tries);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error instanceof AggregateError ? error.errors[0] : error;
  } finally {
    done.abort();
  }
}

async function openSocket(host: string, { port, signal }: OpenOptions): Promise<void> {
  // Loaded here: it costs milliseconds, and few hosts have several addresses.
  const { connect } = process.getBuiltinModule('node:net');
  const socket = connect({ host: host.replace(/^\[|\]$/g, ''), port });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.on('connect', () => resolve());
  socket.on('error', reject);
  const onStop = () => {
    reject(signal.reason);
    socket.destroy();
  };
  signal.addEventListener('abort', onStop);
  if (signal.aborted) onStop();
  await promise;
}
