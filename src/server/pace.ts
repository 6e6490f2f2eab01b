import type { ByteStream } from '../content.ts';
import type { ServerLimits } from './limits.ts';
import { RegistryError } from './registry-error.ts';

/** What a timer of the server's sockets can be set to at most. */
const MAX_SECONDS = 255;

/**
 * How fast the client of one request sends. The server's own timer knows only whether anything came, and
 * counts also while the server itself is at work; so it is off from the beginning of a body to the answer.
 */
export class Pace {
  readonly #limits: Pick<ServerLimits, 'idleMs' | 'minimumRate'>;
  readonly #setTimer: (seconds: number) => void;

  /** @param setTimer sets the seconds after which the server closes the connection; 0: never */
  constructor(
    limits: Pick<ServerLimits, 'idleMs' | 'minimumRate'>,
    setTimer: (seconds: number) => void,
  ) {
    this.#limits = limits;
    this.#setTimer = setTimer;
  }

  /**
   * The body of a request as it arrives, if it has one. After it the connection may be silent for as long as the work takes.
   * Throws when the client goes away.
   * @throws RegistryError 408 when it comes too slowly
   */
  async *receive(body: ReadableStream<Uint8Array> | null): ByteStream {
    this.#setTimer(0);
    if (body === null) return;
    const { idleMs, minimumRate } = this.#limits;
    const reader = body.getReader();
    let isLate = false;
    let waited = 0;
    let received = 0;
    // To cancel is also to be told that the body has ended.
    const cancel = () => void reader.cancel().catch(() => undefined);
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
        if (isLate || waited > idleMs + (received / minimumRate) * 1000) throw tooSlow();
        if (done) return;
        yield value;
      }
    } finally {
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
