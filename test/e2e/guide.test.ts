import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type Digest, shortId } from '../../src/oci/digest.ts';
import { childrenOf, parseDocument } from '../../src/oci/document.ts';
import { helloFinch, writeDockerArchive, writeHelloFinch } from '../demo/hello-finch.ts';
import type { Built } from '../support/images.ts';
import { namesIn } from './support/home-contents.ts';
import { areHere } from './support/program.ts';
import { pullVerified, repositoryOn, skopeoDigest } from './support/skopeo.ts';
import { withoutAges } from './support/table.ts';
import { login, type RegistryBench, secureBench, USER } from './support/workbench.ts';

const here = process.arch === 'x64' ? 'amd64' : 'arm64';

/** Bytes as the tables show them; everything in hello-finch is smaller than a MiB. */
function size(bytes: number): string {
  return bytes < 1024 ? `${bytes.toFixed(1)} B` : `${(bytes / 1024).toFixed(1)} KiB`;
}

/** Manifest, configuration and layers of a manifest whose bytes are given, together. */
function blobSize(manifest: Uint8Array): number {
  const document = parseDocument(manifest, { what: 'the manifest' });
  return childrenOf(document).reduce((sum, child) => sum + child.size, manifest.length);
}

function bytesOf({ blobs }: Built, digest: Digest): Uint8Array {
  return blobs.get(digest) ?? new Uint8Array();
}

async function storedBytes({ home }: RegistryBench, digest: string): Promise<Uint8Array> {
  return Bun.file(join(home, 'store/blobs', digest.replace(':', '/'))).bytes();
}

describe.skipIf(!areHere('docker-registry', 'skopeo', 'openssl'))('the user guide', () => {
  test('pushes a single image to a registry that asks for a login, and the digest stays', async () => {
    await using bench = await secureBench();
    const { registry, ok } = bench;
    await writeDockerArchive(bench.path('hello-finch.tar'), here);
    expect(await ok('load -i hello-finch.tar')).toBe('Loaded image: hello-finch:latest\n');

    const digest = (await namesIn(bench.home))['hello-finch:latest'] ?? '';
    const manifest = await storedBytes(bench, digest);
    expect(withoutAges(await ok('image list'))).toBe(
      [
        `REPOSITORY     TAG       IMAGE ID        PLATFORM       SIZE       BLOB SIZE`,
        `hello-finch    latest    ${digest.slice(7, 19)}    linux/${here}    2.0 KiB    ${size(blobSize(manifest))}`,
        '',
      ].join('\n'),
    );

    expect(await ok(`tag hello-finch:latest ${registry.host}/hello-finch:latest`)).toBe('');
    await login(bench);
    expect(await ok(`push ${registry.host}/hello-finch:latest`)).toBe(
      `${registry.host}/hello-finch:latest: digest: ${digest} size: ${manifest.length}\n`,
    );

    expect(await skopeoDigest(registry, 'hello-finch:latest', USER)).toBe(digest as Digest);
    expect(await repositoryOn(bench.registryRoot, 'hello-finch')).toEqual({
      tags: { latest: digest },
      manifests: [digest as Digest],
    });
  });

  test('lists both platforms of an image, and both again under the name that it is given', async () => {
    await using bench = await secureBench();
    const { registry, ok } = bench;
    const { built, amd64, arm64 } = await loadHelloFinch(bench);
    const id = shortId(built.root.digest);
    const sizes = (architecture: string) => (architecture === here ? '2.0 KiB' : '0.0 B  ');
    const rows = (repository: string) => [
      `${repository}    latest    ${id}    linux/arm64    ${sizes('arm64')}    ${size(blobSize(arm64))}`,
      `${repository}    latest    ${id}    linux/amd64    ${sizes('amd64')}    ${size(blobSize(amd64))}`,
    ];

    expect(withoutAges(await ok('image list'))).toBe(
      [
        'REPOSITORY     TAG       IMAGE ID        PLATFORM       SIZE       BLOB SIZE',
        ...rows('hello-finch'),
        '',
      ].join('\n'),
    );

    const remote = `${registry.host}/hello-finch`;
    await ok(`tag hello-finch:latest ${remote}:latest`);
    expect(withoutAges(await ok('image list'))).toBe(
      [
        `${'REPOSITORY'.padEnd(remote.length)}    TAG       IMAGE ID        PLATFORM       SIZE       BLOB SIZE`,
        ...rows(remote),
        ...rows('hello-finch'.padEnd(remote.length)),
        '',
      ].join('\n'),
    );
  });

  test('pushes two platforms as one tagged index and two untagged manifests', async () => {
    await using bench = await secureBench();
    const { registry, ok } = bench;
    const { built } = await loadHelloFinch(bench);
    const { digest } = built.root;
    const name = `${registry.host}/hello-finch:latest`;
    await ok(`tag hello-finch:latest ${name}`);
    await login(bench);
    expect(await ok(`push --platform linux/arm64,linux/amd64 ${name}`)).toBe(
      `${name}: digest: ${digest} size: ${built.root.size}\n`,
    );

    expect(await skopeoDigest(registry, 'hello-finch:latest', USER)).toBe(digest);
    const index = parseDocument(bytesOf(built, digest), { what: 'the index' });
    const members = childrenOf(index).map((child) => child.digest);
    const held = await repositoryOn(bench.registryRoot, 'hello-finch');
    expect(held.tags).toEqual({ latest: digest });
    expect(held.manifests.toSorted()).toEqual([digest, ...members].toSorted());
    const pulled = await pullVerified(registry, {
      name: 'hello-finch:latest',
      to: bench.path('pulled'),
      user: USER,
    });
    expect(pulled).toEqual({ root: digest, blobs: 6 });
  });
});

/** Loads the two-platform image. */
async function loadHelloFinch(bench: RegistryBench) {
  const built = await writeHelloFinch(bench.path('hello-finch.tar'));
  expect(await bench.ok('load --input hello-finch.tar')).toBe('Loaded image: hello-finch:latest\n');
  const [arm64, amd64] = childrenOf(
    parseDocument(bytesOf(helloFinch(), built.root.digest), { what: 'the index' }),
  ).map(({ digest }) => bytesOf(built, digest));
  return { built, arm64: arm64 ?? new Uint8Array(), amd64: amd64 ?? new Uint8Array() };
}
