import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { FinchError } from '../../src/errors.ts';
import { dockerMembers, tarOf, writeFolder } from '../archives/archive-files.ts';
import { buildImage, buildMultiPlatform, layerTar, layoutFiles } from '../support/images.ts';
import { tarFile } from '../support/tar.ts';
import { type Finch, finch } from './command-line.ts';

const two = buildMultiPlatform('linux/arm64', 'linux/amd64');
const named = (name: string) => layoutFiles(two, { 'io.containerd.image.name': name });

const names = (place: Finch) => place.stdout('images', '--format', '{{.Name}} {{.Platform}}');

/** Writes a file beside the home and gives its path. */
async function file({ home }: Finch, name: string, bytes: Uint8Array): Promise<string> {
  const path = join(home, '..', name);
  await Bun.write(path, bytes);
  return path;
}

describe('finch load', () => {
  test('loads an archive from a file, with all its platforms, and says its name', async () => {
    await using place = await finch();
    const path = await file(place, 'app.tar', tarOf(named('docker.io/library/app:1.10')));
    for (const flags of [['-i', path], [`-i${path}`], ['--input', path], [`--input=${path}`]]) {
      expect(await place.stdout('load', ...flags)).toBe('Loaded image: app:1.10\n');
    }
    expect(await names(place)).toBe(
      'docker.io/library/app:1.10 linux/arm64\ndocker.io/library/app:1.10 linux/amd64\n',
    );
    expect(await place.stdout('images', '-q', '--no-trunc')).toBe(`${two.root.digest}\n`.repeat(2));
  });

  test('loads what comes on stdin, compressed or not', async () => {
    const bytes = tarOf(named('ghcr.io/me/app:1'));
    for (const stdin of [bytes, Bun.gzipSync(Buffer.from(bytes)), Bun.zstdCompressSync(bytes)]) {
      await using place = await finch();
      const outcome = await place.runWith({ stdin }, 'image', 'load', '-q');
      expect(outcome).toEqual({
        status: 0,
        stdout: 'Loaded image: ghcr.io/me/app:1\n',
        stderr: '',
      });
    }
  });

  test('loads an OCI layout from a folder', async () => {
    await using place = await finch();
    const folder = await writeFolder(join(place.home, '..', 'layout'), named('app:1'));
    expect(await place.stdout('load', '-i', folder)).toBe('Loaded image: app:1\n');
  });

  test('loads all images of a docker-archive, a line for each name', async () => {
    await using place = await finch();
    const members = dockerMembers([
      { tags: ['a:1', 'ghcr.io/me/a:2'], layers: [layerTar('a')] },
      { tags: ['b:1'], layers: [layerTar('b')] },
    ]);
    const path = await file(place, 'docker.tar', tarFile(members));
    expect(await place.stdout('load', '-i', path)).toBe(
      'Loaded image: a:1\nLoaded image: ghcr.io/me/a:2\nLoaded image: b:1\n',
    );
    expect((await names(place)).trimEnd().split('\n').length).toBe(3);
  });

  test('shows on stderr what it does, and nothing with --quiet', async () => {
    await using place = await finch();
    const path = await file(place, 'app.tar', tarOf(named('app:1')));
    const first = await place.run('load', '-i', path);
    expect(first.stderr).toMatch(/^layer sha256:[0-9a-f]{12}: loading /m);
    expect(first.stderr).toMatch(/^index sha256:[0-9a-f]{12}: done$/m);
    const again = await place.run('load', '-i', path);
    expect(again.stderr).not.toContain('loading');
    expect((await place.run('load', '-qi', path)).stderr).toBe('');
  });

  test('makes a name that is loaded again new', async () => {
    await using place = await finch();
    await place.load(two, 'app:1');
    place.now += 60_000;
    await place.load(two, 'app:1');
    expect(await place.stdout('images', '--format', '{{.CreatedSince}}')).toBe(
      'Less than a second ago\n'.repeat(2),
    );
  });

  test('gives the same digests each time', async () => {
    const ids = new Set<string>();
    const members = dockerMembers([{ layers: [layerTar('x'.repeat(3_000_000)), layerTar('y')] }]);
    for (let i = 0; i < 2; i++) {
      await using place = await finch();
      await place.stdout('load', '-i', await file(place, 'docker.tar', tarFile(members)));
      ids.add(await place.stdout('images', '-q', '--no-trunc'));
    }
    expect(ids.size).toBe(1);
  });

  test('refuses a terminal as the archive, with the flag to use', async () => {
    await using place = await finch();
    expect(await place.run('load')).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'finch: stdin is a terminal and no file is given\nhint: name the archive with: finch load -i FILE\n',
    });
  });

  test('fails for what is no archive, and leaves the store as it was', async () => {
    await using place = await finch();
    await place.load(buildImage({ labels: { kept: 'yes' }, layers: [] }), 'kept:1');
    const before = await place.stdout('images', '--format', 'json');
    const lone = buildImage();
    const broken = layoutFiles(lone, { 'io.containerd.image.name': 'app:1' });
    const layer = lone.order[0]?.digest.replace('sha256:', 'blobs/sha256/') ?? '';
    const paths = [
      join(place.home, 'nothing.tar'),
      await file(place, 'text', Buffer.from('no archive')),
      await file(place, 'empty', new Uint8Array()),
      await file(place, 'empty.tar', tarFile([])),
      await file(place, 'other.tar', tarFile([{ name: 'README', bytes: 'x' }])),
      await file(place, 'cut.tar', tarOf(broken).subarray(0, 3000)),
      await file(place, 'wrong.tar', tarOf(new Map([...broken, [layer, new Uint8Array(50)]]))),
      await file(
        place,
        'lacking.tar',
        tarOf(new Map([...broken].filter(([name]) => name !== layer))),
      ),
    ];
    for (const path of paths) {
      const { status, stdout, stderr } = await place.run('load', '-q', '-i', path);
      expect([path, status, stdout]).toEqual([path, 1, '']);
      expect(stderr).toStartWith('finch: ');
      expect(stderr).not.toContain('internal error');
    }
    const outcome = await place.runWith({ stdin: '' }, 'load', '-q');
    expect(outcome.status).toBe(1);
    expect(await place.stdout('images', '--format', 'json')).toBe(before);
    await using store = await place.openStore();
    expect((await store.collect()).digests).toEqual([]);
  });

  test('ends with status 130 when it is interrupted, and loads nothing', async () => {
    await using place = await finch();
    const path = await file(place, 'app.tar', tarOf(named('app:1')));
    const signal = AbortSignal.abort(new FinchError('CANCELLED', 'interrupted'));
    expect((await place.runWith({ signal }, 'load', '-i', path)).status).toBe(130);
    expect(await names(place)).toBe('');
  });

  test('takes no arguments', async () => {
    await using place = await finch();
    const { status, stderr } = await place.run('load', 'app.tar');
    expect([status, stderr]).toEqual([
      1,
      'finch: "finch load" accepts no arguments\nhint: see finch load --help\n',
    ]);
  });
});
