import { Database } from 'bun:sqlite';
import { describe, expect, test } from 'bun:test';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { BODY, expectOneWriter, STATUS } from '../client/sending.ts';
import { layerOf } from '../support/content-store-contract.ts';
import { type FaultyRegistry, startFaultyRegistry } from '../support/faulty-registry.ts';
import type { RegistryProfile } from '../support/faulty-registry-profiles.ts';
import { type Built, buildImage, layerTar } from '../support/images.ts';
import { tarFile } from '../support/tar.ts';
import { writeOciArchive } from './support/archives.ts';
import { expectError } from './support/expectations.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { type Workbench, workbench } from './support/workbench.ts';

/** What the registry has of the large layer when it stops reading. */
const KEPT = 12_000_000;

const image = buildImage({
  layers: [tarFile([{ name: 'large', bytes: layerOf(30_000_000).bytes }]), layerTar('small')],
});
const large = image.order.reduce((most, one) => (one.size > most.size ? one : most));

/** finch with an image in its store, and a registry with faults that the image's name is of. */
interface Bench extends Workbench {
  readonly registry: FaultyRegistry;
  readonly name: string;
}

async function pushBench(profile: RegistryProfile = {}): Promise<Bench> {
  const registry = await startFaultyRegistry({ profile });
  const bench = await workbench();
  await writeOciArchive(bench.path('image.tar'), 'app:1', image);
  await bench.ok('load -q -i image.tar');
  const name = `${registry.host}/app:1`;
  await bench.ok(`tag app:1 ${name}`);
  return {
    ...bench,
    registry,
    name,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await bench[Symbol.asyncDispose]();
    },
  };
}

/** Starts a push; the registry stops reading in the middle of the large layer, and there the push is left. */
async function stuckPush(bench: Bench, flags: readonly string[] = []) {
  bench.registry.faults.add({ on: BODY, does: 'stall', after: KEPT });
  const child = Bun.spawn([finchBinary, 'push', ...flags, bench.name], {
    env: finchEnvironment(bench.home),
    ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', detached: true },
  });
  const isStuck = () =>
    bench.registry.log.some(({ line, bodyBytes }) => BODY.test(line) && bodyBytes === KEPT);
  while (!isStuck() && child.exitCode === null) await Bun.sleep(5);
  return {
    child,
    async end(...signals: readonly NodeJS.Signals[]) {
      for (const signal of signals) {
        child.kill(signal);
        await Promise.race([child.exited, Bun.sleep(300)]);
      }
      const exitCode = await child.exited;
      bench.registry.faults.clear();
      return { exitCode, stderr: await child.stderr.text() };
    },
  };
}

/** Checks that the registry has all of an image under its tag. */
function expectThere({ state }: FaultyRegistry, built: Built = image): void {
  const { blobs, manifests, tags } = state.repository('app');
  for (const { digest } of built.order) {
    const bytes = blobs.get(digest) ?? manifests.get(digest)?.bytes ?? Buffer.from('missing');
    expect([digest, Buffer.compare(bytes, built.blobs.get(digest) ?? Buffer.of())]).toEqual([
      digest,
      0,
    ]);
  }
  expect(tags.get('1')).toBe(built.root.digest);
}

/** The uploads that finch has written down. */
function journal({ home }: Workbench, change?: string): readonly { location: string }[] {
  using db = new Database(join(home, 'registries.db'));
  if (change !== undefined) db.run(change);
  return db.query<{ location: string }, []>('SELECT location FROM uploads').all();
}

/** The sessions that got bytes of the large layer. */
const largeSessions = ({ state }: FaultyRegistry) =>
  state.allSessions.filter(
    ({ pieces }) => pieces.reduce((sum, { length }) => sum + length, 0) >= KEPT,
  );

