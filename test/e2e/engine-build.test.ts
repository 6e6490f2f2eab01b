import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { busyboxImage } from '../support/engine/busybox-image.ts';
import { canRunEngine } from '../support/engine/can-run-engine.ts';
import { type Engine, startEngine } from '../support/engine/start-engine.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { writeOciArchive } from './support/archives.ts';
import { finchOnTerminal } from './support/dialogue.ts';
import { blobsIn } from './support/home-contents.ts';
import { type Workbench, workbench } from './support/workbench.ts';

/** A workbench whose machine is this Linux, with a real engine. */
async function realBench({ env }: Engine): Promise<Workbench> {
  const bench = await workbench(env);
  await Bun.write(join(bench.home, 'finch.yaml'), 'vmType: native\n');
  const context = bench.path('context');
  await mkdir(context);
  await Bun.write(join(context, 'Dockerfile'), 'FROM scratch\nCOPY hello /hello\n');
  await Bun.write(join(context, 'hello'), `hello from ${bench.home}\n`);
  return {
    ...bench,
    async [Symbol.asyncDispose]() {
      await bench.run('vm stop --force');
      await bench[Symbol.asyncDispose]();
    },
  };
}

const LIST = ['images', '--no-trunc', '--format', '{{.Name}} {{.Platform}} {{.ID}}'];

