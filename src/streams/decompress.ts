import type { Transform } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { type ErrorCode, FinchError } from '../errors.ts';
import { peek } from './peek.ts';

/** How bytes are compressed, as their first bytes tell. */
export type Compression = 'gzip' | 'zstd' | 'none';

/** Options of {@link decompress}. */
export interface DecompressOptions {
  /** Names the bytes in messages. */
  readonly what: string;
  /** The code of the error about damaged data. Default: `ARCHIVE_INVALID`. */
  readonly code?: ErrorCode;
  readonly signal?: AbortSignal | undefined;
}

const PIECE_BYTES = 256 * 1024;

/** 2^27, 128 MiB: what `zstd --long` makes at most. A larger window is only memory for an attacker. */
const ZSTD_WINDOW_LOG = 27;

/** How bytes that begin with `head` are compressed. Four bytes are enough. */
export function sniffCompression(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  const isZstd = head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd;
  return isZstd ? 'zstd' : 'none';
}

/**
 * The plain bytes of `source`, which may be gzip (of any number of members), zstd (of any number of
 * frames) or neither: its first bytes decide, not a name. Memory stays flat whatever the size.
 * A zstd stream that is cut off ends early without an error, so whoever relies on the end compares a digest.
 * @throws FinchError of `code` when the data is damaged; what `source` throws
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  { what, code = 'ARCHIVE_INVALID', signal }: DecompressOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { head, whole } = await peek(source, 4);
  const compression = sniffCompression(head);
  if (compression === 'none') {
    for await (const piece of whole) {
      signal?.throwIfAborted();
      yield piece;
    }
    return;
  }
  const decoder = compression === 'gzip' ? gunzip() : unzstd();
  const damaged = (cause: Error) =>
    new FinchError(code, `${what} is damaged: its ${compression} data cannot be read`, { cause });
  yield* through(decoder, whole, { damaged, signal });
}

function gunzip(): Transform {
  return createGunzip({ chunkSize: PIECE_BYTES });
}

function unzstd(): Transform {
  const params = { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG };
  return createZstdDecompress({ chunkSize: PIECE_BYTES, params });
}

interface ThroughOptions {
  readonly damaged: (cause: Error) => FinchError;
  readonly signal: AbortSignal | undefined;
}

/** Writes one piece at a time and gives what comes out before it asks for the next. */
async function* through(
  decoder: Transform,
  source: AsyncIterable<Uint8Array>,
  { damaged, signal }: ThroughOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  let failure: Error | undefined;
  let ended = false;
  let wake = () => {};
  decoder.on('readable', () => wake());
  decoder.on('end', () => {
    ended = true;
    wake();
  });
  decoder.on('error', (error) => {
    failure = error;
    wake();
  });
  async function* output(finished: () => boolean) {
    for (;;) {
      signal?.throwIfAborted();
      if (failure !== undefined) throw damaged(failure);
      const piece: Uint8Array | null = decoder.read();
      if (piece !== null) yield piece;
      else if (finished()) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  try {
    for await (const piece of source) {
      let consumed = false;
      decoder.write(piece, () => {
        consumed = true;
        wake();
      });
      yield* output(() => consumed);
    }
    decoder.end();
    yield* output(() => ended);
  } finally {
    decoder.destroy();
  }
}
