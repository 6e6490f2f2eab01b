import { describe, expect, test } from 'bun:test';
import { readdir, readFile } from 'node:fs/promises';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { buildImage, buildMultiPlatform, layerTar } from '../support/images.ts';
import { linesOf, readLog, uploadsIn } from './support/access-log.ts';
import { writeOciArchive } from './support/archives.ts';
import { engineBench } from './support/fake-engine.ts';
import { areHere } from './support/program.ts';
import { eventsIn, type Receipt, replayed } from './support/push-events.ts';
import { loadAs } from './support/pushing.ts';
import { skopeoDigest } from './support/skopeo.ts';
import { registryBench } from './support/workbench.ts';

describe.skipIf(!areHere('docker-registry', 'skopeo'))('finch push of several names', () => {
  test('brings one image to two registries, and checks it in both', async () => {
    await using bench = await registryBench();
    await using other = await startDockerRegistry();
    const built = buildMultiPlatform('linux/amd64', 'linux/arm64');
    const name = await loadAs(bench, built);
    const elsewhere = `${other.host}/me/app:2`;
    await bench.ok(`tag ${name} ${elsewhere}`);
    const args = `push -q --verify --receipt receipt.json --digest-file digests ${name} ${elsewhere}`;
    expect(await bench.ok(args)).toBe(`${name}\n${elsewhere}\n`);
    expect(await skopeoDigest(bench.registry, 'app:1')).toBe(built.root.digest);
    expect(await skopeoDigest(other, 'me/app:2')).toBe(built.root.digest);
    const receipt: Receipt = JSON.parse(await readFile(bench.path('receipt.json'), 'utf8'));
    expect(receipt.references.map(({ verified }) => verified)).toEqual([true, true]);
    // Two indexes in one: seven parts in each of the two.
    expect(receipt.totals).toMatchObject({ blobs: 14, sent: 14 });
    expect(await readFile(bench.path('digests'), 'utf8')).toBe(
      [name, elsewhere].map((one) => `${one}@${built.root.digest}\n`).join(''),
    );
    const left = (await readdir(bench.folder)).filter((file) => file.includes('.finch-'));
    expect(left).toEqual([]);
  });

  test('takes from another repository of the registry what that has, and says where from', async () => {
    await using bench = await registryBench();
    const noise = crypto.getRandomValues(new Uint8Array(60_000)).toBase64().repeat(2);
    const built = buildImage({ layers: [layerTar(noise)] });
    const name = await loadAs(bench, built);
    const elsewhere = `${bench.registry.host}/other:1`;
    await bench.ok(`tag ${name} ${elsewhere}`);
    const log = await readLog(bench.registry);
    expect(await bench.ok(`push --dry-run ${name} ${elsewhere}`)).toMatch(/^[^\n]+\n[^\n]+\n$/);
    expect(linesOf(await log.next()).filter((line) => !line.startsWith('HEAD '))).toEqual([]);
    const { stderr } = await bench.run(`push ${name} ${elsewhere}`);
    expect(stderr).toMatch(/other layer sha256:[0-9a-f]{12}: mounted from app\n/);
    // The layer and the configuration go once, to the first.
    const puts = uploadsIn(await log.next()).filter((line) => line.startsWith('PUT '));
    expect(puts.map((line) => line.split('/')[2])).toEqual(['app', 'app']);
  });
});

describe.skipIf(!areHere('docker-registry'))('--progress json', () => {
  test('of pull and load has the events of all content, and their totals', async () => {
    await using bench = await registryBench();
    const built = buildImage();
    const name = await loadAs(bench, built);
    await bench.ok(`push -q ${name}`);
    const home = await bench.newHome();
    for (const args of [`pull --progress json ${name}`, 'load --progress json -i image.tar']) {
      const { stderr, exitCode } = await bench.run(args, { home: await bench.newHome() });
      expect(exitCode).toBe(0);
      const events = eventsIn(stderr);
      expect(events.at(-1)).toMatchObject({ event: 'end', totals: replayed(events) });
      expect(replayed(events)).toMatchObject({ blobs: 3, unfinished: 0 });
    }
    expect(await bench.run(`pull --progress none ${name}`, { home })).toMatchObject({ stderr: '' });
  });

  test('has what --debug shows as notes', async () => {
    await using bench = await registryBench();
    const name = await loadAs(bench, buildImage());
    const { stderr } = await bench.run(`push --debug --progress json ${name}`);
    const notes = eventsIn(stderr).filter(({ event }) => event === 'note');
    expect(notes.some((note) => /^debug: PUT http/.test(String(note['text'])))).toBe(true);
  });

  test('has what is wrong with the words of the command as an error', async () => {
    await using bench = await registryBench();
    for (const progress of [['--progress', 'json'], ['--progress=json']]) {
      const { stderr, exitCode } = await bench.run(['push', ...progress, '--sign', 'a']);
      expect(exitCode).toBe(1);
      expect(eventsIn(stderr)).toMatchObject([
        { event: 'error', code: 'USAGE', message: 'unknown flag: --sign' },
      ]);
    }
  });
});

test('finch push --all-tags knows the tags that only the machine has', async () => {
  await using bench = await engineBench();
  const image = (name: string) =>
    JSON.stringify({ Name: name, Digest: `sha256:${'a'.repeat(64)}`, Platform: 'linux/amd64' });
  const there = 'registry.test/me/app:there';
  await bench.act(`case "$*" in
'image ls'*) printf '%s\\n' '${image(there)}' '${image('registry.test/me/other:1')}' ;;
*) echo "not that: $*" >&2; exit 9 ;;
esac`);
  await writeOciArchive(bench.path('image.tar'), 'registry.test/me/app:here', buildImage());
  await bench.ok('load -q -i image.tar');
  const { stderr, exitCode } = await bench.run('push --all-tags registry.test/me/app');
  // It cannot be had from this engine, and so nothing is pushed.
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`${there}: getting it from the virtual machine\n`);
  await bench.ok('vm stop');
});
