import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, relative } from 'node:path';
import { digestOf } from '../../src/oci/digest.ts';
import { writeHelloFinch } from '../demo/hello-finch.ts';
import { CANARY } from '../support/canary.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage, json } from '../support/images.ts';
import { tarFile } from '../support/tar.ts';
import { expectError } from './support/expectations.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { firstLine } from './support/first-line.ts';
import { filesIn } from './support/home-contents.ts';
import { areHere, runProgram } from './support/program.ts';
import { registryBench, type Workbench, workbench } from './support/workbench.ts';

/** Requests that a server got and never answers. */
interface Stall {
  /** Fulfilled when the first of them came. */
  readonly reached: Promise<void>;
  answer(): Promise<Response>;
  /** An answer whose body begins and never ends. */
  begin(status: number): Response;
}

/** What a script gives. */
type Answer = Response | Promise<Response> | undefined;

/** The bit of `localFlags` that makes a terminal echo, on Linux and macOS. */
const ECHO = 0x8;

function stall(): Stall {
  const reached = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    answer() {
      reached.resolve();
      return new Promise<Response>(() => {});
    },
    begin(status) {
      reached.resolve();
      const body = new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array(10)) });
      return new Response(body, { status });
    },
  };
}

/** Sends a client to the token server on the same host. */
function challenge(url: string): Response {
  const realm = new URL('/token', url).href;
  return new Response(null, {
    status: 401,
    headers: { 'www-authenticate': `Bearer realm="${realm}"` },
  });
}

