import { describe, expect, test } from 'bun:test';
import { FinchError } from '../../src/errors.ts';
import { type OtherImage, type OtherSide, removeImages } from '../../src/images/remove-images.ts';
import { type Digest, digestOf, shortId } from '../../src/oci/digest.ts';
import { familiarReference, parseReference } from '../../src/oci/reference.ts';
import { type Shelf, shelf } from './shelf.ts';

const familiar = (name: string) => familiarReference(parseReference(name));

function namesOf({ store }: Shelf): readonly string[] {
  return store
    .names()
    .map(({ name }) => familiar(name))
    .toSorted();
}

function blobsOf({ store, graph }: Shelf): readonly string[] {
  const here = [...graph.blobs.keys()].filter((digest) => store.stat(digest) !== undefined);
  return here.map((digest) => graph.nameOf({ digest })).toSorted();
}

async function remove(
  { store }: Shelf,
  texts: readonly string[],
  { force = false, signal = new AbortController().signal } = {},
) {
  const skipped: string[] = [];
  const onSkipped = ({ message }: Error) => skipped.push(message);
  const kept: string[] = [];
  const onNotFreed = ({ message }: Error) => kept.push(message);
  const options = { force, onSkipped, onNotFreed, signal };
  const { names, layers } = await removeImages(store, texts, options);
  return { removed: names.map(({ name }) => familiar(name)), layers, skipped, kept };
}

/** `app:1` and `app:2` are one image; `other:1` shares a layer with it. */
async function threeNames() {
  const place = await shelf();
  const { graph } = place;
  const base = graph.layer('base');
  const app = graph.image('app', 'linux/amd64', { layers: [base, graph.layer('app.top')] });
  const other = graph.image('other', 'linux/amd64', { layers: [base, graph.layer('other.top')] });
  await place.put(app, ['app:1', 'app:2']);
  await place.put(other, ['other:1']);
  for (const part of [...graph.below(app), ...graph.below(other)]) {
    if (!part.mediaType.includes('layer')) continue;
    const { digest, size, mediaType } = part;
    const diffId = digestOf(Bun.gunzipSync(new Uint8Array(graph.bytesOf(part))));
    place.store.recordLayer({ digest, size, mediaType, diffId, diffSize: 9 });
  }
  return { ...place, app, other };
}

const QUIET = { force: false, onSkipped: () => {}, onNotFreed: () => {} };

/** Another side with these images, which gives none of them away where it is told why. */
function others(
  images: readonly (readonly [string, Digest])[],
  { isOutdated = false, why }: { isOutdated?: boolean; why?: FinchError } = {},
): OtherSide & { left(): readonly string[] } {
  let all: readonly OtherImage[] = images.map(([text, digest]) => {
    return { name: `docker.io/library/${text}`, digest, isOutdated };
  });
  return {
    find: (text) =>
      all.filter(({ name, digest }) =>
        [name, name?.slice(18), digest, shortId(digest)].includes(text),
      ),
    async remove(some) {
      if (why !== undefined) return new Map(some.map((image) => [image, why]));
      all = all.filter((image) => !some.some(({ name }) => name === image.name));
      return new Map();
    },
    left: () => all.map(({ name }) => familiar(name ?? '')),
  };
}

const APP = ['app', 'app.config', 'app.top'];
const OTHER = ['other', 'other.config', 'other.top'];

