import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { layerOf } from '../support/content-store-contract.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { type FragileLink, startFragileLink } from '../support/fragile-link.ts';
import { buildImage } from '../support/images.ts';
import { registryPrograms } from '../support/registry-programs.ts';
import { writeOciArchive } from './support/archives.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const MIB = 1024 * 1024;
const SIZE = 48 * MIB;

/** What a few chunks of TLS, headers and the sockets of this machine hold. */
const SLACK = 8 * MIB;

let bench: Workbench;

beforeAll(async () => {
  bench = await workbench();
  const built = buildImage({ layers: [layerOf(SIZE).bytes] });
  await writeOciArchive(bench.path('image.tar'), 'app:1', built);
  await bench.ok('load -q -i image.tar');
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

interface Target extends AsyncDisposable {
  readonly registry: DockerRegistry;
  readonly link: FragileLink;
  readonly name: string;
}

/** An empty registry behind a link, and the name that the image has for it. */
async function target(program?: string): Promise<Target> {
  const registry = await startDockerRegistry(program === undefined ? {} : { program });
  const link = await startFragileLink(registry.host);
  const name = `${link.host}/app:1`;
  await bench.ok(`tag app:1 ${name}`);
  return {
    ...{ registry, link, name },
    async [Symbol.asyncDispose]() {
      await link[Symbol.asyncDispose]();
      await registry.stop();
    },
  };
}

/** Starts a push, ends it as soon as so many bytes of it went out, and says how many did. */
async function stopAfter(
  bytes: number,
  { link, name }: Target,
  { signal = 'SIGKILL', flags = [] }: { signal?: NodeJS.Signals; flags?: readonly string[] } = {},
) {
  const begin = link.sent();
  const child = Bun.spawn([finchBinary, 'push', ...flags, name], {
    env: finchEnvironment(bench.home),
    ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', detached: true },
  });
  while (link.sent() - begin < bytes && child.exitCode === null) await Bun.sleep(1);
  child.kill(signal);
  await child.exited;
  return link.sent() - begin;
}

/** Pushes, and says how many bytes went out. */
async function push({ link, name }: Target) {
  const begin = link.sent();
  await bench.ok(`push ${name}`);
  return link.sent() - begin;
}

describe.skipIf(!existsSync(registryPrograms.distribution))('a push to distribution v3', () => {
  test.each([1, 9, 20, 30])(
    'that was killed after %d MiB goes on where the registry is',
    async (mib) => {
      await using to = await target(registryPrograms.distribution);
      const first = await stopAfter(mib * MIB, to);
      expect(first).toBeLessThan(SIZE);
      expect(first + (await push(to))).toBeLessThan(SIZE + SLACK);
      await bench.ok(`pull -q ${to.name}`);
    },
  );

  test('that was killed again and again ends some time', async () => {
    await using to = await target(registryPrograms.distribution);
    let sent = 0;
    for (let i = 0; i < 4; i += 1) sent += await stopAfter(MIB, to);
    expect(sent + (await push(to))).toBeLessThan(SIZE + SLACK);
  });

  test('that was interrupted goes on, too', async () => {
    await using to = await target(registryPrograms.distribution);
    const first = await stopAfter(9 * MIB, to, { signal: 'SIGINT' });
    expect(first + (await push(to))).toBeLessThan(SIZE + SLACK);
  });

  test('begins anew where the one before was told to keep nothing', async () => {
    await using to = await target(registryPrograms.distribution);
    await stopAfter(9 * MIB, to, { signal: 'SIGINT', flags: ['--no-resume'] });
    expect(await push(to)).toBeGreaterThan(SIZE);
    const cancelled = /method=DELETE .*uploads.*response\.status=204/;
    expect(
      to.registry
        .log()
        .split('\n')
        .some((line) => cancelled.test(line)),
    ).toBe(true);
  });

  test('over a link that breaks time after time sends next to nothing again', async () => {
    await using to = await target(registryPrograms.distribution);
    for (const at of [5, 12, 13, 25, 37]) to.link.breakAfter(at * MIB);
    expect(await push(to)).toBeLessThan(SIZE + 2 * SLACK);
    await bench.ok(`pull -q ${to.name}`);
  });
});

describe.skipIf(Bun.which('docker-registry') === null)('a push to docker-registry 2.8', () => {
  test('that was killed is done by the next, although nothing of it can be used', async () => {
    await using to = await target();
    await stopAfter(9 * MIB, to);
    await push(to);
    await bench.ok(`pull -q ${to.name}`);
  });
});
