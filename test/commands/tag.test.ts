import { describe, expect, test } from 'bun:test';
import { buildImage, buildMultiPlatform } from '../support/images.ts';
import { type Finch, finch } from './command-line.ts';

const built = buildMultiPlatform('linux/arm64', 'linux/amd64');
const silent = { status: 0, stdout: '', stderr: '' };

async function home(): Promise<Finch> {
  const place = await finch();
  await place.load(built, 'hello-finch:latest');
  place.now += 90_000;
  return place;
}

const names = (place: Finch) => place.stdout('images', '--format', '{{.Name}}');

describe('finch tag', () => {
  test('says nothing, and the new name is on top with the same id and an age of its own', async () => {
    await using place = await home();
    expect(await place.run('tag', 'hello-finch:latest', 'ghcr.io/me/hello:1.10')).toEqual(silent);
    place.now += 1000;
    const format = '{{.Repository}}:{{.Tag}} {{.CreatedSince}} {{.Platform}}';
    expect(await place.stdout('images', '--format', format)).toBe(
      `ghcr.io/me/hello:1.10 1 second ago linux/arm64
ghcr.io/me/hello:1.10 1 second ago linux/amd64
hello-finch:latest About a minute ago linux/arm64
hello-finch:latest About a minute ago linux/amd64
`,
    );
    const ids = await place.stdout('images', '-q', '--no-trunc');
    expect(ids).toBe(`${built.root.digest}\n`.repeat(4));
  });

  test('takes ids: short, whole, with sha256:', async () => {
    await using place = await home();
    const { digest } = built.root;
    for (const [i, id] of [
      digest,
      digest.slice(7),
      digest.slice(7, 19),
      `${digest.slice(0, 15)}`,
    ].entries()) {
      expect(await place.run('image', 'tag', id, `copy:${i}`)).toEqual(silent);
    }
    expect((await names(place)).match(/copy:\d/g)?.length).toBe(8);
  });

  test('takes latest for a missing tag on both sides', async () => {
    await using place = await home();
    await place.stdout('tag', 'hello-finch', 'other');
    expect(await names(place)).toContain('docker.io/library/other:latest\n');
  });

  test('moves a name that exists to the image', async () => {
    await using place = await home();
    await place.load(buildImage(), 'other:1');
    await place.stdout('tag', 'hello-finch', 'other:1');
    const ids = await place.stdout('images', '-q', '--no-trunc', '-f', 'reference=other:1');
    expect(ids).toBe(`${built.root.digest}\n`.repeat(2));
  });

  test('makes a name new that it already has', async () => {
    await using place = await home();
    await place.stdout('tag', 'hello-finch', 'hello-finch');
    const format = ['--format', '{{.CreatedSince}}'];
    expect(await place.stdout('images', ...format)).toBe('Less than a second ago\n'.repeat(2));
  });

  test('copies no blob', async () => {
    await using place = await home();
    const count = async () => {
      const glob = new Bun.Glob('store/blobs/*/*');
      return (await Array.fromAsync(glob.scan({ cwd: place.home }))).length;
    };
    const before = await count();
    await place.stdout('tag', 'hello-finch', 'other');
    expect(await count()).toBe(before);
  });

  test.each([
    [['nothing', 'other'], 'image "docker.io/library/nothing:latest": not found'],
    [['hello-finch:2', 'other'], 'image "docker.io/library/hello-finch:2": not found'],
    [['000000000000', 'other'], 'image "000000000000": not found'],
    [['hello-finch', 'Other'], 'invalid reference format: "Other"'],
    [['hello-finch', 'other:'], 'invalid reference format: "other:"'],
    [['hello-finch', 'a'.repeat(64)], `invalid reference format: "${'a'.repeat(64)}"`],
    [['Hello', 'other'], 'invalid reference format: "Hello"'],
    [['hello-finch', `other@${built.root.digest}`], `other@${built.root.digest} has a digest`],
    [['hello-finch'], '"finch tag" requires exactly 2 arguments'],
    [['a', 'b', 'c'], '"finch tag" requires exactly 2 arguments'],
  ])('refuses %j, and makes no name', async (args, message) => {
    await using place = await home();
    const before = await names(place);
    const { status, stdout, stderr } = await place.run('tag', ...args);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toStartWith(`finch: ${message}`);
    expect(stderr).toContain('\nhint: ');
    expect(await names(place)).toBe(before);
  });
});
