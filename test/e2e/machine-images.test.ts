import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { holdFileLock } from '../../src/host/file-lock.ts';
import { platformOf } from '../../src/host/process-host.ts';
import { isJsonObject } from '../../src/oci/json.ts';
import { formatPlatform } from '../../src/oci/platform.ts';
import { helloElf } from '../demo/elf.ts';
import { GREETING } from '../demo/hello-finch.ts';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { busyboxImage } from '../support/engine/busybox-image.ts';
import { canRunEngine } from '../support/engine/can-run-engine.ts';
import { type Engine, startEngine } from '../support/engine/start-engine.ts';
import { type Built, buildImage, buildIndex, layerTar } from '../support/images.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { writeOciArchive } from './support/archives.ts';
import { expectError } from './support/expectations.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { namesIn } from './support/home-contents.ts';
import { areHere } from './support/program.ts';
import { skopeoDigest } from './support/skopeo.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const OURS = formatPlatform(platformOf(process.arch));
const OTHER = OURS === 'linux/arm64' ? 'linux/amd64' : 'linux/arm64';

const resources = new AsyncDisposableStack();
let engine: Engine;
beforeAll(async () => {
  if (!canRunEngine) return;
  const folder = resources.use(await temporaryFolder());
  engine = resources.use(await startEngine(folder.path));
});
afterAll(() => resources.disposeAsync());

/** A home whose machine is this Linux, with a bridge to the engine that runs. */
async function machineBench(): Promise<Workbench> {
  const bench = await workbench(engine.env);
  await writeFile(join(bench.home, 'finch.yaml'), 'vmType: native\n');
  await bench.ok('ps');
  return {
    ...bench,
    async [Symbol.asyncDispose]() {
      const images = (await engine.ok(['image', 'ls', '-q', '--no-trunc'])).split('\n');
      const ids = [...new Set(images.filter((id) => id !== ''))];
      if (ids.length > 0) await engine.ok(['rmi', '--force', ...ids]);
      await bench.run('vm stop --force');
      await bench[Symbol.asyncDispose]();
    },
  };
}

/** The digests of the names in the engine. */
async function inEngine(): Promise<Readonly<Record<string, string>>> {
  const format = '{{.Name}} {{.Digest}}';
  const lines = await engine.ok(['image', 'ls', '--no-trunc', '--format', format]);
  return Object.fromEntries(
    lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' ')),
  );
}

/** An index of an image that runs here, and one that does not. */
async function forTwoPlatforms(says: string): Promise<Built> {
  const [os = '', architecture = ''] = OTHER.split('/');
  const platform = { os, architecture };
  const other = buildImage({ platform, layers: [layerTar(says)] });
  const [, ours = ''] = OURS.split('/');
  return buildIndex([
    { image: other, platform },
    { image: await busyboxImage({ says }), platform: { os: 'linux', architecture: ours } },
  ]);
}

async function loadIntoEngine(bench: Workbench, name: string, built: Built): Promise<void> {
  const path = await writeOciArchive(bench.path('engine.tar'), name, built);
  await engine.ok(['load', '--all-platforms', '-i', path]);
}

const ROWS = ['images', '--no-trunc', '--format', '{{.Name}} {{.Platform}} {{.ID}}'];