/** Waits until there is a file in a home that was not there before. */
async function newFile(home: string, before: Readonly<Record<string, string>>): Promise<void> {
  const known = new Set(Object.keys(before));
  for (;;) {
    const names = await readdir(home, { recursive: true, withFileTypes: true });
    const isNew = names.some(
      (one) =>
        one.isFile() &&
        !/-(?:wal|shm)$/.test(one.name) &&
        !known.has(relative(home, join(one.parentPath, one.name))),
    );
    if (isNew) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Runs finch, sends it a signal once a request has stalled, and waits for its end. */
async function interrupted(
  { home }: Workbench,
  args: readonly string[],
  { stalled, signal, stdin = '' }: { stalled: Stall; signal: NodeJS.Signals; stdin?: string },
) {
  const child = Bun.spawn([finchBinary, ...args], {
    env: finchEnvironment(home),
    stdin: new TextEncoder().encode(stdin),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  await stalled.reached;
  child.kill(signal);
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, last: stderr.trimEnd().split('\n').at(-1), exitCode };
}

const ended = { stdout: '', last: 'finch: interrupted', exitCode: 130 };

/** How a push ends that has begun: there is something to go on with. */
const goesOn = (name: string) => ({ ...ended, last: `hint: go on with: finch push ${name}` });

/** A bench with `hello-finch:latest` in its store. */
async function benchWithImage(): Promise<Workbench> {
  const bench = await workbench();
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -q -i hello-finch.tar');
  return bench;
}

describe('an interrupt', () => {
  test('ends a push to a server that never answers with 130, and the store stays usable', async () => {
    await using bench = await benchWithImage();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      const stalled = stall();
      await using registry = startFakeRegistry({ script: stalled.answer });
      const name = `${registry.host}/hello-finch:latest`;
      await bench.ok(`tag hello-finch ${name}`);
      const before = await filesIn(bench.home);
      expect(await interrupted(bench, ['push', name], { stalled, signal })).toEqual(goesOn(name));
      expect(await filesIn(bench.home)).toEqual(before);
      expect(await bench.ok('images -q hello-finch')).toMatch(/^(?:[0-9a-f]{12}\n){2}$/);
    }
  });

  test.skipIf(!areHere('docker-registry'))(
    'in the middle of an upload ends with 130, and the image can be pushed elsewhere',
    async () => {
      await using bench = await registryBench();
      await writeHelloFinch(bench.path('hello-finch.tar'));
      await bench.ok('load -q -i hello-finch.tar');
      const stalled = stall();
      await using registry = startFakeRegistry({
        script: (request) => (request.method === 'PUT' ? stalled.answer() : undefined),
      });
      await bench.ok(`tag hello-finch ${registry.host}/hello-finch`);
      const args = ['push', `${registry.host}/hello-finch`];
      const name = `${registry.host}/hello-finch`;
      expect(await interrupted(bench, args, { stalled, signal: 'SIGINT' })).toEqual(goesOn(name));
      await bench.ok(`tag hello-finch ${bench.registry.host}/hello-finch`);
      await bench.ok(`push ${bench.registry.host}/hello-finch`);
    },
  );

  test('that comes twice ends a push at once, whatever it is still about to tidy up', async () => {
    await using bench = await benchWithImage();
    const [sending, tidying] = [stall(), stall()];
    await using registry = startFakeRegistry({
      script: ({ method }) =>
        method === 'PUT' ? sending.answer() : method === 'DELETE' ? tidying.answer() : undefined,
    });
    const name = `${registry.host}/hello-finch`;
    await bench.ok(`tag hello-finch ${name}`);
    const child = Bun.spawn([finchBinary, 'push', '--no-resume', '-q', name], {
      env: finchEnvironment(bench.home),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await sending.reached;
    child.kill('SIGINT');
    await tidying.reached;
    child.kill('SIGINT');
    expect(await child.exited).toBe(130);
    expect(await child.stdout.text()).toBe('');
    expect(await bench.ok('images -q hello-finch')).toMatch(/^(?:[0-9a-f]{12}\n){2}$/);
  });

  test('in the middle of a pull ends with 130 and leaves nothing of it in the store', async () => {
    await using bench = await benchWithImage();
    const built = buildImage();
    const stalled = stall();
    // Everything comes but the layer.
    const layer = built.order[0]?.digest ?? '';
    await using registry = startFakeRegistry({
      script: ({ method }, { pathname }) =>
        method === 'GET' && pathname.endsWith(layer) ? stalled.answer() : undefined,
    });
    for (const [digest, bytes] of built.blobs) registry.blobs.set(digest, new Uint8Array(bytes));
    const { root } = built;
    const manifest = {
      mediaType: root.mediaType,
      bytes: new Uint8Array(built.blobs.get(root.digest) ?? []),
    };
    registry.manifests.set('app:1', manifest).set(`app@${root.digest}`, manifest);
    const before = await filesIn(bench.home);
    const args = ['pull', '--platform', 'linux/amd64', `${registry.host}/app:1`];
    expect(await interrupted(bench, args, { stalled, signal: 'SIGINT' })).toEqual(ended);
    expect(await filesIn(bench.home)).toEqual(before);
  });

  // What of a pull comes; the rest never does.
  const moments: Readonly<Record<string, (request: Request, stalled: Stall) => Answer>> = {
    'while it asks what a tag names': ({ method }, stalled) =>
      method === 'HEAD' ? stalled.answer() : undefined,
    'while it waits for a manifest': ({ method }, stalled) =>
      method === 'HEAD' ? new Response(null, { status: 405 }) : stalled.answer(),
    'while it waits for a token': ({ url }, stalled) =>
      url.includes('/token') ? stalled.answer() : challenge(url),
    'in the middle of the text of an error': (_, stalled) => stalled.begin(403),
    'in the middle of a body that nobody wants': (_, stalled) => stalled.begin(404),
    'in the middle of a manifest': ({ method }, stalled) =>
      method === 'HEAD' ? new Response(null, { status: 405 }) : stalled.begin(200),
  };
  for (const [moment, script] of Object.entries(moments)) {
    test(`of a pull ${moment} ends it with 130, and nothing of it stays`, async () => {
      await using bench = await benchWithImage();
      const before = await filesIn(bench.home);
      const stalled = stall();
      await using registry = startFakeRegistry({ script: (request) => script(request, stalled) });
      const ending = { stalled, signal: 'SIGTERM' } as const;
      expect(await interrupted(bench, ['pull', `${registry.host}/app:1`], ending)).toEqual(ended);
      expect(await filesIn(bench.home)).toEqual(before);
    });
  }

  test('of a login while the registry or its token server is silent ends it with 130, and nothing is kept', async () => {
    await using bench = await workbench();
    const silent: Readonly<Record<string, (request: Request, stalled: Stall) => Answer>> = {
      registry: (_, stalled) => stalled.answer(),
      'token server': ({ url }, stalled) =>
        url.includes('/token') ? stalled.answer() : challenge(url),
    };
    for (const script of Object.values(silent)) {
      const stalled = stall();
      await using registry = startFakeRegistry({ script: (request) => script(request, stalled) });
      const args = ['login', '-u', 'me', '--password-stdin', registry.host];
      const ending = { stalled, signal: 'SIGINT', stdin: CANARY } as const;
      expect(await interrupted(bench, args, ending)).toEqual(ended);
      expect(await filesIn(bench.home)).toEqual({});
    }
  });

  test('while finch asks for a password gives the echo back, also when it comes twice', async () => {
    await using bench = await workbench();
    const endings = [
      ['SIGINT'],
      ['SIGTERM'],
      ['SIGHUP'],
      ['SIGQUIT'],
      ['SIGINT', 'SIGTERM'],
    ] as const;
    for (const signals of endings) {
      let screen = '';
      const asked = Promise.withResolvers<void>();
      const child = Bun.spawn([finchBinary, 'login', '-u', 'me', 'registry.invalid'], {
        env: { ...finchEnvironment(bench.home), TERM: 'xterm' },
        terminal: {
          data(_, bytes) {
            screen += new TextDecoder().decode(bytes);
            if (screen.includes('Enter Password: ')) asked.resolve();
          },
        },
      });
      await asked.promise;
      const echoes = () => ((child.terminal?.localFlags ?? 0) & ECHO) !== 0;
      expect(echoes()).toBe(false);
      for (const signal of signals) child.kill(signal);
      expect(await child.exited).toBe(130);
      expect(echoes()).toBe(true);
      child.terminal?.close();
      if (signals.length === 1) expect(screen).toContain('finch: interrupted');
      expect(await filesIn(bench.home)).toEqual({});
    }
  });

  test('while finch compresses a layer ends with 130 and leaves nothing of it in the store', async () => {
    await using bench = await benchWithImage();
    const layer = new Uint8Array(64 * 1024 * 1024);
    for (let at = 0; at < layer.length; at += 65_536) {
      crypto.getRandomValues(layer.subarray(at, at + 65_536));
    }
    const tar = tarFile([{ name: 'noise', bytes: layer }]);
    const config = json({
      ...{ os: 'linux', architecture: 'amd64' },
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    });
    const manifest = [{ Config: 'config.json', RepoTags: ['noise:1'], Layers: ['layer.tar'] }];
    const archive = tarFile([
      { name: 'manifest.json', bytes: json(manifest) },
      { name: 'config.json', bytes: config },
      { name: 'layer.tar', bytes: tar },
    ]);
    await Bun.write(bench.path('noise.tar'), archive);
    const before = await filesIn(bench.home);
    const child = Bun.spawn([finchBinary, 'load', '-i', bench.path('noise.tar')], {
      env: finchEnvironment(bench.home),
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    await newFile(bench.home, before);
    child.kill('SIGTERM');
    expect(await child.exited).toBe(130);
    expect((await child.stderr.text()).trimEnd().split('\n').at(-1)).toBe('finch: interrupted');
    expect(await filesIn(bench.home)).toEqual(before);
    expect(await bench.ok('images -q hello-finch')).toMatch(/^(?:[0-9a-f]{12}\n){2}$/);
  });

  test('that comes a second time ends a server at once that waits for an upload', async () => {
    await using bench = await workbench();
    const child = Bun.spawn([finchBinary, 'registry', 'serve', '--listen', '127.0.0.1:0'], {
      env: finchEnvironment(bench.home),
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const url = (await firstLine(child.stdout)).replace('listening on ', '');
    const opened = await fetch(`${url}/v2/app/blobs/uploads/`, { method: 'POST' });
    const before = await filesIn(bench.home);
    const { pathname, port } = new URL(opened.headers.get('location') ?? '', url);
    const upload = connect(Number(port), '127.0.0.1').on('error', () => {});
    upload.write(
      `PATCH ${pathname} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9999999\r\n\r\n`,
    );
    upload.write(new Uint8Array(3 * 1024 * 1024));
    while (Bun.deepEquals(await filesIn(bench.home), before)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    child.kill('SIGTERM');
    child.kill('SIGINT');
    expect(await child.exited).toBe(130);
    upload.destroy();
    await bench.ok('images');
  });

  test('while finch waits for the rest of an archive on stdin ends with 130 and leaves nothing of it in the store', async () => {
    await using bench = await benchWithImage();
    await bench.ok('rmi hello-finch');
    const before = await filesIn(bench.home);
    const child = Bun.spawn([finchBinary, 'load'], {
      env: finchEnvironment(bench.home),
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const archive = await Bun.file(bench.path('hello-finch.tar')).bytes();
    child.stdin.write(archive.subarray(0, 3000));
    await child.stdin.flush();
    // What came so far is in a file; from then on finch waits for more, which never comes.
    await newFile(bench.home, before);
    child.kill('SIGINT');
    expect(await child.exited).toBe(130);
    expect(await child.stderr.text()).toBe('finch: interrupted\n');
    expect(await filesIn(bench.home)).toEqual(before);
  });
});

// /dev/full is a device of Linux.
describe.skipIf(!existsSync('/dev/full'))('a place to write to', () => {
  test('that is full is one error, and the command is done or not done', async () => {
    await using bench = await benchWithImage();
    const run = (line: string) =>
      runProgram(['sh', '-c', `"$FINCH" ${line} >/dev/full`], {
        env: { ...finchEnvironment(bench.home), FINCH: finchBinary },
      });
    for (const line of [
      'images',
      'images --help',
      'version',
      '--version',
      'load -q -i hello.tar',
    ]) {
      const { exitCode, stderr } = await run(
        line.replace('hello.tar', bench.path('hello-finch.tar')),
      );
      expect(exitCode).toBe(1);
      expectError(stderr, /^finch: cannot write stdout: /, /./);
    }
  });

  test('whose reader has gone is no error', async () => {
    await using bench = await benchWithImage();
    for (let i = 0; i < 3; i += 1) await bench.ok(`tag hello-finch hello-finch:${i}`);
    for (const line of ['images', '--help', '--version', 'load -i hello.tar']) {
      const command = line.replace('hello.tar', bench.path('hello-finch.tar'));
      const script = `{ "$FINCH" ${command}; echo "$?" >&3; } 3>&1 1>&4 | cat`;
      const { stdout, stderr } = await runProgram(
        ['sh', '-c', `{ { ${script}; } 4>&1 | true; } 3>&1`],
        { env: { ...finchEnvironment(bench.home), FINCH: finchBinary } },
      );
      expect(stderr).not.toContain('finch: ');
      expect(stdout === '' || stdout === '0\n').toBe(true);
    }
  });
});
