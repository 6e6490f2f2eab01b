import { describe, expect, test } from 'bun:test';
import { serve } from '../server/served.ts';
import { type Built, buildImage, buildMultiPlatform } from '../support/images.ts';
import { finch } from './command-line.ts';

const walks: readonly (readonly [string, Built, readonly string[]])[] = [
  ['of one platform', buildImage(), []],
  [
    'of two platforms',
    buildMultiPlatform('linux/arm64', 'linux/amd64'),
    ['--platform', 'linux/arm64,linux/amd64'],
  ],
];

describe("the user guide's walk, and the way back, with an image", () => {
  test.each(walks)('%s', async (_, built, flags) => {
    await using registry = await serve();
    await using source = await finch();
    await using target = await finch();
    const name = `${registry.host}/hello-finch:latest`;
    const result = `${name}: digest: ${built.root.digest} size: ${built.root.size}\n`;
    const rows = built.order.filter(({ mediaType }) => mediaType.includes('.config.')).length;
    const ids = `${built.root.digest}\n`;

    await source.load(built, 'hello-finch:latest');
    expect(await source.stdout('image', 'list', '-q', '--no-trunc')).toBe(ids.repeat(rows));
    expect(await source.stdout('tag', 'hello-finch:latest', name)).toBe('');
    expect(await source.stdout('image', 'list', '-q', '--no-trunc')).toBe(ids.repeat(2 * rows));
    expect(await source.stdout('push', ...flags, name)).toBe(result);

    const tags = await fetch(`${registry.url}/v2/hello-finch/tags/list`);
    expect(await tags.json()).toEqual({ name: 'hello-finch', tags: ['latest'] });
    expect(await target.stdout('pull', ...flags, name)).toBe(result);
    for (const descriptor of built.order) {
      await using store = await target.openStore();
      expect(await store.has(descriptor)).toBe(true);
    }

    await source.stdout('rmi', 'hello-finch:latest', name);
    await target.stdout('rmi', name);
    for (const { home } of [source, target]) {
      const glob = new Bun.Glob('store/blobs/*/*');
      expect(await Array.fromAsync(glob.scan({ cwd: home }))).toEqual([]);
    }
  });
});
