import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf, parseDigest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { json, layoutFiles } from '../support/images.ts';
import { tarHeader } from '../support/tar.ts';

/** A layer is made of copies of one block of noise, so that it costs little to make and cannot be compressed. */
const BLOCK_BYTES = 8 * 1024 * 1024;

/** Where {@link writeLargeLayout} and {@link writeLargeArchive} write, and how much. */
export interface LargeImage {
  readonly folder: string;
  /** Size of the one file in the only layer, in bytes. */
  readonly bytes: number;
  readonly name: string;
}

/**
 * Writes an OCI layout folder whose image has a layer that is compressed already, as large as the file in
 * it. Gives its path.
 */
export async function writeLargeLayout({ folder, bytes, name }: LargeImage): Promise<string> {
  const layout = join(folder, 'layout');
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
  const part = join(layout, 'layer');
  const [head, block, tail] = tarParts(bytes);
  // gzip allows several members behind each other.
  const members = [head, block, tail].map((piece) => Bun.gzipSync(piece, { level: 0 }));
  const layer = await writePieces(part, pieces(members, bytes));
  await rename(part, join(layout, 'blobs', layer.digest.replace(':', '/')));
  const config = configOf(diffIdOf(bytes));
  const manifest = json({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: mediaTypes.layerGzip, ...layer }],
  });
  const root = {
    mediaType: mediaTypes.manifest,
    digest: digestOf(manifest),
    size: manifest.length,
  };
  const blobs = new Map([
    [digestOf(config), config],
    [root.digest, manifest],
  ]);
  const files = layoutFiles(
    { root, blobs, order: [root] },
    { 'org.opencontainers.image.ref.name': name },
  );
  for (const [path, content] of files) await Bun.write(join(layout, path), content);
  return layout;
}

/** Writes a docker-archive whose image has one uncompressed layer, and gives its path. */
export async function writeLargeArchive({ folder, bytes, name }: LargeImage): Promise<string> {
  const path = join(folder, 'image.tar');
  const diffId = diffIdOf(bytes);
  const config = configOf(diffId);
  const configName = `${digestOf(config).replace('sha256:', '')}.json`;
  const manifest = json([{ Config: configName, RepoTags: [name], Layers: ['layer.tar'] }]);
  const layerBytes = 512 + bytes + 1024;
  async function* archive() {
    yield* [tarHeader({ name: configName }, config.length), padded(config)];
    yield tarHeader({ name: 'layer.tar' }, layerBytes);
    yield* pieces(tarParts(bytes), bytes);
    yield* [tarHeader({ name: 'manifest.json' }, manifest.length), padded(manifest)];
    yield new Uint8Array(1024);
  }
  await writePieces(path, archive());
  return path;
}

let noise: Uint8Array<ArrayBuffer> | undefined;

/** What a layer's tar begins with, what its file repeats, and what it ends with. */
function tarParts(
  bytes: number,
): [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>] {
  if (bytes % BLOCK_BYTES !== 0) throw new Error(`${bytes} is not a multiple of ${BLOCK_BYTES}`);
  noise ??= randomBlock();
  return [new Uint8Array(tarHeader({ name: 'noise' }, bytes)), noise, new Uint8Array(1024)];
}

function randomBlock(): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK_BYTES);
  // No more than this is given at once.
  for (let at = 0; at < block.length; at += 65_536) {
    crypto.getRandomValues(block.subarray(at, at + 65_536));
  }
  return block;
}

function* pieces(
  [head, block, tail]: readonly Uint8Array[],
  bytes: number,
): Generator<Uint8Array, void> {
  if (head === undefined || block === undefined || tail === undefined) return;
  yield head;
  for (let count = bytes / BLOCK_BYTES; count > 0; count--) yield block;
  yield tail;
}

function diffIdOf(bytes: number): Digest {
  const hasher = new Bun.CryptoHasher('sha256');
  for (const piece of pieces(tarParts(bytes), bytes)) hasher.update(piece);
  return parseDigest(`sha256:${hasher.digest('hex')}`);
}

function configOf(diffId: Digest): Uint8Array {
  const architecture = process.arch === 'x64' ? 'amd64' : 'arm64';
  return json({ architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: [diffId] } });
}

function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, new Uint8Array((512 - (bytes.length % 512)) % 512)]);
}

async function writePieces(
  path: string,
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<{ readonly digest: Digest; readonly size: number }> {
  const file: FileHandle = await open(path, 'w');
  const hasher = new Bun.CryptoHasher('sha256');
  let size = 0;
  try {
    for await (const piece of source) {
      hasher.update(piece);
      size += piece.length;
      await file.writeFile(piece);
    }
  } finally {
    await file.close();
  }
  return { digest: parseDigest(`sha256:${hasher.digest('hex')}`), size };
}