describe.skipIf(!canRunEngine)('finch, and the images of the machine', () => {
  test('lists what only the machine has, filters it, and brings it into the store by its name', async () => {
    await using bench = await machineBench();
    const image = await busyboxImage();
    const { digest } = image.root;
    await loadIntoEngine(bench, 'registry.invalid/app:1', image);
    const row = `registry.invalid/app:1 ${OURS} ${digest}\n`;
    expect(await bench.ok(ROWS)).toBe(row);
    expect(await bench.ok([...ROWS, 'registry.invalid/app'])).toBe(row);
    expect(await bench.ok([...ROWS, '--filter', 'reference=*/other'])).toBe('');
    expect(await bench.ok([...ROWS, '--filter', 'dangling=true'])).toBe('');
    expect(await bench.ok('images -q')).toBe(`${digest.slice(7, 19)}\n`);
    const { stderr, exitCode } = await bench.run('tag registry.invalid/app:1 mine:1');
    expect({ stderr, exitCode }).toEqual({
      stderr: 'registry.invalid/app:1: getting it from the virtual machine\n',
      exitCode: 0,
    });
    expect(await namesIn(bench.home)).toEqual({
      'registry.invalid/app:1': digest,
      'mine:1': digest,
    });
    expect((await bench.ok(ROWS)).split('\n').toSorted()).toEqual(
      ['', row.trim(), `docker.io/library/mine:1 ${OURS} ${digest}`].toSorted(),
    );
    expect(await bench.ok('store verify')).toContain('nothing is damaged');
  });

  test.skipIf(!areHere('docker-registry', 'skopeo'))(
    'pushes an index of the machine with all its platforms, by its id too',
    async () => {
      await using bench = await machineBench();
      await mkdir(bench.path('registry'));
      const registry = await startDockerRegistry({ root: bench.path('registry') });
      try {
        const built = await forTwoPlatforms('two');
        await loadIntoEngine(bench, `${registry.host}/two:1`, built);
        await bench.ok(`push -q ${registry.host}/two:1`);
        expect(await skopeoDigest(registry, 'two:1')).toBe(built.root.digest);
        const more = await forTwoPlatforms('more');
        await loadIntoEngine(bench, 'registry.invalid/more:1', more);
        await bench.ok(`save -q -o out.tar ${more.root.digest.slice(7, 19)}`);
        const home = await bench.newHome();
        await bench.ok('load -q -i out.tar', { home });
        expect(await namesIn(home)).toEqual({ 'registry.invalid/more:1': more.root.digest });
        await engine.ok(['tag', 'registry.invalid/more:1', `${registry.host}/two:1`]);
        expect(await bench.ok(ROWS)).not.toContain(built.root.digest);
        await bench.ok(`pull -q ${registry.host}/two:1`);
        expect(await bench.ok(ROWS)).toMatch(
          new RegExp(`^${registry.host}/two:1 .* ${built.root.digest}$`, 'm'),
        );
        await engine.ok(['pull', '-q', `${registry.host}/two@${built.root.digest}`]);
        expect(await inEngine()).toHaveProperty([`${registry.host}/two@${built.root.digest}`]);
        await bench.ok(`rmi ${registry.host}/two:1`);
        expect(Object.keys(await inEngine())).toEqual(['registry.invalid/more:1']);
        expect(await bench.ok(ROWS)).not.toContain('/two');
      } finally {
        await registry.stop();
      }
    },
  );

  test('of the store run in the machine by their names with equal digests, and no registry is asked', async () => {
    await using bench = await machineBench();
    let asked = 0;
    await using elsewhere = Bun.serve({
      port: 0,
      fetch() {
        asked++;
        return new Response('', { status: 404 });
      },
    });
    const name = `localhost:${elsewhere.port}/hi:1`;
    const built = await forTwoPlatforms('from the store');
    await writeOciArchive(bench.path('hi.tar'), name, built);
    await bench.ok('load -q -i hi.tar');
    const said = await bench.run(`run --rm --net none ${name}`);
    expect(said.stdout).toBe('from the store\n');
    expect(await inEngine()).toEqual({ [name]: built.root.digest });

    // The engine has one platform of it now, and gives back the whole index.
    await bench.ok(`tag ${name} kept:1`);
    await engine.ok(['tag', name, 'registry.invalid/only-there:1']);
    await bench.ok(`rmi ${name} kept:1`);
    expect(await namesIn(bench.home)).toEqual({});
    await bench.ok(`tag registry.invalid/only-there:1 back:1`);
    expect(await namesIn(bench.home)).toEqual({
      'registry.invalid/only-there:1': built.root.digest,
      'back:1': built.root.digest,
    });
    const rows = (await bench.ok(ROWS)).trim().split('\n');
    expect(rows).toContain(`docker.io/library/back:1 ${OURS} ${built.root.digest}`);
    expect(rows).toHaveLength(2);
    expect(await bench.ok('store verify')).toContain('nothing is damaged');
    expect(asked).toBe(0);
  });

  test('built for this platform are in both under one digest, run, and are listed once', async () => {
    await using bench = await machineBench();
    await mkdir(bench.path('context'));
    const architecture = OURS === 'linux/arm64' ? 'arm64' : 'amd64';
    await writeFile(bench.path('context/hello'), helloElf(architecture, GREETING));
    await chmod(bench.path('context/hello'), 0o755);
    const dockerfile = 'FROM scratch\nCOPY hello /hello\nENTRYPOINT ["/hello"]\n';
    await writeFile(bench.path('context/Dockerfile'), dockerfile);
    await bench.ok('build -t hello-finch context');
    const digest = (await namesIn(bench.home))['hello-finch:latest'] ?? '';
    expect(await inEngine()).toEqual({ 'docker.io/library/hello-finch:latest': digest });
    const row = `docker.io/library/hello-finch:latest ${OURS} ${digest}\n`;
    expect(await bench.ok(ROWS)).toBe(row);
    expect(await bench.ok('run --rm --net none hello-finch')).toBe(GREETING);
  });

  test('are removed on both sides; what a container needs stays on both, and finch says so', async () => {
    await using bench = await machineBench();
    const image = await busyboxImage();
    await loadIntoEngine(bench, 'registry.invalid/app:1', image);
    await bench.ok('tag registry.invalid/app:1 mine:1');
    expect(await bench.ok('rmi registry.invalid/app:1')).toBe(
      `Untagged: registry.invalid/app:1@${image.root.digest}\n`,
    );
    expect(await inEngine()).toEqual({});
    await loadIntoEngine(bench, 'registry.invalid/only:1', await busyboxImage({ says: 'only' }));
    expect(await bench.ok('rmi registry.invalid/only:1')).toStartWith(
      'Untagged: registry.invalid/only:1@sha256:',
    );
    expectError(await bench.fails('rmi registry.invalid/only:1'), /no such image/);

    await loadIntoEngine(bench, 'registry.invalid/used:1', image);
    const used = ['run', '-d', '--name', 'user', '--net', 'none', 'registry.invalid/used:1'];
    await engine.ok([...used, 'sleep', '100']);
    try {
      await bench.ok('tag registry.invalid/used:1 other:1');
      const before = await namesIn(bench.home);
      expectError(
        await bench.fails('rmi registry.invalid/used:1'),
        /conflict: unable to delete registry.invalid\/used:1 \(cannot be forced\) - image is being used by running container [0-9a-f]+$/,
        /remove the container first: finch rm -f [0-9a-f]{12}$/,
      );
      await engine.ok(['kill', 'user']);
      const refused = await bench.run('rmi registry.invalid/used:1 other:1');
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain(
        '(must be forced) - image is being used by stopped container',
      );
      expect(refused.stdout).toBe(`Untagged: docker.io/library/other:1@${image.root.digest}\n`);
      const name = 'registry.invalid/used:1';
      expect(await namesIn(bench.home)).toMatchObject({ [name]: before[name] ?? '' });
      await bench.ok('rmi -f registry.invalid/used:1 mine:1');
      expect(await namesIn(bench.home)).toEqual({});
      expect(await inEngine()).toEqual({});
    } finally {
      await engine.ok(['rm', '-f', 'user']);
    }
  });

  test('of a name that both sides hold differently count where they are newer', async () => {
    await using bench = await machineBench();
    const name = 'registry.invalid/app:1';
    const [old, newer] = [await busyboxImage({ says: 'old' }), await busyboxImage({ says: 'new' })];
    await writeOciArchive(bench.path('old.tar'), name, old);
    await bench.ok('load -q -i old.tar');
    await loadIntoEngine(bench, name, newer);
    expect(await bench.ok(ROWS)).toBe(`${name} ${OURS} ${newer.root.digest}\n`);
    await bench.ok(`save -q -o out.tar ${name}`);
    expect(await namesIn(bench.home)).toEqual({ [name]: newer.root.digest });
    await bench.ok('load -q -i old.tar');
    expect(await bench.ok(ROWS)).toBe(`${name} ${OURS} ${old.root.digest}\n`);
    await bench.ok(`tag ${name} kept:1`);
    expect(await namesIn(bench.home)).toEqual({
      [name]: old.root.digest,
      'kept:1': old.root.digest,
    });
    await loadIntoEngine(bench, name, newer);
    const said = await bench.ok(`rmi -f ${newer.root.digest.slice(7, 19)}`);
    expect(said).toStartWith(`Untagged: ${name}@${newer.root.digest}\n`);
    expect(said.match(/Untagged/g)).toHaveLength(1);
    expect(await bench.ok(ROWS)).not.toContain(name);
  });

  test('made of a container count under the name that it got, and under no other', async () => {
    await using bench = await machineBench();
    const image = await busyboxImage();
    for (const name of ['hi', 'auth']) {
      await writeOciArchive(bench.path('hi.tar'), `docker.io/library/${name}:latest`, image);
      await bench.ok('load -q -i hi.tar');
    }
    await bench.ok('run --name maker --net none hi sh -c :');
    try {
      await bench.ok('commit maker hi -a auth');
    } finally {
      await engine.ok(['rm', '-f', 'maker']);
    }
    await bench.ok('save -q -o out.tar hi auth');
    const names = await namesIn(bench.home);
    expect(names['auth:latest']).toBe(image.root.digest);
    expect(names['hi:latest']).toBe((await inEngine())['docker.io/library/hi:latest'] ?? '');
    expect(names['hi:latest']).not.toBe(image.root.digest);
  });

  test('are listed and fetched while no bridge runs', async () => {
    await using bench = await machineBench();
    await loadIntoEngine(bench, 'registry.invalid/app:1', await busyboxImage());
    const state: unknown = await Bun.file(join(bench.home, 'machine/bridge.json')).json();
    const pid = isJsonObject(state) ? Number(state['pid']) : 0;
    expect(pid).toBeGreaterThan(1);
    process.kill(pid, 'SIGKILL');
    expect(await bench.ok(ROWS)).toStartWith('registry.invalid/app:1 ');
    await bench.ok('tag registry.invalid/app:1 mine:1');
  });

  test('of one id on both sides need force, and go with all their names', async () => {
    await using bench = await machineBench();
    const image = await busyboxImage();
    const id = image.root.digest.slice(7, 19);
    await loadIntoEngine(bench, 'registry.invalid/app:1', image);
    await bench.ok('tag registry.invalid/app:1 mine:1');
    await bench.ok('rmi mine:1');
    await engine.ok(['tag', 'registry.invalid/app:1', 'registry.invalid/app:2']);
    expectError(await bench.fails(['rmi', id]), /multiple IDs/, /--force/);
    expect(await bench.ok(['rmi', '-f', id])).not.toContain('<none>');
    expect(await namesIn(bench.home)).toEqual({});
    expect(await inEngine()).toEqual({});
  });

  test('without a name have a row, and are removed by their ids', async () => {
    await using bench = await machineBench();
    await loadIntoEngine(bench, 'docker.io/library/base:1', await busyboxImage());
    await mkdir(bench.path('context'));
    await writeFile(bench.path('context/Dockerfile'), 'FROM base:1\nLABEL a=b\n');
    await bench.ok('build context');
    await engine.ok(['build', '-t', 'tagged:1', bench.path('context')]);
    expect(await bench.ok('images -q --filter dangling=true')).toBe('');
    await bench.ok('rmi tagged:1');
    const row = /^<none> <none> ([0-9a-f]{12})$/m;
    const table = await bench.ok(['images', '--format', '{{.Repository}} {{.Tag}} {{.ID}}']);
    const [, id = ''] = row.exec(table) ?? [];
    expect(table).toMatch(row);
    expect(await bench.ok('images -q --filter dangling=true')).toBe(`${id}\n`);
    expect(await bench.ok('images -q base')).not.toContain(id);
    expectError(await bench.fails(['tag', id, 'named:1']), /has no name/, /build -t NAME/);
    const ids = (await bench.ok('images -q')).trim().split('\n');
    const said = await bench.ok(['rmi', ...ids, ...ids]);
    expect(said).toContain('Deleted: sha256:');
    expect(said).not.toContain('<none>');
    expect(await bench.ok('images -q')).toBe('');
    expect(await inEngine()).toEqual({});
  });

  test('that a killed finch had begun to bring are gone after the next', async () => {
    await using bench = await machineBench();
    const id = 'ab'.repeat(16);
    await writeOciArchive(bench.path('hi.tar'), `engine.invalid/${id}/left:1`, buildImage());
    await bench.ok('load -q -i hi.tar');
    await writeFile(join(bench.home, 'machine/fetch.id'), id);
    expect(await bench.ok(ROWS)).toBe('');
    const image = await busyboxImage();
    await loadIntoEngine(bench, 'registry.invalid/app:1', image);
    await bench.ok('tag registry.invalid/app:1 app:1');
    expect(Object.keys(await namesIn(bench.home)).toSorted()).toEqual([
      'app:1',
      'registry.invalid/app:1',
    ]);
  });

  test('are brought by one finch at a time, and who waits says so', async () => {
    await using bench = await machineBench();
    await loadIntoEngine(bench, 'registry.invalid/app:1', await busyboxImage());
    const lock = await holdFileLock(join(bench.home, 'machine/fetch.lock'));
    const child = Bun.spawn([finchBinary, 'tag', 'registry.invalid/app:1', 'app:1'], {
      env: finchEnvironment(bench.home, engine.env),
      stderr: 'pipe',
    });
    let said = '';
    for await (const piece of child.stderr) {
      said += new TextDecoder().decode(piece);
      if (said.includes('waiting for another finch')) lock?.[Symbol.dispose]();
    }
    expect(said).toEndWith(
      'waiting for another finch that gets an image from the virtual machine\n',
    );
    expect(await child.exited).toBe(0);
  });

  test('stay where they are when the machine cannot give one, or the user interrupts', async () => {
    await using bench = await machineBench();
    const image = await busyboxImage();
    await loadIntoEngine(bench, 'registry.invalid/app:1', image);
    await mkdir(bench.path('bin'));
    const stand = (then: string) =>
      writeFile(
        bench.path('bin/nerdctl'),
        `#!/bin/sh\ncase "$*" in *push*) ${then};; *) PATH='${engine.env['PATH']}' exec nerdctl "$@";; esac\n`,
      );
    await stand('echo "no more disk" >&2; exit 1');
    await chmod(bench.path('bin/nerdctl'), 0o755);
    const env = { ...engine.env, PATH: `${bench.path('bin')}:${engine.env['PATH']}` };
    expectError(
      await bench.fails('tag registry.invalid/app:1 app:1', { env }),
      'nerdctl push failed: no more disk',
      /vm status/,
    );
    await stand(`touch '${bench.path('begun')}'; exec sleep 100`);
    const child = Bun.spawn([finchBinary, 'tag', 'registry.invalid/app:1', 'app:1'], {
      env: finchEnvironment(bench.home, env),
      stdout: 'ignore',
      stderr: 'pipe',
    });
    while (!(await Bun.file(bench.path('begun')).exists())) await Bun.sleep(10);
    child.kill('SIGINT');
    expect(await child.exited).toBe(130);
    expect(await bench.ok('store verify')).toStartWith('0 names, 0 blobs');
  });

  test('are left out with a note when the machine does not say what it has', async () => {
    await using bench = await machineBench();
    await writeOciArchive(bench.path('hi.tar'), 'hi:1', buildImage());
    await bench.ok('load -q -i hi.tar');
    await mkdir(bench.path('bin'));
    await writeFile(bench.path('bin/nerdctl'), '#!/bin/sh\necho it is broken >&2\nexit 1\n');
    await chmod(bench.path('bin/nerdctl'), 0o755);
    const env = { PATH: `${bench.path('bin')}:${engine.env['PATH']}` };
    const { stdout, stderr, exitCode } = await bench.run(ROWS, { env });
    expect(exitCode).toBe(0);
    expect(stdout).toStartWith('docker.io/library/hi:1 ');
    expect(stderr).toBe(
      'the images of the virtual machine are not known: nerdctl image failed: it is broken\n',
    );
    expectError(await bench.fails('tag nothing:1 x:1', { env }), /nothing:1": not found$/);
  });
});