describe('a push that was killed in the middle of a layer', () => {
  test('is gone on with by the next, in the same upload', async () => {
    await using bench = await pushBench();
    const stuck = await stuckPush(bench);
    expect((await stuck.end('SIGKILL')).exitCode).not.toBe(0);
    const before = bench.registry.log.length;
    await bench.ok(`push -q ${bench.name}`);
    expectThere(bench.registry);
    expectOneWriter(bench.registry);
    expect(largeSessions(bench.registry)).toHaveLength(1);
    const again = bench.registry.log.slice(before).filter(({ line }) => BODY.test(line));
    const sent = again.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
    // The small blobs may have been on their way too.
    expect(sent).toBeLessThan(large.size - KEPT + 10_000);
    expect(journal(bench)).toEqual([]);
  });

  test('begins anew where the registry has dropped the upload', async () => {
    await using bench = await pushBench();
    await (await stuckPush(bench)).end('SIGKILL');
    bench.registry.state.sessions.clear();
    await bench.ok(`push -q ${bench.name}`);
    expectThere(bench.registry);
    expect(journal(bench)).toEqual([]);
  });

  test('sends nothing to another host that somebody wrote into what finch remembers', async () => {
    await using other = await startFaultyRegistry();
    await using bench = await pushBench();
    await (await stuckPush(bench)).end('SIGKILL');
    const session = other.state.begin('app');
    const location = `${other.origin}/v2/app/blobs/uploads/${session.id}`;
    expect(journal(bench, `UPDATE uploads SET location = '${location}'`)).toContainEqual({
      location,
    });
    await bench.ok(`push -q ${bench.name}`);
    expectThere(bench.registry);
    expect(other.log).toEqual([]);
  });

  test('begins anew where what finch remembers makes no sense', async () => {
    await using bench = await pushBench();
    await (await stuckPush(bench)).end('SIGKILL');
    journal(bench, `UPDATE uploads SET position = ${large.size * 2}`);
    await bench.ok(`push -q ${bench.name}`);
    expectThere(bench.registry);
  });
});

test('two pushes of one image at once both end well, and share no upload', async () => {
  await using bench = await pushBench();
  const pushes = await Promise.all([1, 2].map(() => bench.run(`push -q ${bench.name}`)));
  expect(pushes.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
    [0, ''],
    [0, ''],
  ]);
  expectThere(bench.registry);
  expectOneWriter(bench.registry);
  expect(journal(bench)).toEqual([]);
});

describe('an interrupt', () => {
  test('ends a push with 130, says how to go on, and the next one does', async () => {
    await using bench = await pushBench();
    const stuck = await stuckPush(bench);
    const { exitCode, stderr } = await stuck.end('SIGINT');
    expect(exitCode).toBe(130);
    expect(stderr).toContain(`finch push ${bench.name}`);
    await bench.ok(`push -q ${bench.name}`);
    expectThere(bench.registry);
    expect(largeSessions(bench.registry)).toHaveLength(1);
  });

  test('of a push that is not to be gone on with gives its upload up', async () => {
    await using bench = await pushBench();
    const stuck = await stuckPush(bench, ['--no-resume']);
    expect((await stuck.end('SIGINT')).exitCode).toBe(130);
    expect(bench.registry.count(/^DELETE .*\/blobs\/uploads\//)).toBeGreaterThan(0);
    const asked = bench.registry.count(STATUS);
    await bench.ok(`push -q ${bench.name}`);
    expectThere(bench.registry);
    expect(bench.registry.count(STATUS)).toBe(asked);
  });

  test('that comes a second time ends it at once', async () => {
    await using bench = await pushBench();
    bench.registry.faults.add({ on: 'DELETE', does: 'stall' });
    const stuck = await stuckPush(bench, ['--no-resume']);
    const { exitCode } = await stuck.end('SIGINT', 'SIGINT');
    expect(exitCode).toBe(130);
  });
});

test('a layer that is damaged on the disk is found, and nothing gets a tag', async () => {
  await using bench = await pushBench();
  const path = join(bench.home, 'store/blobs', large.digest.replace(':', '/'));
  await chmod(path, 0o644);
  const bytes = await Bun.file(path).bytes();
  bytes[bytes.length - 1000] = (bytes[bytes.length - 1000] ?? 0) ^ 1;
  await Bun.write(path, bytes);
  const stderr = await bench.fails(`push -q ${bench.name}`);
  expectError(stderr, /damaged/, /load|pull/);
  expect(bench.registry.state.repository('app').tags.size).toBe(0);
});
