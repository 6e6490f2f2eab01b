import { describe, expect, test } from 'bun:test';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { readStream } from '../support/content-store-contract.ts';
import { Graph } from './graph.ts';
import { arrange } from './pulling.ts';

/** Three platforms, two of them attested, the layer `base` in all. */
function threePlatforms() {
  const graph = new Graph();
  const base = graph.layer('base');
  const images = ['amd64', 'arm64', 'arm/v7'].map((platform) => {
    const name = platform.replace('/', '');
    return graph.image(name, `linux/${platform}`, { layers: [base, graph.layer(`${name}.top`)] });
  });
  const proofs = images.slice(0, 2).map((image) => {
    return graph.attestation(`${graph.nameOf(image)}.proof`, image);
  });
  return { graph, images, root: graph.index('root', [...images, ...proofs]) };
}

const AMD64 = ['amd64', 'amd64.config', 'amd64.top'];
const AMD64_PROOF = ['amd64.proof', 'amd64.proof.config', 'amd64.proof.statement'];

describe('pullImage()', () => {
  test('fetches the chosen platform and what is attested of it, and names the whole index', async () => {
    const { graph, root } = threePlatforms();
    await using scene = await arrange(graph);
    scene.publish(root);
    const pulled = await scene.pull('amd64');
    expect(pulled.digest).toBe(root.digest);
    expect(await scene.contents()).toEqual({
      names: ['app:1'],
      blobs: [...AMD64, ...AMD64_PROOF, 'base', 'root'].sort(),
    });
    expect(scene.store.name(`${scene.registry.host}/app:1`)?.target).toEqual(root);
  });

  test('keeps the bytes of the index as they are', async () => {
    const { graph, images } = threePlatforms();
    const members = images.map(({ digest, size, mediaType, platform }) => ({
      ...{ platform, size, digest, 'x.unknown': 1.5, mediaType },
    }));
    const text = `{ "manifests": ${JSON.stringify(members, null, 5)},\n"schemaVersion":2 }\n`;
    const root = graph.add('root', mediaTypes.index, new TextEncoder().encode(text));
    await using scene = await arrange(graph);
    scene.publish(root);
    await scene.pull('linux/arm64');
    const kept = await readStream((await scene.store.open(root)).stream());
    expect(new TextDecoder().decode(kept)).toBe(text);
  });

  test('asks for each content once and for nothing that is not chosen', async () => {
    const { graph, root } = threePlatforms();
    await using scene = await arrange(graph);
    scene.publish(root);
    await scene.pull('amd64,arm64');
    const [blobs, documents] = [/^GET blobs/, /^GET manifests/].map((kind) =>
      scene.registry.lines().filter((line) => kind.test(line.replace('/v2/app/', ''))),
    );
    expect(blobs?.length).toBe(5 + 4);
    expect(documents?.length).toBe(5);
    const requests = scene.requests();
    expect(new Set(requests).size).toBe(requests.length);
    expect(requests.filter((line) => line.startsWith('HEAD'))).toEqual(['HEAD manifests/1']);
    expect(requests.some((line) => line.includes('armv7'))).toBe(false);
  });

  test('makes one request for a tag that has not changed, and gives the name anew', async () => {
    const { graph, root } = threePlatforms();
    await using scene = await arrange(graph);
    scene.publish(root);
    for (const choice of ['amd64', 'all', 'amd64,linux/arm/v7', 'arm64']) {
      await scene.pull(choice);
      const { createdAt } = scene.store.name(`${scene.registry.host}/app:1`) ?? {};
      scene.requests();
      const events: string[] = [];
      await scene.pull(choice, { onEvent: ({ kind }) => events.push(kind) });
      expect(scene.requests()).toEqual(['HEAD manifests/1']);
      expect(events).toContain('exists');
      expect(events).not.toContain('started');
      const again = scene.store.name(`${scene.registry.host}/app:1`)?.createdAt;
      expect(again?.getTime()).toBeGreaterThan(createdAt?.getTime() ?? 0);
    }
  });

  test('adds another platform to those that are here', async () => {
    const { graph, root } = threePlatforms();
    await using scene = await arrange(graph);
    scene.publish(root);
    await scene.pull('amd64');
    scene.requests();
    await scene.pull('linux/arm/v7');
    expect(scene.requests()).toEqual([
      'GET blobs/armv7.config',
      'GET blobs/armv7.top',
      'GET manifests/armv7',
      'HEAD manifests/1',
    ]);
    const { blobs } = await scene.contents();
    expect(blobs).toEqual(
      [...AMD64, ...AMD64_PROOF, 'armv7', 'armv7.config', 'armv7.top', 'base', 'root'].sort(),
    );
    await scene.pull('all');
    expect((await scene.contents()).blobs).toEqual(
      graph
        .below(root)
        .map((part) => graph.nameOf(part))
        .toSorted(),
    );
  });

  test('moves the name when the tag names another image now', async () => {
    const { graph, root, images } = threePlatforms();
    await using scene = await arrange(graph);
    scene.publish(root);
    await scene.pull('amd64');
    const newer = graph.index('newer', images.slice(0, 1));
    scene.publish(newer);
    scene.requests();
    await scene.pull('amd64');
    expect(scene.store.name(`${scene.registry.host}/app:1`)?.target.digest).toBe(newer.digest);
    expect(scene.requests()).toEqual(['GET manifests/newer', 'HEAD manifests/1']);
  });

  test('gives a second tag of an image in one request', async () => {
    const { graph, root } = threePlatforms();
    await using scene = await arrange(graph);
    scene.publish(root);
    scene.publish(root, { tag: '2' });
    await scene.pull('amd64');
    scene.requests();
    await scene.pull('amd64', { reference: 'app:2' });
    expect(scene.requests()).toEqual(['HEAD manifests/2']);
    expect((await scene.contents()).names.toSorted()).toEqual(['app:1', 'app:2']);
  });

  test('pulls by digest, and keeps the name with the digest, with and without a tag', async () => {
    const { graph, root } = threePlatforms();
    await using scene = await arrange(graph);
    scene.publish(root);
    for (const reference of [`app@${root.digest}`, `app:7@${root.digest}`]) {
      await scene.pull('amd64', { reference });
    }
    expect((await scene.contents()).names.toSorted()).toEqual(
      [`app:7@${root.digest}`, `app@${root.digest}`].toSorted(),
    );
    expect(scene.requests().filter((line) => line.startsWith('HEAD'))).toEqual([
      'HEAD manifests/root',
      'HEAD manifests/root',
    ]);
  });

  test('pulls a lone manifest, of Docker too, and an artifact', async () => {
    for (const make of [
      (graph: Graph) => graph.image('lone', 'linux/amd64'),
      (graph: Graph) => graph.image('lone', 'linux/amd64', { docker: true }),
      (graph: Graph) => graph.artifact('lone'),
    ]) {
      const graph = new Graph();
      const root = make(graph);
      await using scene = await arrange(graph);
      scene.publish(root);
      expect((await scene.pull()).digest).toBe(root.digest);
      expect((await scene.contents()).blobs.length).toBe(3);
    }
  });

  test('pulls what an index names no platform for together with what is chosen', async () => {
    const graph = new Graph();
    const chart = graph.artifact('chart');
    const images = ['amd64', 'arm64'].map((name) => graph.image(name, `linux/${name}`));
    const root = graph.index('root', [...images, chart]);
    await using scene = await arrange(graph);
    scene.publish(root);
    await scene.pull('amd64');
    const { blobs } = await scene.contents();
    expect(blobs).toContain('chart.data');
    expect(blobs).not.toContain('arm64');
  });

  test('chooses inside nested indexes too', async () => {
    const graph = new Graph();
    const inner = graph.index(
      'inner',
      ['arm64', 's390x'].map((name) => graph.image(name, `linux/${name}`)),
    );
    const root = graph.index('root', [graph.image('amd64', 'linux/amd64'), inner]);
    await using scene = await arrange(graph);
    scene.publish(root);
    await scene.pull('amd64,arm64');
    const { blobs } = await scene.contents();
    expect(blobs).toEqual(expect.arrayContaining(['amd64', 'arm64', 'inner', 'root']));
    expect(blobs).not.toContain('s390x');
  });

  test('finds a platform that is only inside a nested index', async () => {
    const graph = new Graph();
    const inner = graph.index('inner', [graph.image('arm64', 'linux/arm64')]);
    const root = graph.index('root', [graph.image('amd64', 'linux/amd64'), inner]);
    await using scene = await arrange(graph);
    scene.publish(root);
    await scene.pull('arm64');
    expect((await scene.contents()).blobs).toContain('arm64.layer');
  });

  test('remembers the uncompressed size of the layers of this machine', async () => {
    const { graph, root } = threePlatforms();
    await using scene = await arrange(graph);
    scene.publish(root);
    await scene.pull('all');
    const layers = graph.below(root).filter(({ mediaType }) => mediaType === mediaTypes.layerGzip);
    const known = layers.filter(({ digest }) => scene.store.layer(digest) !== undefined);
    expect(known.map((layer: Descriptor) => graph.nameOf(layer)).toSorted()).toEqual([
      'amd64.top',
      'base',
    ]);
    const [layer] = known;
    if (layer === undefined) throw new Error('no layer is known');
    const plain = Bun.gunzipSync(new Uint8Array(graph.bytesOf(layer)));
    expect(scene.store.layer(layer.digest)).toMatchObject({
      diffId: digestOf(plain),
      diffSize: plain.length,
    });
  });
});
