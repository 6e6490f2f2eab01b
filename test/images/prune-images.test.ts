import { describe, expect, test } from 'bun:test';
import { pruneImages } from '../../src/images/prune-images.ts';
import { familiarReference, parseReference } from '../../src/oci/reference.ts';
import { shelf } from './shelf.ts';

const familiar = (name: string) => familiarReference(parseReference(name));

/** `app:1` and `app:2` are one image, `other:1` and `digest@…` are others, and one has lost its name. */
async function someImages() {
  const place = await shelf();
  const { graph, store } = place;
  const image = (name: string) =>
    graph.image(name, 'linux/amd64', { layers: [graph.layer(`${name}.layer`)] });
  await place.put(image('app'), ['app:1', 'app:2']);
  await place.put(image('other'), ['other:1']);
  const lost = image('lost');
  await place.put(lost, ['lost:1']);
  await store.changeNames({ remove: ['docker.io/library/lost:1'] });
  const size = graph.below(lost).reduce((sum, part) => sum + part.size, 0);
  return Object.assign(place, { lostSize: size });
}

describe('pruneImages()', () => {
  test('takes away no name, and frees what lost its own', async () => {
    await using place = await someImages();
    const { records, bytes } = await pruneImages(place.store, { except: undefined });
    expect(records).toEqual([]);
    expect(bytes).toBe(place.lostSize);
    expect(place.store.names()).toHaveLength(3);
  });

  test('takes away all that no container uses, and keeps what one uses under all its names', async () => {
    await using place = await someImages();
    const except = ['docker.io/library/app:1', 'sha256:0123', 'not in the store:1', ''];
    const { records } = await pruneImages(place.store, { except });
    expect(records.map(({ name }) => familiar(name))).toEqual(['other:1']);
    expect(
      place.store
        .names()
        .map(({ name }) => familiar(name))
        .toSorted(),
    ).toEqual(['app:1', 'app:2']);
  });

  test('leaves an image alone that is on its way from the engine', async () => {
    await using place = await someImages();
    const name = `engine.invalid/${'0'.repeat(32)}/team/app:1`;
    await place.put(place.graph.image('coming', 'linux/amd64'), [name]);
    await pruneImages(place.store, { except: [] });
    expect(place.store.names().map((record) => record.name)).toEqual([name]);
  });

  test('keeps what a container uses by digest, which its name need not stand for here', async () => {
    await using place = await someImages();
    const digest = place.store.name('docker.io/library/other:1')?.target.digest ?? '';
    const { records } = await pruneImages(place.store, { except: [digest] });
    expect(records.map(({ name }) => familiar(name)).toSorted()).toEqual(['app:1', 'app:2']);
  });

  test('changes nothing when it is interrupted before it begins', async () => {
    await using place = await someImages();
    const signal = AbortSignal.abort(new Error('interrupted'));
    expect(pruneImages(place.store, { except: [], signal })).rejects.toThrow('interrupted');
    expect(place.store.names()).toHaveLength(3);
  });
});