describe.skipIf(!canRunEngine)('with a real engine', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let engine: Engine;

  beforeAll(async () => {
    folder = await temporaryFolder();
    engine = await startEngine(folder.path);
  });

  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** The digest that the engine has for a name. */
  async function digestInEngine(name: string): Promise<string> {
    const lines = await engine.ok([
      'image',
      'ls',
      '--no-trunc',
      '--format',
      '{{.Name}} {{.Digest}}',
    ]);
    return (
      lines
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1] ?? ''
    );
  }

  test('finch build -t brings the image into the store under all its names', async () => {
    await using bench = await realBench(engine);
    await bench.ok('build -t hello-finch -t hello-finch:2 --tag=localhost:5999/team/x:1 context');
    const digest = await digestInEngine('docker.io/library/hello-finch:latest');
    expect(digest).toMatch(/^sha256:/);
    const platform = `linux/${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;
    expect((await bench.ok(LIST)).trimEnd().split('\n').toSorted()).toEqual([
      `docker.io/library/hello-finch:2 ${platform} ${digest}`,
      `docker.io/library/hello-finch:latest ${platform} ${digest}`,
      `localhost:5999/team/x:1 ${platform} ${digest}`,
    ]);
    expect(await engine.ok(['image', 'ls', '--format', '{{.Name}}'])).not.toContain('127.0.0.1');
  });

  test('finch build of several platforms brings them all', async () => {
    await using bench = await realBench(engine);
    await bench.ok('build --platform linux/amd64,linux/arm64 -qt several:1 context');
    const rows = (await bench.ok([...LIST, 'several:1'])).trimEnd().split('\n');
    const digest = await digestInEngine('docker.io/library/several:1');
    expect(rows).toEqual([
      `docker.io/library/several:1 linux/amd64 ${digest}`,
      `docker.io/library/several:1 linux/arm64 ${digest}`,
    ]);
  });

  test('a build again gives the name to the new image, here and in the engine', async () => {
    await using bench = await realBench(engine);
    await bench.ok('build -t again context');
    const before = await digestInEngine('docker.io/library/again:latest');
    await Bun.write(bench.path('context/hello'), 'changed\n');
    await bench.ok('build -t again context');
    const after = await digestInEngine('docker.io/library/again:latest');
    expect(after).not.toBe(before);
    expect(await bench.ok([...LIST, 'again'])).toContain(after);
  });

  test('a build that fails ends with its status and names nothing', async () => {
    await using bench = await realBench(engine);
    await Bun.write(bench.path('context/Dockerfile'), 'FROM scratch\nCOPY missing /\n');
    const { stdout, stderr, exitCode } = await bench.run('build -t broken:1 context');
    expect([stdout, exitCode]).toEqual(['', 1]);
    expect(stderr).not.toContain('finch: ');
    expect(await bench.ok([...LIST, 'broken:1'])).toBe('');
  });

  test('finch run gets from the store what the engine has not', async () => {
    await using bench = await realBench(engine);
    const image = await busyboxImage({ says: 'from the store' });
    const path = await writeOciArchive(bench.path('image.tar'), 'docker.io/library/said:1', image);
    await bench.ok(['load', '-q', '-i', path]);
    await bench.ok('tag said:1 registry.invalid/team/said:1');
    const run = 'run --rm --net none registry.invalid/team/said:1';
    expect(await bench.ok(run)).toBe('from the store\n');
    const { exitCode } = await bench.run([...run.split(' '), 'sh', '-c', 'exit 7']);
    expect(exitCode).toBe(7);
  });

  test('finch run takes what a name stands for now, not what the engine once got by it', async () => {
    await using bench = await realBench(engine);
    for (const says of ['old', 'new']) {
      const image = await busyboxImage({ says });
      const path = await writeOciArchive(bench.path('image.tar'), 'docker.io/library/v:1', image);
      await bench.ok(['load', '-q', '-i', path]);
      expect(await bench.ok('run --rm --net none v:1')).toBe(`${says}\n`);
    }
  });

  test('finch build is built on images that only finch has', async () => {
    await using bench = await realBench(engine);
    const image = await busyboxImage({ says: 'from the base' });
    const path = await writeOciArchive(bench.path('image.tar'), 'docker.io/library/base:1', image);
    await bench.ok(['load', '-q', '-i', path]);
    await bench.ok('tag base:1 registry.invalid/team/base:1');
    const dockerfile = bench.path('context/other.dockerfile');
    await Bun.write(dockerfile, 'FROM registry.invalid/team/base:1\nCOPY hello /elsewhere\n');
    await bench.ok('build -f context/other.dockerfile -t on-base:1 context');
    expect(await bench.ok('run --rm --net none on-base:1')).toBe('from the base\n');
  });

  /** Gives a name to an image of the store that says something when it is run. */
  async function load(bench: Workbench, name: string, says: string): Promise<void> {
    const image = await busyboxImage({ says });
    const path = await writeOciArchive(bench.path('image.tar'), name, image);
    await bench.ok(['load', '-q', '-i', path]);
  }

  test('finch run takes the newest also of an image that the engine knows by several names', async () => {
    await using bench = await realBench(engine);
    await load(bench, 'docker.io/library/names:1', 'old');
    await bench.ok('tag names:1 names:latest');
    await bench.ok('run --rm --net none names:1');
    await bench.ok('run --rm --net none names');
    await load(bench, 'docker.io/library/names:1', 'new');
    expect(await bench.ok('run --rm --net none names:1')).toBe('new\n');
    expect(await bench.ok('run --rm --net none names')).toBe('old\n');
  });

  test('finch inspect, history and image inspect tell of images that only finch has', async () => {
    await using bench = await realBench(engine);
    for (const [i, words] of [
      ['image', 'inspect'],
      ['inspect'],
      ['history'],
      ['image', 'history'],
    ].entries()) {
      await load(bench, `docker.io/library/told${i}:1`, `told ${i}`);
      const { exitCode, stdout } = await bench.run([...words, `told${i}:1`]);
      expect([words, exitCode, stdout.length > 0]).toEqual([words, 0, true]);
    }
    await load(bench, 'docker.io/library/byid:1', 'by id');
    const id = (await bench.ok('images -q byid:1')).trim();
    expect(await bench.ok(['image', 'inspect', '--format', '{{.RepoTags}}', id])).toBe(
      '[byid:1]\n',
    );
  });

  test('finch inspect of a container tells of no image that only finch has', async () => {
    await using bench = await realBench(engine);
    await load(bench, 'docker.io/library/box:1', 'a box');
    await bench.ok('create --net none --name boxed box:1');
    await load(bench, 'docker.io/library/boxed:latest', 'another');
    const entries: unknown[] = JSON.parse(await bench.ok('inspect boxed'));
    expect(entries.length).toBe(1);
    await bench.ok('rm boxed');
  });

  test('finch build knows its base by arguments, and from a Dockerfile on stdin', async () => {
    await using bench = await realBench(engine);
    for (const name of ['standard', 'given', 'piped']) {
      await load(bench, `registry.invalid/team/${name}:1`, name);
    }
    await Bun.write(
      bench.path('context/Dockerfile'),
      'ARG R=registry.invalid/team\nARG B=$R/standard:1\nFROM $B\nCOPY hello /elsewhere\n',
    );
    await bench.ok('build -t args:1 context');
    expect(await bench.ok('run --rm --net none args:1')).toBe('standard\n');
    await bench.ok('build -t args:2 --build-arg B=registry.invalid/team/given:1 context');
    expect(await bench.ok('run --rm --net none args:2')).toBe('given\n');
    const stdin = 'FROM registry.invalid/team/piped:1\nCOPY hello /elsewhere\n';
    await bench.ok('build -t args:3 -f - context', { stdin });
    expect(await bench.ok('run --rm --net none args:3')).toBe('piped\n');
  });

  test('finch compose takes what names stand for now, and gets what only finch has', async () => {
    await using bench = await realBench(engine);
    await Bun.write(
      bench.path('context/compose.yaml'),
      [
        'services:',
        '  one: {image: "registry.invalid/team/composed:1", network_mode: none}',
        '  two: {build: {context: ., args: {B: "registry.invalid/team/under:1"}}, network_mode: none}',
      ].join('\n'),
    );
    await Bun.write(bench.path('context/Dockerfile'), 'ARG B\nFROM $B\nCOPY hello /elsewhere\n');
    await load(bench, 'registry.invalid/team/under:1', 'under');
    const cwd = bench.path('context');
    for (const says of ['old', 'new']) {
      await load(bench, 'registry.invalid/team/composed:1', says);
      const up = await bench.run('compose up --build --force-recreate --no-log-prefix', { cwd });
      expect([up.exitCode, up.stdout.split('\n').toSorted().join(' ').trim()]).toEqual([
        0,
        `${says} under`,
      ]);
    }
    await bench.ok('compose down', { cwd });
  });

  test.skipIf(Bun.which('docker-registry') === null)(
    'finch build --push sends what it built to the registry that its name says',
    async () => {
      await using root = await temporaryFolder();
      const registry = await startDockerRegistry({ root: root.path });
      try {
        await using bench = await realBench(engine);
        const name = `${registry.host}/team/sent:1`;
        const said = await bench.ok(['build', '--push', '-t', name, 'context']);
        const digest = await digestInEngine(name);
        expect(said).toEndWith(
          `${name}: digest: ${digest} size: ${/size: (\d+)/.exec(said)?.[1]}\n`,
        );
        const url = `http://${registry.host}/v2/team/sent/manifests/1`;
        const headers = { accept: 'application/vnd.docker.distribution.manifest.v2+json' };
        const answer = await fetch(url, { method: 'HEAD', headers });
        expect(answer.headers.get('docker-content-digest')).toBe(digest);
      } finally {
        await registry.stop();
      }
    },
  );

  test('finch system prune frees what builds left behind', async () => {
    await using bench = await realBench(engine);
    await bench.ok('build -t left context');
    const before = (await digestInEngine('docker.io/library/left:latest')).replace('sha256:', '');
    await Bun.write(bench.path('context/hello'), 'x'.repeat(100_000));
    await bench.ok('build -t left context');
    await bench.ok('system prune --force');
    expect(await bench.ok('images -q --no-trunc left')).not.toContain(before);
    expect(await blobsIn(bench.home)).not.toContain(`sha256:${before}`);
  });

  test('finch run -it gives the terminal to the container, with its size', async () => {
    await using bench = await realBench(engine);
    const image = await busyboxImage();
    const path = await writeOciArchive(bench.path('image.tar'), 'docker.io/library/term:1', image);
    await bench.ok(['load', '-q', '-i', path]);
    await bench.ok('run --rm --net none term:1 true');
    const words = ['run', '--rm', '-it', '--net', 'none', 'term:1', 'sh', '-c'];
    // The size comes a moment after the container has begun.
    const sized = 'until [ "$(stty size 2>/dev/null)" = "24 160" ]; do sleep 0.1; done; echo sized';
    const script = `${sized}; trap 'exit 3' INT; echo ready; while :; do sleep 0.1; done`;
    const { screen, exitCode } = await finchOnTerminal([...words, script], {
      ...{ home: bench.home, env: engine.env },
      answers: [{ when: 'ready', type: '\u0003' }],
    });
    expect(screen).toContain('sized\r\nready');
    expect(exitCode).toBe(3);
  });
});
