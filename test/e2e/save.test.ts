import { describe, expect, test } from 'bun:test';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { startDockerRegistry } from '../support/docker-registry.ts';
import {
  type Built,
  buildImage,
  buildIndex,
  buildMultiPlatform,
  json,
  layerTar,
} from '../support/images.ts';
import { writeOciArchive } from './support/archives.ts';
import { finchOnTerminal } from './support/dialogue.ts';
import { expectError } from './support/expectations.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { firstLine } from './support/first-line.ts';
import { filesIn, namesIn } from './support/home-contents.ts';
import { mayMount, mountSmallDisk } from './support/mounts.ts';
import { areHere, crane, runOk } from './support/program.ts';
import { skopeoCopy, skopeoDigest, verifyFolder } from './support/skopeo.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const MULTI = 'registry.example/multi:2';

/** Members of a tar by their names. */
async function untar(path: string): Promise<ReadonlyMap<string, string>> {
  const files = await new Bun.Archive(await Bun.file(path).bytes()).files();
  return new Map(
    await Promise.all([...files].map(async ([name, file]) => [name, await file.text()] as const)),
  );
}

interface DockerEntry {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

async function dockerEntries(path: string): Promise<readonly DockerEntry[]> {
  return JSON.parse((await untar(path)).get('manifest.json') ?? '[]') as DockerEntry[];
}

/** A workbench with `one:1`, of one platform, and {@link MULTI}, of two. */
async function saveBench(): Promise<Workbench & { readonly one: Built; readonly multi: Built }> {
  const bench = await workbench();
  const one = buildImage({ layers: [layerTar('a'), layerTar('b', 'there')] });
  const multi = buildMultiPlatform('linux/arm64', 'linux/amd64');
  await load(bench, 'one:1', one);
  await load(bench, MULTI, multi);
  return { ...bench, one, multi };
}

async function load(bench: Workbench, name: string, built: Built): Promise<void> {
  await writeOciArchive(bench.path('load.tar'), name, built);
  await bench.ok('load -q -i load.tar');
}

/** An image of which one platform is elsewhere. */
function sparse(): { readonly built: Built; readonly missing: Descriptor } {
  const whole = buildMultiPlatform('linux/amd64', 'linux/arm64');
  const missing = buildImage({ platform: { os: 'linux', architecture: 'arm64' } });
  const blobs = new Map(whole.blobs);
  for (const digest of missing.blobs.keys()) blobs.delete(digest);
  return { built: { ...whole, blobs }, missing: missing.root };
}

/** Whose layer is a tar that nobody compressed. */
function uncompressed(layer = layerTar('plain')): Built {
  const compressed = buildImage({ layers: [layer] });
  const config = compressed.order.find(({ mediaType }) => mediaType === mediaTypes.config);
  const plain = { mediaType: mediaTypes.layer, digest: digestOf(layer), size: layer.length };
  const manifest = json({
    ...{ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [plain] },
  });
  const root = { ...compressed.root, digest: digestOf(manifest), size: manifest.length };
  const blobs = new Map([...compressed.blobs, [plain.digest, layer], [root.digest, manifest]]);
  return { root, blobs, order: [] };
}

// What Finch's own acceptance tests ask of `save`.
// https://github.com/runfinch/common-tests/blob/186517ebdd50fcea9f30e1c7569bca69f70143e6/tests/save.go
describe('finch save, as Finch is tested', () => {
  test('to stdout gives a manifest with the name and layers that are there', async () => {
    await using bench = await saveBench();
    const to = Bun.file(bench.path('out.tar'));
    const child = Bun.spawn([finchBinary, 'save', MULTI], {
      env: finchEnvironment(bench.home),
      stdout: to,
      stderr: 'ignore',
    });
    expect(await child.exited).toBe(0);
    const files = await untar(bench.path('out.tar'));
    const entries = await dockerEntries(bench.path('out.tar'));
    expect(entries.map(({ RepoTags }) => RepoTags?.[0])).toEqual([MULTI]);
    for (const { Config, Layers } of entries) {
      expect([Config, ...Layers].filter((path) => !files.has(path))).toEqual([]);
    }
  });

  test.each([
    'save one:1 -o out.tar',
    'save one:1 --output out.tar',
    'image save --output=out.tar one:1',
  ])('%s writes the file and says nothing on stdout', async (line) => {
    await using bench = await saveBench();
    expect(await bench.ok(line)).toBe('');
    const [entry] = await dockerEntries(bench.path('out.tar'));
    expect(entry).toMatchObject({ RepoTags: ['one:1'] });
    expect(entry?.Layers).toHaveLength(2);
    expect((await stat(bench.path('out.tar'))).mode & 0o777).toBe(0o644 & ~process.umask());
  });

  test('of two images gives two entries', async () => {
    await using bench = await saveBench();
    await bench.ok(`save -o out.tar one:1 ${MULTI}`);
    const entries = await dockerEntries(bench.path('out.tar'));
    expect(entries.map(({ RepoTags }) => RepoTags)).toEqual([['one:1'], [MULTI]]);
  });

  test('of an image that is not there fails, and writes nothing', async () => {
    await using bench = await saveBench();
    const before = await filesIn(bench.home);
    for (const line of ['save nothing:1', 'save -o out.tar one:1 nothing:1']) {
      expectError(
        await bench.fails(line),
        'image "docker.io/library/nothing:1": not found',
        'see what is here with: finch images',
      );
    }
    expect(await readdir(bench.folder)).not.toContain('out.tar');
    expect(await filesIn(bench.home)).toEqual(before);
  });
});

describe('finch save', () => {
  test('and finch load bring images into another home with equal digests', async () => {
    await using bench = await workbench();
    const images: readonly (readonly [string, Built])[] = [
      ['one:1', buildImage()],
      ['docker.io/me/docker:1', buildImage({ docker: true })],
      ['registry.example:5000/multi:2', buildMultiPlatform('linux/amd64', 'linux/arm/v7')],
      ['plain:1', uncompressed()],
      ['empty:1', buildImage({ layers: [] })],
      [
        'nested:1',
        buildIndex([
          { image: buildMultiPlatform('linux/s390x') },
          { image: buildImage({ platform: { os: 'windows', architecture: 'amd64' } }) },
        ]),
      ],
    ];
    for (const [name, built] of images) await load(bench, name, built);
    await bench.ok(`tag one:1 also/one:2`);
    const names = await namesIn(bench.home);
    const some = fc.subarray(Object.keys(names), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(some, async (chosen) => {
        await bench.ok(['save', '-q', '-o', 'out.tar', ...chosen]);
        const home = await bench.newHome();
        await bench.ok('load -q -i out.tar', { home });
        const saved = chosen.map((name) => [name, names[name] ?? '']);
        expect(await namesIn(home)).toEqual(Object.fromEntries(saved));
        expect(await bench.ok('store verify', { home })).toContain('nothing is damaged');
      }),
      { numRuns: 8, examples: [[Object.keys(names)]] },
    );
  }, 30_000);

  test('gives the same bytes for the same images, whenever and in whatever order', async () => {
    await using bench = await saveBench();
    await bench.ok(`save -o first.tar one:1 ${MULTI}`);
    const home = await bench.newHome();
    await bench.ok('load -q -i first.tar', { home });
    await bench.ok(['save', '-o', 'second.tar', MULTI, 'one:1', MULTI], { home });
    const [first, second] = ['first.tar', 'second.tar'].map((name) => readFile(bench.path(name)));
    expect((await first)?.equals((await second) ?? Buffer.alloc(0))).toBe(true);
  });

  test('writes one entry with both names where two are for one image, and takes ids', async () => {
    await using bench = await saveBench();
    await bench.ok('tag one:1 two:2');
    await bench.ok('save -o out.tar two:2 one:1');
    const entries = await dockerEntries(bench.path('out.tar'));
    expect(entries.map(({ RepoTags }) => RepoTags)).toEqual([['one:1', 'two:2']]);
    await bench.ok(`save -o id.tar ${bench.multi.root.digest.slice(7, 19)}`);
    const [entry] = await dockerEntries(bench.path('id.tar'));
    expect(entry?.RepoTags).toEqual([MULTI]);
  });

  test('says on stderr what it saves, and with --quiet nothing', async () => {
    await using bench = await saveBench();
    const { stderr } = await bench.run('save -o out.tar one:1');
    expect(stderr).toMatch(/^layer sha256:[0-9a-f]{12}: saving \d+\.0 B$/m);
    const quiet = await bench.run('save --quiet -o out.tar one:1');
    expect(quiet).toEqual({ stdout: '', stderr: '', exitCode: 0 });
  });

  test('refuses a terminal', async () => {
    await using bench = await saveBench();
    const { screen, exitCode } = await finchOnTerminal(['save', 'one:1'], { home: bench.home });
    expect(exitCode).toBe(1);
    expectError(
      screen.replaceAll('\r', ''),
      'cowardly refusing to save to a terminal',
      'use the -o flag or redirect stdout',
    );
  });

  test('replaces a file as a whole, keeps its permissions, and follows a link to it', async () => {
    await using bench = await saveBench();
    await writeFile(bench.path('real.tar'), 'x'.repeat(1_000_000));
    await chmod(bench.path('real.tar'), 0o600);
    await symlink('real.tar', bench.path('out.tar'));
    await bench.ok('save -o out.tar one:1');
    await bench.ok('save -o fresh.tar one:1');
    expect(await readFile(bench.path('real.tar'))).toEqual(await readFile(bench.path('fresh.tar')));
    expect((await stat(bench.path('real.tar'))).mode & 0o777).toBe(0o600);
  });

  test('writes into a pipe that has a name', async () => {
    await using bench = await saveBench();
    await runOk(['mkfifo', bench.path('pipe')]);
    const reader = Bun.spawn(['cat', bench.path('pipe')], {
      stdout: Bun.file(bench.path('read.tar')),
    });
    await bench.ok('save -o pipe one:1');
    expect(await reader.exited).toBe(0);
    expect((await dockerEntries(bench.path('read.tar')))[0]?.RepoTags).toEqual(['one:1']);
  });

  test('ends when it is interrupted before somebody opens the pipe that it is to write', async () => {
    await using bench = await saveBench();
    await runOk(['mkfifo', bench.path('pipe')]);
    const child = Bun.spawn([finchBinary, 'save', '-q', '-o', bench.path('pipe'), 'one:1'], {
      env: finchEnvironment(bench.home),
      stderr: 'pipe',
    });
    const isWaiting = async () =>
      (
        await runOk(['sh', '-c', `cat /proc/${child.pid}/task/*/wchan || echo wait_for_partner`])
      ).includes('wait_for_partner');
    while (!(await isWaiting())) await Bun.sleep(5);
    child.kill('SIGINT');
    expect(await child.exited).toBe(130);
  });

  test('fails when nobody reads what it writes', async () => {
    await using bench = await workbench();
    await load(bench, 'large:1', uncompressed(layerTar('x'.repeat(2_000_000))));
    const script = 'set -o pipefail; "$0" save -q large:1 | true';
    const child = Bun.spawn(['bash', '-c', script, finchBinary], {
      env: finchEnvironment(bench.home),
      stderr: 'pipe',
    });
    expectError(
      await child.stderr.text(),
      'cannot write stdout: nobody reads it any more',
      'see what the program that should read it says',
    );
    expect(await child.exited).toBe(1);
  });

  test('ends when it is interrupted, also while its reader waits', async () => {
    await using bench = await workbench();
    await load(bench, 'large:1', uncompressed(layerTar('x'.repeat(2_000_000))));
    await runOk(['mkfifo', bench.path('pipe')]);
    const wait = 'exec 3<"$0"; head -c 1 <&3 >/dev/null; echo reading; exec sleep 100';
    const reader = Bun.spawn(['sh', '-c', wait, bench.path('pipe')], { stdout: 'pipe' });
    const write = 'exec "$0" save -q large:1 >"$1"';
    const child = Bun.spawn(['sh', '-c', write, finchBinary, bench.path('pipe')], {
      env: finchEnvironment(bench.home),
      stderr: 'pipe',
    });
    try {
      expect(await firstLine(reader.stdout)).toBe('reading');
      child.kill('SIGINT');
      expect(await child.exited).toBe(130);
      expect(await child.stderr.text()).toContain('interrupted');
    } finally {
      reader.kill('SIGKILL');
      child.kill('SIGKILL');
    }
  });

  test.skipIf(!mayMount())('leaves nothing on a disk that is full', async () => {
    await using bench = await workbench();
    await load(bench, 'large:1', uncompressed(layerTar('x'.repeat(2_000_000))));
    await mkdir(bench.path('disk'));
    await using _disk = await mountSmallDisk(bench.path('disk'), 1000);
    expectError(
      await bench.fails('save -q -o disk/out.tar large:1'),
      'cannot write disk/out.tar: no space left on the disk',
      'free some space and try again',
    );
    expect(await readdir(bench.path('disk'))).toEqual([]);
  });

  test('leaves the file that was there when an image is damaged, and no other', async () => {
    await using bench = await saveBench();
    const layer = bench.one.order.find(({ mediaType }) => mediaType === mediaTypes.layerGzip);
    const path = join(bench.home, 'store/blobs', layer?.digest.replace(':', '/') ?? '');
    await writeFile(bench.path('out.tar'), 'before');
    await chmod(path, 0o644);
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill((bytes[20] ?? 0) ^ 1, 20, 21));
    expectError(await bench.fails('save -o out.tar one:1'), /damaged/, /store/);
    expect(await readFile(bench.path('out.tar'), 'utf8')).toBe('before');
    expect((await readdir(bench.folder)).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  test.each([
    ['folder', /^finch: cannot write folder: it is a folder$/],
    ['nowhere/out.tar', /^finch: cannot write nowhere\/out.tar: no such file or folder$/],
    ['file/out.tar', /^finch: cannot write file\/out.tar: a part of the path is not a folder$/],
  ])('-o %s is an error that says so', async (path, message) => {
    await using bench = await saveBench();
    await mkdir(bench.path('folder'));
    await writeFile(bench.path('file'), '');
    const stderr = await bench.fails(`save -q -o ${path} one:1`);
    expectError(stderr, message, 'check the folder with: ls -ld, or name another file');
  });

  test('of one platform trims the index, as push does, and says so', async () => {
    await using bench = await saveBench();
    const { stderr } = await bench.run(`save -q --platform linux/arm64 -o out.tar ${MULTI}`);
    expect(stderr).toMatch(
      /^registry.example\/multi:2: left out linux\/amd64; what is saved is sha256:/,
    );
    const home = await bench.newHome();
    await bench.ok('load -q -i out.tar', { home });
    const format = '{{.Name}} {{.Platform}}';
    const listed = await bench.ok(['images', '--format', format], { home });
    expect(listed).toBe(`${MULTI} linux/arm64\n`);
  });

  test('of a platform that is not there is the error of push', async () => {
    await using bench = await saveBench();
    expectError(
      await bench.fails(`save -o out.tar --platform linux/s390x one:1`),
      'one:1 has no linux/s390x in the local store',
      'load or pull an image that has it; here: linux/amd64',
    );
    expectError(
      await bench.fails(`save -o out.tar --platform linux/arm64 --all-platforms one:1`),
      '--platform and --all-platforms exclude each other',
    );
    expect(await readdir(bench.folder)).not.toContain('out.tar');
  });

  test('of an index of which one platform is elsewhere takes what is here; --all-platforms refuses', async () => {
    await using bench = await workbench();
    await load(bench, 'some:1', sparse().built);
    const { stderr } = await bench.run('save -q -o out.tar some:1');
    expect(stderr).toStartWith('some:1: left out linux/arm64; what is saved is sha256:');
    const home = await bench.newHome();
    expect(await bench.ok('load -q -i out.tar', { home })).toBe('Loaded image: some:1\n');
    expectError(
      await bench.fails('save -o all.tar --all-platforms some:1'),
      'some:1 is not all here: linux/arm64 missing',
    );
  });

  test('leaves what docker could not load out of its manifest', async () => {
    await using bench = await workbench();
    const config = json({});
    const empty = { mediaType: mediaTypes.empty, digest: digestOf(config), size: config.length };
    const manifest = json({
      ...{ schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: 'text/plain' },
      ...{ config: empty, layers: [] },
    });
    const digest = digestOf(manifest);
    await load(bench, 'artifact:1', {
      root: { mediaType: mediaTypes.manifest, digest, size: manifest.length },
      blobs: new Map([
        [empty.digest, config],
        [digest, manifest],
      ]),
      order: [],
    });
    await bench.ok('save -q -o out.tar artifact:1');
    expect([...(await untar(bench.path('out.tar'))).keys()]).not.toContain('manifest.json');
    const home = await bench.newHome();
    await bench.ok('load -q -i out.tar', { home });
    expect(await namesIn(home)).toEqual({ 'artifact:1': digest });
  });
});

describe.skipIf(!areHere('skopeo', 'docker-registry'))('what finch save writes', () => {
  test('skopeo reads as a docker-archive and as an OCI archive with every platform', async () => {
    await using bench = await saveBench();
    await bench.ok(`save -q -o out.tar one:1 ${MULTI}`);
    await bench.ok(`save -q -o multi.tar ${MULTI}`);
    const path = bench.path('out.tar');
    await mkdir(bench.path('docker'));
    await skopeoCopy(`docker-archive:${path}:one:1`, `dir:${bench.path('docker')}`);
    await verifyFolder(bench.path('docker'));
    await mkdir(bench.path('all'));
    const all = ['--all', '--preserve-digests'];
    await skopeoCopy(`oci-archive:${bench.path('multi.tar')}`, `dir:${bench.path('all')}`, all);
    expect((await verifyFolder(bench.path('all'))).root).toBe(bench.multi.root.digest);
  });

  test.skipIf(crane === null)('crane pushes as it is', async () => {
    await using bench = await saveBench();
    await mkdir(bench.path('registry'));
    const registry = await startDockerRegistry({ root: bench.path('registry') });
    try {
      await bench.ok('save -q -o one.tar one:1');
      await runOk([crane ?? '', 'push', bench.path('one.tar'), `${registry.host}/one:1`]);
      const layout = bench.path('layout');
      await mkdir(layout);
      await runOk(['tar', '-xf', bench.path('one.tar'), '-C', layout]);
      await runOk([crane ?? '', 'push', layout, `${registry.host}/one:2`]);
      expect(await skopeoDigest(registry, 'one:2')).toBe(bench.one.root.digest);
    } finally {
      await registry.stop();
    }
  });
});
