import { describe, expect, test } from 'bun:test';
import { digestOf } from '../../src/oci/digest.ts';
import { buildImage, buildMultiPlatform, layerTar } from '../support/images.ts';
import { type Finch, finch } from './command-line.ts';

const tar = layerTar('only');
const image = buildImage({ layers: [tar] });
const { digest } = image.root;

const names = (place: Finch) => place.stdout('images', '--format', '{{.Repository}}:{{.Tag}}');

async function blobCount({ home }: Finch): Promise<number> {
  const glob = new Bun.Glob('store/blobs/*/*');
  return (await Array.fromAsync(glob.scan({ cwd: home }))).length;
}

describe('finch rmi', () => {
  test('says what is untagged, and of the last name what layers are gone', async () => {
    await using place = await finch();
    await place.load(image, 'app:1');
    await place.stdout('tag', 'app:1', 'ghcr.io/me/app:2');
    expect(await place.run('rmi', 'app:1')).toEqual({
      status: 0,
      stdout: `Untagged: docker.io/library/app:1@${digest}\n`,
      stderr: '',
    });
    expect(await place.stdout('rmi', 'ghcr.io/me/app:2')).toBe(
      `Untagged: ghcr.io/me/app:2@${digest}\nDeleted: ${digestOf(tar)}\n`,
    );
    expect([await names(place), await blobCount(place)]).toEqual(['', 0]);
  });

  test('says the digest of a name with a digest once', async () => {
    await using place = await finch();
    await place.load(image, '');
    const name = (await place.stdout('images', '--format', '{{.Name}}')).trim();
    expect(name).toContain(`@${digest}`);
    expect(await place.stdout('rmi', name)).toStartWith(`Untagged: ${name}\nDeleted: `);
  });

  test('removes several, also under its long names', async () => {
    await using place = await finch();
    for (const path of [
      ['image', 'rm'],
      ['image', 'remove'],
    ]) {
      await place.load(image, 'a:1');
      await place.load(buildMultiPlatform('linux/arm64', 'linux/amd64'), 'b:1');
      const lines = (await place.stdout(...path, 'a:1', 'b:1')).trimEnd().split('\n');
      expect(lines.slice(0, 2).map((line) => line.split('@')[0])).toEqual([
        'Untagged: docker.io/library/a:1',
        'Untagged: docker.io/library/b:1',
      ]);
      expect([await names(place), await blobCount(place)]).toEqual(['', 0]);
    }
  });

  test('removes by id, with --force all names of it', async () => {
    await using place = await finch();
    const id = digest.slice(7, 19);
    await place.load(image, 'a:1');
    expect(await place.stdout('rmi', id)).toStartWith('Untagged: docker.io/library/a:1@');
    await place.load(image, 'a:1');
    await place.stdout('tag', 'a:1', 'b:1');
    expect(await place.run('rmi', id)).toEqual({
      status: 1,
      stdout: '',
      stderr: `finch: multiple IDs found with provided prefix: ${id}\nhint: remove one of its names, or all with --force\n`,
    });
    const lines = (await place.stdout('rmi', '-f', id)).trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('Untagged')).length).toBe(2);
    expect(await blobCount(place)).toBe(0);
  });

  test('removes nothing when one of several is not there, unless forced', async () => {
    await using place = await finch();
    await place.load(image, 'a:1');
    expect(await place.run('rmi', 'a:1', 'x:1', 'y:1')).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'finch: 2 errors: no such image: x:1; no such image: y:1\nhint: see what is here with: finch images\n',
    });
    expect(await names(place)).toBe('a:1\n');
    const { status, stdout, stderr } = await place.run('rmi', '--force', 'a:1', 'x:1');
    expect([status, stderr]).toEqual([0, 'no such image: x:1\n']);
    expect(stdout).toStartWith('Untagged: docker.io/library/a:1@');
    expect(await names(place)).toBe('');
  });

  test.each([
    [['rmi'], '"finch rmi" requires at least 1 argument'],
    [['rmi', 'nothing'], 'no such image: nothing'],
    [['rmi', 'a b'], 'invalid reference format: "a b"'],
    [['rmi', '-x', 'a'], 'unknown flag: -x'],
  ])('refuses %j', async (argv, message) => {
    await using place = await finch();
    const { status, stdout, stderr } = await place.run(...argv);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toStartWith(`finch: ${message}\nhint: `);
  });
});
