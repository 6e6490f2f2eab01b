import { describe, expect, test } from 'bun:test';
import { filterImages } from '../../src/images/filter-images.ts';
import { familiarReference, parseReference } from '../../src/oci/reference.ts';
import { HOST, type Shelf, shelf } from './shelf.ts';

/** Names, oldest first: web:1 web:2 db:1 ghcr.io/me/web:1 and one without a tag. */
async function fiveNames(): Promise<Shelf> {
  const place = await shelf();
  const { graph } = place;
  const web = graph.image('web', 'linux/amd64', { labels: { team: 'web', tier: 'a=b', bare: '' } });
  const db = graph.image('db', 'linux/amd64', { labels: { team: 'data' } });
  const arm = graph.image('arm', 'linux/arm64', { labels: { team: 'arm', only: 'arm' } });
  const both = graph.index('both', [arm, graph.image('plain', 'linux/amd64')]);
  await place.put(web, ['web:1', 'web:2']);
  await place.put(db, ['db:1']);
  await place.put(both, ['ghcr.io/me/web:1', `app@${both.digest}`]);
  return place;
}

const ALL = ['app', 'ghcr.io/me/web:1', 'db:1', 'web:2', 'web:1'];

async function filter(place: Shelf, filters: readonly string[], name?: string) {
  const options = { filters, platform: HOST, ...(name !== undefined && { name }) };
  const records = await filterImages(place.store, options);
  return records.map((record) => familiarReference(parseReference(record.name)).replace(/@.*/, ''));
}

describe('filterImages()', () => {
  test('without filters gives every name, newest first', async () => {
    await using place = await fiveNames();
    expect(await filter(place, [])).toEqual(ALL);
  });

  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['dangling=true', ['app']],
    ['dangling=false', ALL.slice(1)],
    ['label=team', ['db:1', 'web:2', 'web:1']],
    ['label=team=web', ['web:2', 'web:1']],
    ['label=team=we', []],
    ['label=team=', []],
    ['label=bare', ['web:2', 'web:1']],
    ['label=bare=', ['web:2', 'web:1']],
    ['label=tier=a=b', ['web:2', 'web:1']],
    ['label=nobody', []],
    // Of several platforms, the labels are those of this machine's.
    ['label=only', []],
    ['before=db:1', ['web:2', 'web:1']],
    ['since=db:1', ['app', 'ghcr.io/me/web:1']],
    ['before=web:1', []],
    ['since=docker.io/library/web:2', ['app', 'ghcr.io/me/web:1', 'db:1']],
    ['reference=web', ['ghcr.io/me/web:1', 'web:2', 'web:1']],
    // A shell pattern on the short name, or else a regular expression on the whole one.
    ['reference=web:*', ['ghcr.io/me/web:1', 'web:2', 'web:1']],
    ['reference=*:1', ['db:1', 'web:1']],
    ['reference=ghcr.io/*/web', ['ghcr.io/me/web:1']],
    ['reference=ghcr.io/me/web:?', ['ghcr.io/me/web:1']],
    ['reference=[wd]*b:[1]', ['ghcr.io/me/web:1', 'db:1', 'web:1']],
    ['reference=^docker.io/library/(web|db):1$', ['db:1', 'web:1']],
    ['reference=nothing', []],
    ['reference=(', []],
    ['reference=[', []],
  ];
  for (const [text, expected] of cases) {
    test(`${text} lets through ${expected.join(' ') || 'nothing'}`, async () => {
      await using place = await fiveNames();
      expect(await filter(place, [text])).toEqual([...expected]);
    });
  }

  test('lets through what passes every one of several', async () => {
    await using place = await fiveNames();
    expect(await filter(place, ['label=team', 'since=web:1', 'dangling=false'])).toEqual([
      'db:1',
      'web:2',
    ]);
    expect(await filter(place, ['label=team=web', 'label=bare'])).toEqual(['web:2', 'web:1']);
    expect(await filter(place, ['label=team=web', 'label=team=data'])).toEqual([]);
    expect(await filter(place, ['reference=web', 'before=web:2'])).toEqual(['web:1']);
  });

  test('takes before and since by an id too: its newest name', async () => {
    await using place = await fiveNames();
    const id = place.record('web:1').target.digest.slice(7, 19);
    expect(await filter(place, [`before=${id}`])).toEqual(['web:1']);
    expect(await filter(place, [`since=${id}`])).toEqual(ALL.slice(0, 3));
  });

  test.each([
    ['dangling=maybe', 'invalid filter "dangling=maybe"'],
    ['dangling', 'invalid filter "dangling"'],
    ['label', 'invalid filter "label"'],
    ['colour=red', 'invalid filter "colour=red"'],
    ['=x', 'invalid filter "=x"'],
    ['', 'invalid filter ""'],
    ['toString=1', 'invalid filter "toString=1"'],
  ])('refuses %p', async (text, message) => {
    await using place = await fiveNames();
    await expect(filter(place, [text])).rejects.toMatchObject({
      code: 'USAGE',
      message,
      hint: expect.stringContaining('filters are dangling=BOOL'),
    });
  });

  test('refuses a filter also when there are no images', async () => {
    await using place = await shelf();
    await expect(filter(place, ['label=x', 'nonsense'])).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('throws IMAGE_NOT_FOUND for before and since an image that is not there', async () => {
    await using place = await fiveNames();
    for (const key of ['before', 'since']) {
      await expect(filter(place, [`${key}=nothing:1`])).rejects.toMatchObject({
        code: 'IMAGE_NOT_FOUND',
        message: 'no such image: nothing:1',
      });
    }
  });

  test('lets none with a damaged config through label, and the others as ever', async () => {
    for (const name of ['db.config', 'db', 'both']) {
      await using place = await fiveNames();
      await place.damage(name);
      expect(await filter(place, ['label=team=web'])).toEqual(['web:2', 'web:1']);
    }
  });
});

describe('filterImages() by name', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['web', ['web:2', 'web:1']],
    ['docker.io/library/web', ['web:2', 'web:1']],
    ['web:1', ['web:1']],
    ['web:latest', []],
    ['web:3', []],
    ['we', []],
    ['me/web', []],
    ['ghcr.io/me/web', ['ghcr.io/me/web:1']],
    ['app', ['app']],
  ];
  for (const [name, expected] of cases) {
    test(`${name} gives ${expected.join(' ') || 'nothing'}`, async () => {
      await using place = await fiveNames();
      expect(await filter(place, [], name)).toEqual([...expected]);
    });
  }

  test('together with filters gives what passes all', async () => {
    await using place = await fiveNames();
    expect(await filter(place, ['before=web:2'], 'web')).toEqual(['web:1']);
  });

  test('by digest gives exactly that name', async () => {
    await using place = await fiveNames();
    const { digest } = place.record('ghcr.io/me/web:1').target;
    expect(await filter(place, [], `app@${digest}`)).toEqual(['app']);
    expect(await filter(place, [], `web@${digest}`)).toEqual([]);
  });

  test('throws REFERENCE_INVALID for what can be no name', async () => {
    await using place = await fiveNames();
    await expect(filter(place, [], 'Not A Name')).rejects.toMatchObject({
      code: 'REFERENCE_INVALID',
    });
  });
});
