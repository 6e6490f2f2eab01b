import { expect, test } from 'bun:test';
import { open, readFile, writeFile } from 'node:fs/promises';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage } from '../support/images.ts';
import { writeOciArchive } from './support/archives.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const built = buildImage();

async function load(bench: Workbench, name: string): Promise<void> {
  await writeOciArchive(bench.path('image.tar'), 'app:1', built);
  await bench.ok('load -q -i image.tar');
  await bench.ok(`tag app:1 ${name}`);
}

test('finch push --verify sends once more what the registry has lost', async () => {
  await using registry = startFakeRegistry();
  await using bench = await workbench();
  const name = `${registry.host}/app:1`;
  await load(bench, name);
  await bench.ok(`push -q ${name}`);
  const [layer] = built.order;
  registry.blobs.delete(layer?.digest ?? '');
  expect(await bench.ok(`push -q ${name}`)).toBe(`${name}\n`);
  expect(registry.blobs.has(layer?.digest ?? '')).toBe(false);
  await bench.ok(`push -q --verify --receipt receipt.json ${name}`);
  expect(registry.blobs.has(layer?.digest ?? '')).toBe(true);
  expect(JSON.parse(await readFile(bench.path('receipt.json'), 'utf8'))).toMatchObject({
    references: [{ name, repository: `${registry.host}/app`, status: 'pushed', verified: true }],
  });
});

test('finch push adds to the log that its stdout is, also by the name /dev/stdout', async () => {
  await using registry = startFakeRegistry();
  await using bench = await workbench();
  const name = `${registry.host}/app:1`;
  await load(bench, name);
  const path = bench.path('log');
  await writeFile(path, 'before\n');
  await using log = await open(path, 'a');
  const args = ['push', '-q', '--digest-file', '/dev/stdout', name];
  const child = Bun.spawn([finchBinary, ...args], {
    ...{ env: finchEnvironment(bench.home), cwd: bench.folder },
    ...{ stdout: log.fd, stderr: 'pipe' },
  });
  expect([await child.exited, await child.stderr.text()]).toEqual([0, '']);
  expect(await readFile(path, 'utf8')).toBe(`before\n${built.root.digest}${name}\n`);
});
