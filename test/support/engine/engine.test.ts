import { expect, test } from 'bun:test';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeOciArchive } from '../../e2e/support/archives.ts';
import { startDockerRegistry } from '../docker-registry.ts';
import { temporaryFolder } from '../temporary.ts';
import { type BusyboxOptions, busyboxImage } from './busybox-image.ts';
import { canRunEngine } from './can-run-engine.ts';
import { hasContainers, mountsBelow } from './end-containers.ts';
import { hasLimactl, limactlValidate } from './limactl.ts';
import { type Engine, startEngine } from './start-engine.ts';

test.skipIf(!canRunEngine)('an engine loads, runs, builds and pushes', async () => {
  await using folder = await temporaryFolder();
  await using registry = await startDockerRegistry();
  await using engine = await startEngine(folder.path);
  expect(await engine.ok(['--version'])).toBe('nerdctl version 2.2.2\n');
  const loaded = await load(engine, folder.path, { says: 'hello, engine' });
  expect(await digestOf(engine, 'docker.io/library/hi:1')).toBe(loaded);
  expect(await engine.ok(['run', '--rm', 'hi:1'])).toBe('hello, engine\n');

  const context = join(folder.path, 'context');
  await mkdir(context);
  await Bun.write(join(context, 'Dockerfile'), 'FROM hi:1\nRUN echo built > /made\n');
  const name = `${registry.host}/made:1`;
  await engine.ok(['build', '--tag', name, '--output', 'type=image,push=true', context]);
  const answer = await fetch(`${registry.origin}/v2/made/manifests/1`, {
    headers: { accept: 'application/vnd.docker.distribution.manifest.v2+json' },
  });
  expect(answer.headers.get('docker-content-digest')).toBe(await digestOf(engine, name));
  expect(await engine.ok(['run', '--rm', '--net', 'none', name, 'cat', '/made'])).toBe('built\n');
});

test.skipIf(!canRunEngine)('two engines at once know nothing of each other', async () => {
  await using one = await temporaryFolder();
  await using other = await temporaryFolder();
  await using first = await startEngine(one.path);
  await using second = await startEngine(other.path);
  await load(first, one.path, { says: 'first' });
  expect(await second.ok(['image', 'ls', '--quiet'])).toBe('');
  await load(second, other.path, { says: 'second' });
  for (const engine of [first, second]) {
    await engine.ok(['run', '--detach', '--name', 'same', 'hi:1', 'sleep', '1000']);
  }
  expect(await first.ok(['run', '--rm', 'hi:1'])).toBe('first\n');
  expect(await second.ok(['run', '--rm', 'hi:1'])).toBe('second\n');
});

test.skipIf(!canRunEngine)('nothing of an engine is left, whatever runs in it', async () => {
  await using folder = await temporaryFolder();
  const engine = await startEngine(folder.path);
  await load(engine, folder.path);
  await engine.ok(['run', '--detach', '--name', 'one', 'hi:1', 'sleep', '1000']);
  await engine.ok(['run', '--detach', '--name', 'two', '--net', 'host', 'hi:1', 'sleep', '1000']);
  const socket = engine.env['CONTAINERD_ADDRESS'] ?? '';
  expect(await hasContainers(socket)).toBe(true);
  // As a test may that is about a containerd that is down.
  await engine.containerd.stop();
  await engine[Symbol.asyncDispose]();
  expect(await hasContainers(socket)).toBe(false);
  expect(await mountsBelow(folder.path)).toEqual([]);
  expect(engine.containerd.isRunning() || engine.buildkitd.isRunning()).toBe(false);
});

test.skipIf(!canRunEngine)(
  'a containerd that was stopped comes back with what it had',
  async () => {
    await using folder = await temporaryFolder();
    await using engine = await startEngine(folder.path);
    const loaded = await load(engine, folder.path);
    await engine.containerd.stop();
    expect((await engine.nerdctl(['image', 'ls'])).exitCode).toBe(1);
    await engine.containerd.start();
    expect(await digestOf(engine, 'hi:1')).toBe(loaded);
    expect((await engine.ctr(['images', 'ls', '--quiet'])).stdout).toBe('docker.io/library/hi:1\n');
  },
);

test.skipIf(!hasLimactl)('limactl says what is wrong with a document', async () => {
  const good = await limactlValidate('images: [{location: /a.img, arch: x86_64}]\n');
  expect(good).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('OK') });
  const bad = await limactlValidate('cpus: many\n');
  expect(bad).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('cannot unmarshal') });
});

/** Loads busybox as `hi:1`, and gives its digest. */
async function load(engine: Engine, folder: string, options?: BusyboxOptions): Promise<string> {
  const image = await busyboxImage(options);
  const archive = join(folder, 'hi.tar');
  await writeOciArchive(archive, 'docker.io/library/hi:1', image);
  await engine.ok(['load', '--input', archive]);
  return image.root.digest;
}

/** What `nerdctl image ls` says that a name leads to. */
async function digestOf(engine: Engine, name: string): Promise<string> {
  const [line] = (await engine.ok(['image', 'ls', '--format', 'json', name])).split('\n');
  const row: { Digest?: unknown } = JSON.parse(line ?? '');
  return String(row.Digest);
}
