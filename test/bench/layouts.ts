import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf, parseDigest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { json } from '../support/images.ts';
import { tarHeader } from '../support/tar.ts';
import { programBytes } from './program-bytes.ts';

const MIB = 1024 * 1024;

/** What `platform` in a config says of this machine, so that whoever checks layers checks these. */
const platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : 'arm64' } as const;

/** An image as files. */
export interface LayoutOptions {
  readonly folder: string;
  /** How many bytes of noise are in each layer. */
  readonly layers: readonly number[];
}

/** An OCI image layout on disk. */
export interface Layout {
  readonly folder: string;
  /** The files of its layers, and their sizes. */
  readonly layers: readonly { readonly path: string; readonly size: number }[];
  /** Of all its content together. */
  readonly bytes: number;
}

/**
 * Writes an OCI image layout, with an image named `latest`, of layers that are noise in a tar in a gzip file that does not compress: what
 * nobody can make smaller, and everybody may check.
 */
export async function writeLayout({ folder, layers }: LayoutOptions): Promise<Layout> {
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  const pathOf = (digest: Digest) => join(folder, 'blobs', digest.replace(':', '/'));
  const written = [];
  for (const bytes of layers) {
    const noise = randomBytes(Math.min(bytes, MIB));
    const part = join(folder, 'layer');
    const { blob, diffId } = await writeGzipLayer(part, noise, bytes);
    await rename(part, pathOf(blob.digest));
    written.push({ ...blob, diffId, path: pathOf(blob.digest) });
  }
  const diffIds = written.map(({ diffId }) => diffId);
  const config = json({ ...platform, config: {}, rootfs: { type: 'layers', diff_ids: diffIds } });
  const manifest = json({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: digestOf(config), size: config.length },
    layers: written.map(({ digest, size }) => ({ mediaType: mediaTypes.layerGzip, digest, size })),
  });
  for (const document of [config, manifest]) await Bun.write(pathOf(digestOf(document)), document);
  await writeIndex(folder, [{ name: 'latest', manifest }]);
  const sum = written.reduce((bytes, { size }) => bytes + size, config.length + manifest.length);
  return { folder, layers: written.map(({ path, size }) => ({ path, size })), bytes: sum };
}

/** Writes the `index.json` and `oci-layout` of a layout, of manifests that are there. */
export async function writeIndex(
  folder: string,
  names: readonly { readonly name: string; readonly manifest: Uint8Array }[],
): Promise<void> {
  const manifests = names.map(({ name, manifest }) => ({
    mediaType: (JSON.parse(new TextDecoder().decode(manifest)) as { mediaType: string }).mediaType,
    digest: digestOf(manifest),
    size: manifest.length,
    annotations: { 'org.opencontainers.image.ref.name': name },
  }));
  await Bun.write(join(folder, 'index.json'), json({ schemaVersion: 2, manifests }));
  await Bun.write(join(folder, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
}

/** What the layers of an archive are: the machine's own programs, noise, or half noise and half words. */
export type ArchiveContent = 'programs' | 'noise' | 'mixed';

/** Writes a docker-archive with uncompressed layers, each of so many bytes. */
export async function writeDockerArchive(
  path: string,
  {
    layers,
    name,
    content,
  }: {
    readonly layers: readonly number[];
    readonly name: string;
    readonly content: ArchiveContent;
  },
): Promise<void> {
  const programs = content === 'programs' ? programBytes(layers) : undefined;
  const contents = layers.map((bytes) => ({
    bytes,
    block: programs?.next().value ?? (content === 'mixed' ? mixedBlock() : randomBytes(16 * MIB)),
  }));
  const diffIds = contents.map(({ bytes, block }) => digestOfAll(tarOf(block, bytes)));
  const config = json({ ...platform, config: {}, rootfs: { type: 'layers', diff_ids: diffIds } });
  const configName = `${digestOf(config).replace('sha256:', '')}.json`;
  const layerNames = layers.map((_, i) => `${i}/layer.tar`);
  const manifest = json([{ Config: configName, RepoTags: [name], Layers: layerNames }]);
  await writeAll(path, archive());

  function* archive(): Generator<Uint8Array, void> {
    yield* member(configName, config);
    for (const [i, { bytes, block }] of contents.entries()) {
      yield tarHeader({ name: layerNames[i] ?? '' }, tarSize(bytes));
      yield* tarOf(block, bytes);
    }
    yield* member('manifest.json', manifest);
    yield new Uint8Array(1024);
  }
}

function* member(name: string, bytes: Uint8Array): Generator<Uint8Array, void> {
  yield tarHeader({ name }, bytes.length);
  yield bytes;
  yield padding(bytes.length);
}

/** A tar with one file that repeats a block. */
function* tarOf(block: Uint8Array, bytes: number): Generator<Uint8Array, void> {
  yield tarHeader({ name: 'noise' }, bytes);
  for (let left = bytes; left > 0; left -= block.length) yield block.subarray(0, left);
  yield padding(bytes);
  yield new Uint8Array(1024);
}

function tarSize(bytes: number): number {
  return 512 + bytes + padding(bytes).length + 1024;
}

function padding(bytes: number): Uint8Array {
  return new Uint8Array((512 - (bytes % 512)) % 512);
}

async function writeGzipLayer(path: string, noise: Uint8Array, bytes: number) {
  const diffId = digestOfAll(tarOf(noise, bytes));
  // Nearly all pieces are of the same noise, and gzip allows several members behind each other.
  const packed = new Map<number, Uint8Array>();
  function* members() {
    for (const piece of tarOf(noise, bytes)) {
      const isNoise = piece.buffer === noise.buffer;
      const known = isNoise ? packed.get(piece.length) : undefined;
      const gzipped = known ?? Bun.gzipSync(new Uint8Array(piece), { level: 0 });
      if (isNoise) packed.set(piece.length, gzipped);
      yield gzipped;
    }
  }
  return { blob: await writeAll(path, members()), diffId };
}

function digestOfAll(pieces: Iterable<Uint8Array>): Digest {
  const hasher = new Bun.CryptoHasher('sha256');
  for (const piece of pieces) hasher.update(piece);
  return parseDigest(`sha256:${hasher.digest('hex')}`);
}

async function writeAll(
  path: string,
  pieces: Iterable<Uint8Array>,
): Promise<{ readonly digest: Digest; readonly size: number }> {
  await using file = await open(path, 'w');
  const hasher = new Bun.CryptoHasher('sha256');
  let size = 0;
  for (const piece of pieces) {
    hasher.update(piece);
    size += piece.length;
    await file.writeFile(piece);
  }
  return { digest: parseDigest(`sha256:${hasher.digest('hex')}`), size };
}

function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  // No more than this is given at once.
  for (let at = 0; at < count; at += 65_536)
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

/** Larger than any compressor looks back, with words and noise in turns, as programs and their texts are. */
function mixedBlock(): Uint8Array {
  const block = randomBytes(16 * MIB);
  const words = Array.from(
    { length: 4096 },
    (_, i) =>
      `${Bun.hash(`${i}`)
        .toString(36)
        .slice(0, 3 + (i % 8))} `,
  );
  const pick = new Uint16Array(randomBytes(32_768).buffer);
  for (let at = 0; at < block.length; at += 131_072) {
    const text = Array.from(pick, (n) => words[(n + at) % words.length]).join('');
    new TextEncoder().encodeInto(text, block.subarray(at, at + 65_536));
  }
  return block;
}
