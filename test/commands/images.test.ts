import { describe, expect, test } from 'bun:test';
import { buildImage, buildMultiPlatform, layerTar } from '../support/images.ts';
import { type Finch, finch } from './command-line.ts';

const DAY = 24 * 3_600_000;
const HEADER = 'REPOSITORY TAG IMAGE ID CREATED PLATFORM SIZE BLOB SIZE';
const two = buildMultiPlatform('linux/arm64', 'linux/amd64');

/** `hello-finch:latest`, two weeks old, and `app:1` of two platforms. */
async function home(): Promise<Finch> {
  const place = await finch();
  await place.load(
    buildImage({ layers: [layerTar('x'.repeat(100_000))], labels: { team: 'web' } }),
    'hello-finch:latest',
  );
  place.now += 15 * DAY;
  await place.load(two, 'ghcr.io/me/app:1');
  place.now += 3000;
  return place;
}

/** The cells of a table, columns apart by at least two spaces. */
const cells = (table: string) =>
  table
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));

describe('finch images', () => {
  test('prints the table of the user guide', async () => {
    await using place = await home();
    const id = two.root.digest.slice(7, 19);
    const table = await place.stdout('images');
    const hello = (await place.stdout('images', '-q', 'hello-finch')).trim();
    expect(hello).toMatch(/^[0-9a-f]{12}$/);
    expect(cells(table)).toEqual([
      ['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'PLATFORM', 'SIZE', 'BLOB SIZE'],
      ['ghcr.io/me/app', '1', id, '3 seconds ago', 'linux/arm64', '0.0 B', expect.any(String)],
      ['ghcr.io/me/app', '1', id, '3 seconds ago', 'linux/amd64', '2.0 KiB', expect.any(String)],
      [
        'hello-finch',
        'latest',
        hello,
        '2 weeks ago',
        'linux/amd64',
        '99.5 KiB',
        expect.any(String),
      ],
    ]);
    for (const line of table.trimEnd().split('\n')) {
      expect(line.indexOf(line.split(/ {2,}/)[1] ?? '')).toBe('ghcr.io/me/app'.length + 4);
    }
  });

  test('is the same under its long names', async () => {
    await using place = await home();
    const table = await place.stdout('images');
    for (const path of [
      ['image', 'ls'],
      ['image', 'list'],
      ['images', '-a'],
      ['images', '--all=false'],
    ]) {
      expect(await place.stdout(...path)).toBe(table);
    }
  });

  test('prints the header alone when there is nothing, or nothing of that name', async () => {
    await using place = await finch();
    expect((await place.stdout('images')).replaceAll(/ +/g, ' ').trim()).toBe(HEADER);
    await place.load(two, 'app:1');
    const nothing = await place.stdout('images', 'other');
    expect(nothing.replaceAll(/ +/g, ' ').trim()).toBe(HEADER);
    expect(await place.stdout('images', '-q', 'other')).toBe('');
  });

  test('shows of a repository all tags, and of a tag one', async () => {
    await using place = await home();
    place.now += 1000;
    await place.stdout('tag', 'ghcr.io/me/app:1', 'ghcr.io/me/app:2');
    const names = (...argv: readonly string[]) =>
      place.stdout('images', ...argv, '--format', '{{.Repository}}:{{.Tag}}');
    const [first, second] = ['2', '1'].map((tag) => `ghcr.io/me/app:${tag}\n`.repeat(2));
    expect(await names('ghcr.io/me/app')).toBe(`${first}${second}`);
    expect(await names('ghcr.io/me/app:2')).toBe('ghcr.io/me/app:2\n'.repeat(2));
    expect(await names('hello-finch')).toBe('hello-finch:latest\n');
  });

  test('prints ids alone with -q, whole ones with --no-trunc', async () => {
    await using place = await home();
    const whole = await place.stdout('images', '-q', '--no-trunc', '-f', 'reference=app');
    expect(whole).toBe(`${two.root.digest}\n`.repeat(2));
    expect(await place.stdout('images', '-q', '-f', 'reference=app')).toBe(
      `${two.root.digest.slice(7, 19)}\n`.repeat(2),
    );
  });

  test('takes a name behind any flag', async () => {
    await using place = await home();
    for (const flag of ['-q', '--quiet', '--no-trunc', '--digests', '--names', '-a', '--all']) {
      const lines = (await place.stdout('images', flag, 'hello-finch')).trimEnd().split('\n');
      expect([flag, lines.length]).toEqual([
        flag,
        flag.endsWith('q') || flag === '--quiet' ? 1 : 2,
      ]);
      expect([flag, await place.stdout('images', flag, 'hello-finch')]).toEqual([
        flag,
        await place.stdout('images', 'hello-finch', flag),
      ]);
    }
  });

  test('shows digests and whole names', async () => {
    await using place = await home();
    const [header, row] = cells(
      await place.stdout('images', '--digests', '--names', 'hello-finch'),
    );
    expect(header?.slice(0, 3)).toEqual(['NAME', 'DIGEST', 'IMAGE ID']);
    expect(row?.slice(0, 2)).toEqual([
      'docker.io/library/hello-finch:latest',
      expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    ]);
    expect(await place.stdout('images', '--format', 'wide')).toBe(
      await place.stdout('images', '--digests'),
    );
    expect(await place.stdout('images', '--format', 'table')).toBe(await place.stdout('images'));
  });

  test('prints templates and JSON, one line a row', async () => {
    await using place = await home();
    expect(await place.stdout('images', '--format', '{{.Repository}}:{{.Tag}} {{.Platform}}')).toBe(
      'ghcr.io/me/app:1 linux/arm64\nghcr.io/me/app:1 linux/amd64\nhello-finch:latest linux/amd64\n',
    );
    const [first] = (await place.stdout('images', '--format', 'json')).split('\n');
    expect(Object.keys(JSON.parse(first ?? ''))).toEqual(
      'CreatedAt CreatedSince Digest ID Repository Tag Name Size BlobSize Platform'.split(' '),
    );
  });

  test('filters, with several flags or commas', async () => {
    await using place = await home();
    const names = (...argv: readonly string[]) =>
      place.stdout('images', ...argv, '--format', '{{.Repository}} {{.Platform}}');
    expect(await names('--filter', 'label=team')).toBe('hello-finch linux/amd64\n');
    expect(await names('-f', 'since=hello-finch')).toBe(
      'ghcr.io/me/app linux/arm64\nghcr.io/me/app linux/amd64\n',
    );
    expect(await names('-flabel=team=web', '-f', 'dangling=false')).toBe(
      'hello-finch linux/amd64\n',
    );
    expect(await names('--filter=label=team,dangling=true')).toBe('');
    expect(await names('--filter', 'label=team,label=team=web')).toBe('hello-finch linux/amd64\n');
  });

  test('shows a name without a tag as dangling', async () => {
    await using place = await finch();
    await place.load(buildImage(), '');
    const [, row] = cells(await place.stdout('images', '--filter', 'dangling=true'));
    expect(row?.slice(0, 2)).toEqual(['import-2026-01-31', '<none>']);
  });

  test.each([
    [['images', '--filter', 'colour=red'], 'invalid filter "colour=red"'],
    [['images', '--filter', 'before=nothing'], 'no such image: nothing'],
    [['images', '--format', 'raw'], 'unsupported format: "raw"'],
    [['images', '-q', '--format', 'json'], 'format and quiet must not be specified together'],
    [['images', 'a', 'b'], '"finch images" accepts at most 1 argument'],
    [['image', 'ls', 'a', 'b'], '"finch image ls" accepts at most 1 argument'],
    [['images', 'a b'], 'invalid reference format: "a b"'],
    [['images', '--sort'], 'unknown flag: --sort'],
  ])('refuses %j', async (argv, message) => {
    await using place = await finch();
    const { status, stdout, stderr } = await place.run(...argv);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toStartWith(`finch: ${message}\nhint: `);
  });
});
