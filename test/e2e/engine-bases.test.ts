import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { busyboxImage } from '../support/engine/busybox-image.ts';
import { canRunEngine } from '../support/engine/can-run-engine.ts';
import { type Engine, startEngine } from '../support/engine/start-engine.ts';
import { buildMultiPlatform } from '../support/images.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { writeOciArchive } from './support/archives.ts';
import { type Workbench, workbench } from './support/workbench.ts';

async function realBench({ env }: Engine): Promise<Workbench> {
  const bench = await workbench(env);
  await Bun.write(join(bench.home, 'finch.yaml'), 'vmType: native\n');
  return {
    ...bench,
    async [Symbol.asyncDispose]() {
      await bench.run('vm stop --force');
      await bench[Symbol.asyncDispose]();
    },
  };
}

describe.skipIf(!canRunEngine)('images that only finch has', () => {
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

  test('are built on for other platforms, also when the engine has them for its own', async () => {
    await using bench = await realBench(engine);
    const base = 'registry.invalid/team/several:1';
    const image = buildMultiPlatform('linux/amd64', 'linux/arm64', 'linux/s390x');
    const path = await writeOciArchive(bench.path('several.tar'), base, image);
    await bench.ok(['load', '-q', '-i', path]);
    await mkdir(bench.path('context'));
    await Bun.write(bench.path('context/Dockerfile'), `FROM \\\n  ${base}\nCOPY Dockerfile /d\n`);
    await bench.ok('build -qt on-several:1 context');
    await bench.ok('build --platform linux/arm64,linux/s390x -qt on-several:2 context');
    const rows = await bench.ok(['images', '--format', '{{.Platform}}', 'on-several:2']);
    expect(rows.trim().split('\n').toSorted()).toEqual(['linux/arm64', 'linux/s390x']);
  });

  test('run by their ids, under a name that means nothing newer in the engine', async () => {
    await using bench = await realBench(engine);
    const load = async (says: string, name: string) => {
      const path = await writeOciArchive(bench.path('a.tar'), name, await busyboxImage({ says }));
      await bench.ok(['load', '-q', '-i', path]);
    };
    const team = 'registry.invalid/team';
    await load('other', `${team}/other:1`);
    await bench.ok(`run --rm --net none ${team}/other:1`);
    await load('by its id', `${team}/id:1`);
    await bench.ok(`tag ${team}/id:1 ${team}/moved:1`);
    await engine.ok(['tag', `${team}/other:1`, `${team}/moved:1`]);
    const id = (await bench.ok(`images -q ${team}/id:1`)).trim();
    expect(await bench.ok(`run --rm --net none ${id}`)).toBe('by its id\n');
    expect(await bench.ok(`run --rm --net none ${team}/moved:1`)).toBe('other\n');
  });
});
