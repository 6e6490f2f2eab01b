import { describe, expect, test } from 'bun:test';
import { findImage, findImages } from '../../src/images/find-image.ts';
import { type Digest, digestParts, shortId } from '../../src/oci/digest.ts';
import type { ImageStore } from '../../src/store/image-store.ts';
import { type Shelf, shelf } from './shelf.ts';

/** Two images, one of them with two names. */
async function twoImages(): Promise<Shelf & { readonly first: Digest; readonly second: Digest }> {
  const place = await shelf();
  const first = place.graph.image('first', 'linux/amd64');
  const second = place.graph.image('second', 'linux/amd64');
  await place.put(first, ['app:1', 'ghcr.io/me/app:1']);
  await place.put(second, ['app:2']);
  return { ...place, first: first.digest, second: second.digest };
}

const hexOf = (digest: Digest) => digestParts(digest).hex;

/** A store of names alone, for digests that a test cannot make. */
function storeOf(images: Readonly<Record<string, string>>): ImageStore {
  const records = Object.entries(images).map(([name, hex]) => ({
    name: `docker.io/library/${name}`,
    target: { mediaType: 'x', size: 1, digest: `sha256:${hex.padEnd(64, '0')}` as Digest },
    createdAt: new Date(0),
  }));
  return {
    name: (name: string) => records.find((record) => record.name === name),
    targetsByPrefix: (prefix: string) =>
      records.filter(({ target }) => target.digest.startsWith(`sha256:${prefix}`)),
  } as unknown as ImageStore;
}

describe('findImage()', () => {
  test('finds a name, however it is spelled', async () => {
    await using place = await twoImages();
    for (const name of ['app:1', 'library/app:1', 'docker.io/app:1', 'ghcr.io/me/app:1']) {
      expect(findImage(place.store, name).target.digest).toBe(place.first);
    }
    expect(findImage(place.store, 'app:1').name).toBe('docker.io/library/app:1');
    expect(findImage(place.store, 'app:2').target.digest).toBe(place.second);
  });

  test('an id has no names of images that are on their way from the engine', async () => {
    await using place = await twoImages();
    const { target } = place.record('app:2');
    await place.store.changeNames({
      set: [{ name: `engine.invalid/${'0'.repeat(32)}/team/app:2`, target }],
    });
    expect(findImages(place.store, place.second).map(({ name }) => name)).toEqual([
      'docker.io/library/app:2',
    ]);
  });

  test('finds an id: short, long, whole, with the name of its algorithm', async () => {
    await using place = await twoImages();
    for (const digest of [place.first, place.second]) {
      const hex = hexOf(digest);
      for (const id of [
        shortId(digest),
        hex.slice(0, 30),
        hex,
        digest,
        `sha256:${shortId(digest)}`,
      ]) {
        expect(findImage(place.store, id).target.digest).toBe(digest);
      }
    }
  });

  test('gives of several names of an id the newest', async () => {
    await using place = await twoImages();
    expect(findImage(place.store, shortId(place.first)).name).toBe('ghcr.io/me/app:1');
  });

  test('prefers a name to the beginning of an id', () => {
    const store = storeOf({ 'cafe:latest': '1', 'other:latest': 'cafe' });
    expect(findImage(store, 'cafe').name).toBe('docker.io/library/cafe:latest');
    expect(findImage(store, 'sha256:cafe').name).toBe('docker.io/library/other:latest');
    expect(findImage(store, 'caf').name).toBe('docker.io/library/other:latest');
  });

  test('takes 64 digits for an id, for no name can be that', () => {
    const hex = 'ab'.repeat(32);
    expect(findImage(storeOf({ 'other:1': hex }), hex).name).toBe('docker.io/library/other:1');
  });

  test('throws IMAGE_AMBIGUOUS for the beginning of two ids, and says both', () => {
    const store = storeOf({ 'a:1': 'abc1', 'b:1': 'abc2', 'c:1': 'abc1' });
    const find = () => findImage(store, 'abc');
    expect(find).toThrow('multiple IDs found with provided prefix: abc');
    try {
      find();
    } catch (error) {
      expect(error).toMatchObject({ code: 'IMAGE_AMBIGUOUS' });
      const { hint = '' } = error as { hint?: string };
      expect(hint).toContain('sha256:abc1');
      expect(hint).toContain('sha256:abc2');
    }
    expect(findImage(store, 'abc1').target.digest).toStartWith('sha256:abc1');
  });

  test.each([
    ['app:3', 'image "docker.io/library/app:3": not found'],
    ['nothing', 'image "docker.io/library/nothing:latest": not found'],
    ['ghcr.io/you/app', 'image "ghcr.io/you/app:latest": not found'],
    [`sha256:${'0'.repeat(64)}`, `image "sha256:${'0'.repeat(64)}": not found`],
    ['0'.repeat(64), `image "${'0'.repeat(64)}": not found`],
    [
      `app@sha256:${'0'.repeat(64)}`,
      `image "docker.io/library/app@sha256:${'0'.repeat(64)}": not found`,
    ],
  ])('throws IMAGE_NOT_FOUND for %s', async (text, message) => {
    await using place = await twoImages();
    expect(() => findImage(place.store, text)).toThrow(message);
    try {
      findImage(place.store, text);
    } catch (error) {
      expect(error).toMatchObject({
        code: 'IMAGE_NOT_FOUND',
        hint: 'see what is here with: finch images',
      });
    }
  });

  test.each(['', 'UPPER', 'a b', ':tag', 'app:', 'app@sha256:12', '-', '../x', 'x'.repeat(300)])(
    'throws REFERENCE_INVALID for %p',
    async (text) => {
      await using place = await twoImages();
      expect(() => findImage(place.store, text)).toThrow('invalid reference format');
    },
  );
});

describe('findImages()', () => {
  test('gives every name that shares an id', async () => {
    await using place = await twoImages();
    expect(findImages(place.store, shortId(place.first)).map(({ name }) => name)).toEqual([
      'ghcr.io/me/app:1',
      'docker.io/library/app:1',
    ]);
    expect(findImages(place.store, 'app:1').map(({ name }) => name)).toEqual([
      'docker.io/library/app:1',
    ]);
    expect(findImages(place.store, 'nothing')).toEqual([]);
  });
});
