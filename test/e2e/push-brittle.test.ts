import { Database } from 'bun:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startUploadLink } from '../soak/upload-link.ts';
import { CANARY } from '../support/canary.ts';
import { layerOf } from '../support/content-store-contract.ts';
import { couriersOf, noCouriers } from '../support/couriers.ts';
import { type DockerRegistryOptions, startDockerRegistry } from '../support/docker-registry.ts';
import { buildImage } from '../support/images.ts';
import { registryPrograms } from '../support/registry-programs.ts';
import { writeOciArchive } from './support/archives.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const MIB = 1024 * 1024;
const SIZE = 80 * MIB;

/** What HTTP adds to all that is sent, and the bytes by which a registry shows that it is brittle. */
const SLACK = 512 * 1024;

let bench: Workbench;

beforeAll(async () => {
  bench = await workbench();
  const built = buildImage({ layers: [layerOf(SIZE).bytes] });
  await writeOciArchive(bench.path('image.tar'), 'app:1', built);
  await bench.ok('load -q -i image.tar');
});
afterAll(async () => {
  await noCouriers(bench.home);
  await bench[Symbol.asyncDispose]();
});

/** A registry behind a link that is so slow that a chunk takes a while, and the name of the image there. */
async function target(options: DockerRegistryOptions = {}) {
  await using stack = new AsyncDisposableStack();
  const registry = stack.use(await startDockerRegistry(options));
  const link = stack.use(startUploadLink(registry.host, { bytesPerSecond: 100e6 }));
  const name = `${link.host}/app:1`;
  await bench.ok(`tag app:1 ${name}`);
  const all = stack.move();
  return { registry, link, name, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

type Target = Awaited<ReturnType<typeof target>>;

/** Who may trust the certificate of the registry, if it has one. */
const trusting = ({ registry: { ca } }: Target): Record<string, string> =>
  ca === undefined ? {} : { SSL_CERT_FILE: ca };

function start(to: Target, flags: readonly string[] = []) {
  return Bun.spawn([finchBinary, 'push', ...flags, to.name], {
    env: finchEnvironment(bench.home, trusting(to)),
    ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', detached: true },
  });
}

/** Starts a push, and ends it as soon as so many bytes went up in all. */
async function stopAt(
  bytes: number,
  to: Target,
  { signal = 'SIGKILL', flags }: { signal?: NodeJS.Signals; flags?: readonly string[] } = {},
) {
  const child = start(to, flags);
  while (to.link.bytesUp < bytes && child.exitCode === null) await Bun.sleep(1);
  child.kill(signal);
  await child.exited;
  expect(child.exitCode).not.toBe(0);
}

/** How many lines of the registry's log are requests like this. */
const logged = ({ registry }: Target, line: RegExp) =>
  registry
    .log()
    .split('\n')
    .filter((one) => line.test(one) && one.includes('response completed')).length;

describe.skipIf(Bun.which('docker-registry') === null)('a push to docker-registry 2.8', () => {
  test.each([3, 20, 42, 79])(
    'that was killed after %d MiB is gone on with at once, and sends nothing twice',
    async (mib) => {
      await using to = await target();
      await stopAt(mib * MIB, to);
      await bench.ok(`push ${to.name}`);
      expect(to.link.bytesUp).toBeLessThan(SIZE + SLACK);
      await noCouriers(bench.home);
      await bench.ok(`pull -q ${to.name}`);
    },
  );

  test('over TLS that was killed is gone on with as well', async () => {
    await using to = await target({ tls: true });
    await stopAt(30 * MIB, to);
    await bench.ok(`push ${to.name}`, { env: trusting(to) });
    expect(to.link.bytesUp).toBeLessThan(SIZE + SLACK);
    await noCouriers(bench.home);
  });

  test('at a limited rate that was killed is gone on with as well', async () => {
    await using to = await target();
    const flags = ['--limit-rate', '80M'];
    await stopAt(30 * MIB, to, { flags });
    await bench.ok(`push ${flags.join(' ')} ${to.name}`);
    expect(to.link.bytesUp).toBeLessThan(SIZE + SLACK);
    await noCouriers(bench.home);
  });

  test('that was killed again and again, and interrupted, sends nothing twice either', async () => {
    await using to = await target();
    for (const mib of [10, 25, 45]) await stopAt(mib * MIB, to);
    await stopAt(65 * MIB, to, { signal: 'SIGINT' });
    await bench.ok(`push ${to.name}`);
    expect(to.link.bytesUp).toBeLessThan(SIZE + SLACK);
    await noCouriers(bench.home);
  });

  test('ends well when its courier is killed', async () => {
    await using to = await target();
    const child = start(to);
    while (to.link.bytesUp < 20 * MIB) await Bun.sleep(1);
    for (const { pid } of couriersOf(bench.home)) process.kill(pid, 'SIGKILL');
    expect(await child.exited).toBe(0);
    await noCouriers(bench.home);
    await bench.ok(`pull -q ${to.name}`);
  });

  test('finds out only once that it is brittle, and tells nobody of the login', async () => {
    await using to = await target({ htpasswd: { me: CANARY } });
    await bench.ok(`login -u me --password-stdin ${to.link.host}`, { stdin: CANARY });
    const child = start(to);
    while (to.link.bytesUp < 20 * MIB) await Bun.sleep(1);
    const seen = couriersOf(bench.home).map((one) => `${one.commandLine}${one.environment}`);
    expect(await child.exited).toBe(0);
    expect(seen).toHaveLength(1);
    expect(seen.some((one) => one.includes(CANARY))).toBe(false);
    // What it remembers of places would have it mount the layer.
    using memory = new Database(join(bench.home, 'registries.db'));
    memory.run('DELETE FROM places');
    const other = to.name.replace('app:1', 'other:1');
    await bench.ok(`tag app:1 ${other}`);
    await bench.ok(`push ${other}`);
    expect(to.link.bytesUp).toBeGreaterThan(2 * SIZE);
    expect(logged(to, /method=GET .*uploads/)).toBe(1);
    await bench.ok(`logout ${to.link.host}`);
    await noCouriers(bench.home);
  });

  test('needs no courier with --no-resume', async () => {
    await using to = await target();
    const child = start(to, ['--no-resume']);
    while (to.link.bytesUp < 20 * MIB) await Bun.sleep(1);
    expect(couriersOf(bench.home)).toEqual([]);
    expect(await child.exited).toBe(0);
  });
});

describe.skipIf(!existsSync(registryPrograms.distribution))('a push to distribution v3', () => {
  test('shows that it needs no courier, and goes on in one request', async () => {
    await using to = await target({ program: registryPrograms.distribution });
    const child = start(to);
    while (to.link.bytesUp < 20 * MIB) await Bun.sleep(1);
    expect(couriersOf(bench.home)).toEqual([]);
    expect(await child.exited).toBe(0);
    expect(to.link.bytesUp).toBeLessThan(SIZE + SLACK);
    await bench.ok(`pull -q ${to.name}`);
  });
});
