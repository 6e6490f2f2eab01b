import { describe, expect, test } from 'bun:test';
import { writeHelloFinch } from '../demo/hello-finch.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage } from '../support/images.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { filesIn } from './support/home-contents.ts';
import { areHere } from './support/program.ts';
import { registryBench, type Workbench, workbench } from './support/workbench.ts';

/** Requests that a server got and never answers. */
interface Stall {
  /** Fulfilled when the first of them came. */
  readonly reached: Promise<void>;
  answer(): Promise<Response>;
}

function stall(): Stall {
  const reached = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    answer() {
      reached.resolve();
      return new Promise<Response>(() => {});
    },
  };
}

/** Runs finch, sends it a signal once a request has stalled, and waits for its end. */
async function interrupted(
  { home }: Workbench,
  args: readonly string[],
  { stalled, signal }: { stalled: Stall; signal: NodeJS.Signals },
) {
  const child = Bun.spawn([finchBinary, ...args], {
    env: finchEnvironment(home),
    stdin: 'ignore',
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
      expect(await interrupted(bench, ['push', name], { stalled, signal })).toEqual(ended);
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
      expect(await interrupted(bench, args, { stalled, signal: 'SIGINT' })).toEqual(ended);
      await bench.ok(`tag hello-finch ${bench.registry.host}/hello-finch`);
      await bench.ok(`push ${bench.registry.host}/hello-finch`);
    },
  );

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
    while (Object.keys(await filesIn(bench.home)).length === Object.keys(before).length) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    child.kill('SIGINT');
    expect(await child.exited).toBe(130);
    expect(await child.stderr.text()).toBe('finch: interrupted\n');
    expect(await filesIn(bench.home)).toEqual(before);
  });
});
