import { describe, expect, test } from 'bun:test';
import { describe as describeBytes } from '../../../src/oci/descriptor.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';
import { challenged } from '../../support/bearer-registry.ts';
import { CANARY } from '../../support/canary.ts';
import { type FakeRegistry, startFakeRegistry } from '../../support/fake-registry.ts';
import { json, layerTar } from '../../support/images.ts';
import { expectError } from '../support/expectations.ts';
import { type Workbench, workbench } from '../support/workbench.ts';

const FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
const tar = layerTar('elsewhere');
const layer = Bun.gzipSync(Buffer.from(tar));

/** A registry that asks for a login, and has an image whose only layer is at `address` and not here. */
function registryNaming(address: string, mediaType: string): FakeRegistry {
  const registry = startFakeRegistry({
    script: ({ headers }) =>
      headers.has('authorization') ? undefined : challenged('Basic realm="x"'),
  });
  const config = json({
    ...{ os: 'linux', architecture: 'amd64' },
    rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
  });
  const named = describeBytes(mediaTypes.config, digestOf(config), config);
  const manifest = json({
    ...{ schemaVersion: 2, mediaType: mediaTypes.manifest, config: named },
    layers: [{ ...describeBytes(mediaType, digestOf(layer), layer), urls: [address] }],
  });
  registry.blobs.set(named.digest, new Uint8Array(config));
  const kept = { mediaType: mediaTypes.manifest, bytes: new Uint8Array(manifest) };
  registry.manifests.set('app:1', kept).set(`app@${digestOf(manifest)}`, kept);
  return registry;
}

/** A server that gives the layer to whoever shows a login. */
function greedy(): FakeRegistry {
  return startFakeRegistry({
    script: ({ headers }) =>
      headers.has('authorization') ? new Response(layer) : challenged('Basic realm="x"'),
  });
}

async function signIn(bench: Workbench, { host }: FakeRegistry): Promise<string> {
  await bench.ok(`login -u me --password-stdin ${host}`, { stdin: CANARY });
  return `${host}/app:1`;
}

describe('a layer that names addresses of its own', () => {
  test('is never asked for at the addresses that it names', async () => {
    await using bench = await workbench();
    await using other = greedy();
    await using registry = registryNaming(`${other.origin}/layer`, mediaTypes.layerGzip);
    const name = await signIn(bench, registry);
    expectError(await bench.fails(`pull --platform linux/amd64 ${name}`), /has no blob sha256:/);
    expect(other.requests).toHaveLength(0);
  });

  test('is neither fetched nor sent where it may not be distributed', async () => {
    await using bench = await workbench();
    await using other = greedy();
    await using registry = registryNaming(`${other.origin}/layer`, FOREIGN);
    const name = await signIn(bench, registry);
    await bench.ok(`pull --platform linux/amd64 ${name}`);
    await bench.ok(`tag ${name} ${registry.host}/copy:1`);
    await bench.ok(`push ${registry.host}/copy:1`);
    expect(registry.manifests.has('copy:1')).toBe(true);
    expect(registry.lines().filter((line) => line.includes(digestOf(layer)))).toEqual([]);
    expect(other.requests).toHaveLength(0);
  });
});
