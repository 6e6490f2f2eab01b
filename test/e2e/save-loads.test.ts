import { describe, expect, test } from 'bun:test';
import { busyboxImage } from '../support/engine/busybox-image.ts';
import { canRunEngine } from '../support/engine/can-run-engine.ts';
import { startEngine } from '../support/engine/start-engine.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { writeOciArchive } from './support/archives.ts';
import { areHere, runOk } from './support/program.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const NAME = 'registry.invalid/app:1';

/** A bench with `out.tar`, an image as `finch save` writes it. */
async function savedBench(): Promise<Workbench> {
  const bench = await workbench();
  await writeOciArchive(bench.path('load.tar'), NAME, await busyboxImage({ says: 'saved' }));
  await bench.ok('load -q -i load.tar');
  await bench.ok(`save -q -o out.tar ${NAME}`);
  return bench;
}

describe('what finch save writes', () => {
  test.skipIf(!canRunEngine)('nerdctl loads with an equal digest, and runs', async () => {
    await using bench = await savedBench();
    await using folder = await temporaryFolder();
    await using engine = await startEngine(folder.path);
    await engine.ok(['load', '-i', bench.path('out.tar')]);
    const shown = await bench.ok(['images', '--no-trunc', '--format', '{{.ID}}']);
    const format = '{{.Name}} {{.Digest}}';
    const there = await engine.ok(['image', 'ls', '--no-trunc', '--format', format]);
    expect(there).toBe(`${NAME} ${shown}`);
    expect(await engine.ok(['run', '--rm', '--network', 'none', NAME])).toBe('saved\n');
  });

  test.skipIf(!areHere('podman'))('podman loads', async () => {
    await using bench = await savedBench();
    const policy = bench.path('policy.json');
    await Bun.write(policy, '{"default": [{"type": "insecureAcceptAnything"}]}');
    const podman = ['podman', '--root', bench.path('root'), '--runroot', bench.path('run')];
    podman.push('--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs');
    const path = bench.path('out.tar');
    await runOk([...podman, 'load', '--signature-policy', policy, '-i', path]);
    const names = ['images', '--format', '{{.Repository}}:{{.Tag}}'];
    expect((await runOk([...podman, ...names])).trim()).toBe(NAME);
  });
});
