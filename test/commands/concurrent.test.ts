import { describe, expect, test } from 'bun:test';
import { serve, push as upload } from '../server/served.ts';
import { registryErrorBody, startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage, buildIndex, buildMultiPlatform, layerTar } from '../support/images.ts';
import { finch } from './command-line.ts';

const two = buildMultiPlatform('linux/arm64', 'linux/amd64');

describe('several finches in one home', () => {
  test('pull the same image at once, and each has all of it', async () => {
    await using registry = await serve();
    await upload(registry.url, 'app:1', two);
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    const outcomes = await Promise.all(
      [['--all-platforms'], [], ['--platform', 'arm64'], ['--all-platforms']].map((flags) =>
        place.run('pull', '-q', ...flags, name),
      ),
    );
    expect(outcomes).toEqual(outcomes.map(() => ({ status: 0, stdout: `${name}\n`, stderr: '' })));
    await using store = await place.openStore();
    for (const descriptor of two.order) expect(await store.has(descriptor)).toBe(true);
  });

  test('a pull that fails takes nothing from one that is on its way', async () => {
    const shared = layerTar('shared');
    const good = buildImage({ layers: [shared, layerTar('good')] });
    const bad = buildImage({
      layers: [shared, layerTar('bad')],
      platform: { os: 'linux', architecture: 'arm64' },
    });
    const badIndex = buildIndex([{ image: bad }]);
    const lacking = bad.order[1]?.digest ?? '';
    await using registry = startFakeRegistry({
      script: (_, { pathname }) =>
        pathname.endsWith(lacking) ? registryErrorBody(403, 'DENIED', 'not this') : undefined,
    });
    for (const [name, built] of [
      ['good', good],
      ['bad', badIndex],
    ] as const) {
      for (const { digest, mediaType } of built.order) {
        const bytes = new Uint8Array(built.blobs.get(digest) ?? []);
        registry.blobs.set(digest, bytes);
        registry.manifests.set(`${name}@${digest}`, { mediaType, bytes });
        if (digest === built.root.digest) registry.manifests.set(`${name}:1`, { mediaType, bytes });
      }
    }
    for (let round = 0; round < 5; round++) {
      await using place = await finch();
      const [fails, works] = await Promise.all(
        ['bad', 'good'].map((name) =>
          place.run('pull', '-q', '--all-platforms', `${registry.host}/${name}:1`),
        ),
      );
      expect([fails?.status, works?.status]).toEqual([1, 0]);
      await using store = await place.openStore();
      for (const descriptor of good.order) expect(await store.has(descriptor)).toBe(true);
      expect(await store.has(badIndex.root)).toBe(false);
    }
  });

  test('a push goes on when its image is removed meanwhile', async () => {
    await using place = await finch();
    let removed = false;
    await using registry = startFakeRegistry({
      async script({ method }) {
        if (removed || method !== 'POST') return undefined;
        removed = true;
        const { status } = await place.run('rmi', `${registry.host}/app:1`);
        return status === 0 ? undefined : registryErrorBody(500, 'UNKNOWN', 'rmi failed');
      },
    });
    const layers = Array.from({ length: 8 }, (_, i) => layerTar(`layer ${i}`));
    await place.load(buildImage({ layers }), `${registry.host}/app:1`);
    expect(await place.run('push', '-q', `${registry.host}/app:1`)).toEqual({
      ...{ status: 0, stdout: `${registry.host}/app:1\n`, stderr: '' },
    });
  });

  test('tag and list at once lose no name', async () => {
    await using place = await finch();
    await place.load(buildImage(), 'app:1');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        i % 4 === 3 ? place.run('images') : place.run('tag', 'app:1', `copy:${i}`),
      ),
    );
    expect(outcomes.filter(({ status }) => status !== 0)).toEqual([]);
    const names = await place.stdout('images', 'copy', '--format', '{{.Tag}}');
    expect(names.trimEnd().split('\n').length).toBe(15);
  });
});
