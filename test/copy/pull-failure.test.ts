import { describe, expect, test } from 'bun:test';
import { FinchError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { registryErrorBody, type Script } from '../support/fake-registry.ts';
import { json } from '../support/images.ts';
import { Graph } from './graph.ts';
import { arrange } from './pulling.ts';

function twoPlatforms() {
  const graph = new Graph();
  const base = graph.layer('base');
  const images = ['amd64', 'arm64'].map((name) =>
    graph.image(name, `linux/${name}`, { layers: [base, graph.layer(`${name}.top`)] }),
  );
  return { graph, images, root: graph.index('root', images) };
}

const nothing = { names: [], blobs: [] };

describe('pullImage(), when it fails,', () => {
  test('throws REMOTE_NOT_FOUND for a name that is not there, and makes no name', async () => {
    const { graph, root } = twoPlatforms();
    await using scene = await arrange(graph);
    scene.publish(root);
    await expect(scene.pull('amd64', { reference: 'app:2' })).rejects.toMatchObject({
      code: 'REMOTE_NOT_FOUND',
      message: `${scene.registry.host}/app:2 is not in the registry`,
      hint: expect.stringContaining('check the name and the tag'),
    });
    expect(await scene.contents()).toEqual(nothing);
  });

  test('throws PLATFORM_MISSING with what there is, before any blob is fetched', async () => {
    const { graph, root } = twoPlatforms();
    await using scene = await arrange(graph);
    scene.publish(root);
    for (const [choice, missing] of [
      ['s390x', 'linux/s390x'],
      ['amd64,linux/arm/v7', 'linux/arm/v7'],
    ]) {
      await expect(scene.pull(choice)).rejects.toMatchObject({
        code: 'PLATFORM_MISSING',
        message: `${scene.registry.host}/app:1 has no ${missing}`,
        hint: 'it has: linux/amd64, linux/arm64; choose one with --platform',
      });
    }
    expect(scene.requests().filter((line) => line.includes('blobs'))).toEqual([]);
    expect(await scene.contents()).toEqual(nothing);
  });

  test('throws PLATFORM_MISSING for a lone manifest of another platform than the one asked for', async () => {
    const graph = new Graph();
    const root = graph.image('lone', 'linux/amd64');
    await using scene = await arrange(graph);
    scene.publish(root);
    await expect(scene.pull('linux/arm64')).rejects.toMatchObject({ code: 'PLATFORM_MISSING' });
    expect(await scene.contents()).toEqual(nothing);
  });

  test('throws PLATFORM_MISSING when no nested index has the platform either', async () => {
    const graph = new Graph();
    const inner = graph.index('inner', [graph.image('arm64', 'linux/arm64')]);
    const root = graph.index('root', [inner]);
    await using scene = await arrange(graph);
    scene.publish(root);
    await expect(scene.pull('amd64')).rejects.toMatchObject({ code: 'PLATFORM_MISSING' });
    expect(await scene.contents()).toEqual(nothing);
  });

  for (const name of ['amd64', 'amd64.config', 'amd64.top', 'base']) {
    test(`leaves an empty store empty when the registry lacks ${name}`, async () => {
      const { graph, root } = twoPlatforms();
      await using scene = await arrange(graph);
      scene.publish(root, { without: [name] });
      await expect(scene.pull('all')).rejects.toMatchObject({ code: 'REMOTE_NOT_FOUND' });
      expect(await scene.contents()).toEqual(nothing);
    });

    test(`leaves an empty store empty when the bytes of ${name} are others`, async () => {
      const { graph, root } = twoPlatforms();
      await using scene = await arrange(graph);
      scene.publish(root);
      const part = graph.below(root).find((one) => graph.nameOf(one) === name) as Descriptor;
      const bytes = new Uint8Array(graph.bytesOf(part));
      bytes[30] = (bytes[30] ?? 0) ^ 1;
      const { registry } = scene;
      if (name === 'amd64') {
        registry.manifests.set(`app@${part.digest}`, { mediaType: part.mediaType, bytes });
      } else registry.blobs.set(part.digest, bytes);
      await expect(scene.pull('all')).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' });
      expect(await scene.contents()).toEqual(nothing);
    });
  }

  test('leaves the store as it was when it had an image already', async () => {
    const { graph, root, images } = twoPlatforms();
    await using scene = await arrange(graph);
    const older = graph.index('older', images.slice(0, 1));
    scene.publish(older);
    await scene.pull('amd64');
    const before = await scene.contents();
    scene.publish(root, { without: ['arm64.top'] });
    scene.registry.blobs.delete(
      graph.below(root).find((one) => graph.nameOf(one) === 'arm64.top')?.digest ?? '',
    );
    await expect(scene.pull('all')).rejects.toMatchObject({ code: 'REMOTE_NOT_FOUND' });
    expect(await scene.contents()).toEqual(before);
    expect(scene.store.name(`${scene.registry.host}/app:1`)?.target.digest).toBe(older.digest);
  });

  test('keeps a platform that came whole when the name had its index before', async () => {
    const graph = new Graph();
    const images = ['amd64', 'arm64', 's390x'].map((name) => graph.image(name, `linux/${name}`));
    const root = graph.index('root', images);
    const arm64IsHere = Promise.withResolvers<void>();
    const script: Script = async (_, { pathname }) => {
      const part = [...graph.blobs.keys()].find((digest) => pathname.endsWith(digest));
      if (part === undefined || graph.nameOf({ digest: part }) !== 's390x.layer') return undefined;
      await arm64IsHere.promise;
      return registryErrorBody(403, 'DENIED', 'not this one');
    };
    await using scene = await arrange(graph, { script });
    scene.publish(root);
    await scene.pull('amd64');
    const before = await scene.contents();
    const pulling = scene.pull('all', {
      onEvent({ kind, descriptor }) {
        if (kind === 'done' && graph.nameOf(descriptor) === 'arm64') arm64IsHere.resolve();
      },
    });
    await expect(pulling).rejects.toMatchObject({ code: 'DENIED' });
    const after = await scene.contents();
    expect(after.names).toEqual(before.names);
    const gained = after.blobs.filter((blob) => !before.blobs.includes(blob));
    const arm64 = graph.below(images[1] ?? root).map((part) => graph.nameOf(part));
    expect(gained).toEqual(arm64.toSorted());
  });

  test('names nothing when a layer is not the one that the config names', async () => {
    const graph = new Graph();
    const right = graph.layer('right');
    const image = graph.image('amd64', 'linux/amd64', { layers: [right] });
    const config = graph.below(image).find((part) => graph.nameOf(part) === 'amd64.config');
    const root = graph.manifest('root', {
      config: config ?? image,
      layers: [graph.layer('wrong')],
    });
    await using scene = await arrange(graph);
    scene.publish(root);
    await expect(scene.pull()).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' });
    expect(await scene.contents()).toEqual(nothing);
  });

  test('throws DOCUMENT_INVALID for a tag that names no manifest', async () => {
    const graph = new Graph();
    const root = graph.add('root', graph.index('x', []).mediaType, json({ schemaVersion: 1 }));
    await using scene = await arrange(graph);
    const { digest, mediaType } = root;
    const bytes = new Uint8Array(graph.bytesOf(root));
    for (const key of ['app:1', `app@${digest}`]) {
      scene.registry.manifests.set(key, { mediaType, bytes });
    }
    await expect(scene.pull()).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
    expect(await scene.contents()).toEqual(nothing);
  });

  test('leaves an empty store empty when it is aborted while a blob comes', async () => {
    const controller = new AbortController();
    const { graph, root } = twoPlatforms();
    const script: Script = (request, { pathname }) => {
      if (!pathname.includes('/blobs/')) return undefined;
      return new Response(
        new ReadableStream({
          start(stream) {
            stream.enqueue(new Uint8Array(10));
            controller.abort(new FinchError('CANCELLED', 'interrupted'));
            request.signal.addEventListener('abort', () => stream.close());
          },
        }),
      );
    };
    await using scene = await arrange(graph, { script });
    scene.publish(root);
    await expect(scene.pull('amd64', { signal: controller.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(await scene.contents()).toEqual(nothing);
  });

  test('fetches again after a failure only what is not here', async () => {
    const { graph, root } = twoPlatforms();
    await using scene = await arrange(graph);
    scene.publish(root);
    await scene.pull('amd64');
    scene.registry.blobs.clear();
    await expect(scene.pull('all')).rejects.toMatchObject({ code: 'REMOTE_NOT_FOUND' });
    scene.publish(root);
    scene.requests();
    await scene.pull('all');
    expect(scene.requests()).toEqual([
      'GET blobs/arm64.config',
      'GET blobs/arm64.top',
      'GET manifests/arm64',
      'HEAD manifests/1',
    ]);
  });
});
