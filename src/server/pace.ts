import type { AbortOptions, ByteStream } from '../content.ts';
import type { ServerLimits } from './limits.ts';
import { RegistryError } from './registry-error.ts';

/** What a timer of the server's sockets can be set to at most. */
const MAX_SECONDS = 255;

/**
 * How fast the client of one request sends. The server's own timer knows only whether anything came, and
 * counts also while the server itself is at work; so it is off until the answer, and this one counts.
 */
export class Pace {
  readonly #limits: Pick<ServerLimits, 'idleMs' | 'minimumRate'>;

  constructor(limits: Pick<ServerLimits, 'idleMs' | 'minimumRate'>) {
    this.#limits = limits;
  }

  /**
   * The body of a request as it arrives, if it has one. Throws when the client goes away, or the signal says
   * to stop.
   * @throws RegistryError 408 when it comes too slowly
   */
  async *receive(
    body: ReadableStream<Uint8Array> | null,
    { signal }: AbortOptions = {},
  ): ByteStream {
    if (body === null) return;
    const { idleMs, minimumRate } = this.#limits;
    const reader = body.getReader();
    let isLate = false;
    let waited = 0;
    let received = 0;
    // To cancel is also to be told that the body has ended.
    const cancel = () => void reader.cancel().catch(() => undefined);
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      for (;;) {
        const began = performance.now();
        const timer = setTimeout(() => {
          isLate = true;
          cancel();
        }, idleMs);
        const { value, done } = await reader.read().finally(() => clearTimeout(timer));
        waited += performance.now() - began;
        received += value?.length ?? 0;
        signal?.throwIfAborted();
        if (isLate || waited > idleMs + (received / minimumRate) * 1000) throw tooSlow();
        if (done) return;
        yield value;
      }
    } finally {
      signal?.removeEventListener('abort', cancel);
      cancel();
    }
  }
}

/** {@link ServerLimits.idleMs} as the timer of a socket takes it. */
export function idleSeconds({ idleMs }: Pick<ServerLimits, 'idleMs'>): number {
  return Math.min(Math.ceil(idleMs / 1000), MAX_SECONDS);
}

function tooSlow(): RegistryError {
  return new RegistryError(408, 'UNKNOWN', {
    message: 'the body of the request came too slowly',
    headers: { Connection: 'close' },
  });
}