describe('removeImages()', () => {
  test('takes a name and keeps what another name reaches', async () => {
    await using place = await threeNames();
    expect(await remove(place, ['app:1'])).toEqual({
      removed: ['app:1'],
      layers: [],
      skipped: [],
      kept: [],
    });
    expect(namesOf(place)).toEqual(['app:2', 'other:1']);
    expect(blobsOf(place)).toEqual([...APP, 'base', ...OTHER].toSorted());
  });

  test('frees what no name reaches any more, and gives its layers by their diff ids', async () => {
    await using place = await threeNames();
    const top = place.graph.below(place.app).find((part) => place.graph.nameOf(part) === 'app.top');
    if (top === undefined) throw new Error('no layer');
    const diffId = digestOf(Bun.gunzipSync(new Uint8Array(place.graph.bytesOf(top))));
    expect(await remove(place, ['app:1', 'app:2'])).toEqual({
      removed: ['app:1', 'app:2'],
      layers: [diffId],
      skipped: [],
      kept: [],
    });
    expect(blobsOf(place)).toEqual(['base', ...OTHER].toSorted());
    expect((await remove(place, ['other:1'])).layers.length).toBe(2);
    expect([namesOf(place), blobsOf(place)]).toEqual([[], []]);
    const glob = new Bun.Glob('blobs/*/*');
    expect(await Array.fromAsync(glob.scan({ cwd: place.store.path }))).toEqual([]);
  });

  test('gives a freed layer whose diff id is not known by its own digest', async () => {
    await using place = await shelf();
    const layer = place.graph.layer('layer');
    await place.put(place.graph.image('app', 'linux/s390x', { layers: [layer] }), ['app:1']);
    expect((await remove(place, ['app:1'])).layers).toEqual([layer.digest]);
  });

  test('takes an image of one name by its id', async () => {
    await using place = await threeNames();
    const id = shortId(place.other.digest);
    expect((await remove(place, [id])).removed).toEqual(['other:1']);
    expect(namesOf(place)).toEqual(['app:1', 'app:2']);
  });

  test('refuses an id that has several names, and changes nothing', async () => {
    await using place = await threeNames();
    await expect(remove(place, [shortId(place.app.digest)])).rejects.toMatchObject({
      code: 'IMAGE_AMBIGUOUS',
      message: `multiple IDs found with provided prefix: ${shortId(place.app.digest)}`,
      hint: 'remove one of its names, or all with --force',
    });
    expect(namesOf(place)).toEqual(['app:1', 'app:2', 'other:1']);
  });

  test('takes all names of an id with force', async () => {
    await using place = await threeNames();
    const { removed } = await remove(place, [shortId(place.app.digest)], { force: true });
    expect(removed.toSorted()).toEqual(['app:1', 'app:2']);
    expect(namesOf(place)).toEqual(['other:1']);
  });

  test('takes a name that is given twice, in two spellings, once', async () => {
    await using place = await threeNames();
    const { removed } = await remove(place, ['app:1', 'docker.io/library/app:1']);
    expect(removed).toEqual(['app:1']);
  });

  test('takes nothing when one of several is not there', async () => {
    await using place = await threeNames();
    await expect(remove(place, ['app:1', 'nothing:1', 'other:1'])).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: 'no such image: nothing:1',
      hint: 'see what is here with: finch images',
    });
    expect(namesOf(place)).toEqual(['app:1', 'app:2', 'other:1']);
  });

  test('names all that are not there in one error', async () => {
    await using place = await threeNames();
    await expect(remove(place, ['x:1', 'app:1', 'y:1'])).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: '2 errors: no such image: x:1; no such image: y:1',
    });
  });

  test('passes over with force what is not there, and takes the rest', async () => {
    await using place = await threeNames();
    expect(await remove(place, ['x:1', 'app:1'], { force: true })).toMatchObject({
      removed: ['app:1'],
      skipped: ['no such image: x:1'],
    });
    expect(await remove(place, ['x:1'], { force: true })).toMatchObject({ removed: [] });
    expect(namesOf(place)).toEqual(['app:2', 'other:1']);
  });

  test('refuses the beginning of two ids, also with force', async () => {
    await using place = await shelf();
    const { graph } = place;
    const first = new Map<string, string>();
    // Seventeen images have two whose ids begin with the same digit.
    for (let i = 0; i < 17; i++) {
      const image = graph.image(`image${i}`, 'linux/amd64');
      await place.put(image, [`image:${i}`]);
      const digit = shortId(image.digest).slice(0, 1);
      if (first.has(digit)) first.set('shared', digit);
      first.set(digit, image.digest);
    }
    const prefix = first.get('shared') ?? '';
    await expect(remove(place, [prefix])).rejects.toMatchObject({
      code: 'IMAGE_AMBIGUOUS',
      hint: 'give more digits',
    });
    const { skipped } = await remove(place, [prefix], { force: true });
    expect(skipped).toEqual([`multiple IDs found with provided prefix: ${prefix}`]);
    expect(namesOf(place).length).toBe(17);
  });

  test('takes names with a digest, and images of several platforms whole', async () => {
    await using place = await shelf();
    const { graph } = place;
    const images = ['amd64', 'arm64'].map((name) => graph.image(name, `linux/${name}`));
    const index = graph.index('index', images);
    await place.put(index, [`app@${index.digest}`, 'app:1'], ['arm64.layer', 'arm64']);
    await remove(place, [`app@${index.digest}`]);
    expect(blobsOf(place)).toContain('amd64.layer');
    await remove(place, ['app:1']);
    expect(blobsOf(place)).toEqual([]);
  });

  for (const name of ['image', 'image.config', 'index']) {
    test(`takes an image whose ${name} is damaged or lost`, async () => {
      for (const harm of ['damage', 'lose'] as const) {
        await using place = await shelf();
        const { graph } = place;
        const image = graph.image('image', 'linux/amd64');
        await place.put(graph.index('index', [image]), ['app:1']);
        await place[harm](name);
        expect((await remove(place, ['app:1'])).removed).toEqual(['app:1']);
        expect([namesOf(place), blobsOf(place)]).toEqual([[], []]);
      }
    });
  }

  test('keeps everything when it is told to stop before', async () => {
    await using place = await threeNames();
    const signal = AbortSignal.abort();
    await expect(remove(place, ['other:1'], { signal })).rejects.toThrow();
    expect(namesOf(place)).toEqual(['app:1', 'app:2', 'other:1']);
  });

  test('has removed the names, and frees what they named, when it is told to stop after', async () => {
    await using place = await threeNames();
    const stop = new AbortController();
    const changeNames = place.store.changeNames.bind(place.store);
    place.store.changeNames = async (changes) => {
      await changeNames(changes);
      stop.abort();
    };
    const { removed } = await remove(place, ['other:1'], { signal: stop.signal });
    expect([removed, namesOf(place)]).toEqual([['other:1'], ['app:1', 'app:2']]);
    expect(blobsOf(place)).not.toContain('other.top');
  });

  test('has removed the names, and says so, when what they named cannot be freed', async () => {
    await using place = await threeNames();
    place.store.collect = async () => {
      throw new FinchError('IO', 'cannot write trash: permission denied');
    };
    const { removed, layers, kept } = await remove(place, ['other:1']);
    expect({ removed, layers, kept }).toEqual({
      removed: ['other:1'],
      layers: [],
      kept: ['cannot write trash: permission denied'],
    });
    expect(namesOf(place)).toEqual(['app:1', 'app:2']);
  });

  test('takes with the last tag of a repository the name by digest that lists leave out', async () => {
    await using place = await threeNames();
    const byDigest = `docker.io/library/app@${place.app.digest}`;
    await place.store.changeNames({ set: [{ name: byDigest, target: place.app }] });
    expect((await remove(place, ['app:1'])).removed).toEqual(['app:1']);
    expect((await remove(place, ['app:2'])).removed).toEqual(['app:2', familiar(byDigest)]);
    expect(namesOf(place)).toEqual(['other:1']);
  });

  test('takes away nothing that another side refuses to, and all else', async () => {
    await using place = await threeNames();
    const why = new FinchError('VM', 'conflict');
    const asked: (string | undefined)[] = [];
    const { names, refused } = await removeImages(place.store, ['app:1', 'other:1', 'there:1'], {
      force: false,
      onSkipped: () => {},
      onNotFreed: () => {},
      otherSide: {
        find: (text) =>
          text === 'other:1' || /[@]|^sha256:/.test(text)
            ? []
            : [{ name: `docker.io/library/${text}`, digest: place.app.digest, isOutdated: false }],
        async remove(images) {
          asked.push(...images.map(({ name }) => name));
          return new Map(images.slice(0, 1).map((image) => [image, why]));
        },
      },
    });
    expect(asked).toEqual(['docker.io/library/app:1', 'docker.io/library/there:1']);
    expect(refused).toEqual([why]);
    expect(names.map(({ name }) => familiar(name))).toEqual(['other:1']);
    expect(namesOf(place)).toEqual(['app:1', 'app:2']);
  });

  test('takes away on both sides what a name stands for, what it hides, and names that digest', async () => {
    await using place = await threeNames();
    const there = others([
      ['other:1', place.app.digest],
      ['other:old', place.other.digest],
      [`other@${place.app.digest}`, place.app.digest],
    ]);
    const { names } = await removeImages(place.store, ['other:1'], { ...QUIET, otherSide: there });
    expect(names).toEqual([{ name: 'docker.io/library/other:1', digest: place.app.digest }]);
    expect(there.left()).toEqual(['other:old']);
    expect(namesOf(place)).toEqual(['app:1', 'app:2']);
  });

  test('takes with the id of a newer image on another side the older one that its name hides', async () => {
    await using place = await threeNames();
    const there = others([['other:1', digestOf(Buffer.from('newer'))]]);
    const id = shortId(digestOf(Buffer.from('newer')));
    await removeImages(place.store, [id], { ...QUIET, otherSide: there });
    expect([namesOf(place), there.left()]).toEqual([['app:1', 'app:2'], []]);
  });

  test('takes away a name of which another side refuses to give an older image', async () => {
    await using place = await threeNames();
    const why = new FinchError('VM', 'conflict');
    const there = others([['other:1', place.app.digest]], { isOutdated: true, why });
    const shown = `docker.io/library/other@${place.app.digest}`;
    await place.store.changeNames({ set: [{ name: shown, target: place.app }] });
    const { refused } = await removeImages(place.store, ['other:1'], {
      ...{ ...QUIET, otherSide: there },
    });
    expect(refused).toEqual([why]);
    expect(namesOf(place)).toEqual(['app:1', 'app:2', familiar(shown)]);
  });

  test('throws REFERENCE_INVALID for what can be no name', async () => {
    await using place = await threeNames();
    await expect(remove(place, ['app:1', 'No Name'])).rejects.toMatchObject({
      code: 'REFERENCE_INVALID',
    });
    expect(namesOf(place).length).toBe(3);
  });
});
