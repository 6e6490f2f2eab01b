import type { Transform } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { type ErrorCode, FinchError } from '../errors.ts';
import { Expansion } from './expansion.ts';
import { peek } from './peek.ts';
import { ZstdFrames } from './zstd-frames.ts';

/** How bytes are compressed, as their first bytes tell. */
export type Compression = 'gzip' | 'zstd' | 'none';

/** Options of {@link decompress}. */
export interface DecompressOptions {
  /** Names the bytes in messages. */
  readonly what: string;
  /** The code of the error about damaged data. Default: `ARCHIVE_INVALID`. */
  readonly code?: ErrorCode;
  /** What the data may become. Default: as an `Expansion` of its own. */
  readonly expansion?: Expansion;
  readonly signal?: AbortSignal | undefined;
}

const PIECE_BYTES = 256 * 1024;

/** 2^27, 128 MiB: what `zstd --long` makes at most. A larger window is only memory for an attacker. */
const ZSTD_WINDOW_LOG = 27;

/** How bytes that begin with `head` are compressed. Four bytes are enough. */
export function sniffCompression(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  const isZstd = head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd;
  // Parallel compressors begin with a frame to skip.
  const isSkippable =
    ((head[0] ?? 0) & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
  return isZstd || isSkippable ? 'zstd' : 'none';
}

/**
 * The plain bytes of `source`, which may be gzip (of any number of members), zstd (of any number of
 * frames) or neither: its first bytes decide, not a name. Memory stays flat whatever the size.
 * @throws FinchError of `code` when compressed data is damaged or cut off, or becomes more than
 *   `expansion` allows; what `source` throws
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  { what, code = 'ARCHIVE_INVALID', expansion = new Expansion(), signal }: DecompressOptions,
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
  const damaged = (why: string, cause?: Error) =>
    new FinchError(code, `${what} is damaged: its ${compression} data ${why}`, {
      hint: 'get it again from where it was made',
      cause,
    });
  const decoder = compression === 'gzip' ? gunzip() : unzstd();
  const checked = compression === 'gzip' ? whole : wholeFrames(whole, damaged);
  const counted = counting(checked, expansion);
  for await (const piece of through(decoder, counted, { damaged, signal })) {
    expansion.give(piece.length);
    if (expansion.isBomb) {
      throw new FinchError(code, `${what} is a decompression bomb: it gives ${expansion}`, {
        hint: expansion.hint,
      });
    }
    yield piece;
  }
}

async function* counting(source: AsyncIterable<Uint8Array>, expansion: Expansion) {
  for await (const piece of source) {
    expansion.take(piece.length);
    yield piece;
  }
}

/** Passes zstd data on, and throws where it is not that, or ends within a frame. */
async function* wholeFrames(
  source: AsyncIterable<Uint8Array>,
  damaged: (why: string) => FinchError,
): AsyncGenerator<Uint8Array, void, undefined> {
  const frames = new ZstdFrames();
  for await (const piece of source) {
    if (!frames.take(piece)) throw damaged('cannot be read');
    yield piece;
  }
  if (!frames.isWhole) throw damaged('is cut off');
}

function gunzip(): Transform {
  return createGunzip({ chunkSize: PIECE_BYTES });
}

function unzstd(): Transform {
  const params = { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG };
  return createZstdDecompress({ chunkSize: PIECE_BYTES, params });
}

interface ThroughOptions {
  readonly damaged: (why: string, cause: Error) => FinchError;
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
      if (failure !== undefined) throw damaged('cannot be read', failure);
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
