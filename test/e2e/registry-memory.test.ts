import { expect, test } from 'bun:test';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CANARY } from '../support/canary.ts';
import { type Script, startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage } from '../support/images.ts';
import { writeOciArchive } from './support/archives.ts';
import { expectError } from './support/expectations.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const built = buildImage();

/** Loads the image and names it for a registry; gives that name. */
async function loadFor(bench: Workbench, host: string, name = 'app:1'): Promise<string> {
  await writeOciArchive(bench.path('image.tar'), name, built);
  await bench.ok('load -q -i image.tar');
  await bench.ok(`tag ${name} ${host}/${name}`);
  return `${host}/${name}`;
}

/** Answers the first request for a path with this, and what follows as ever. */
function first(method: string, answer: () => Response): Script {
  let isOver = false;
  return (request) => {
    if (isOver || request.method !== method) return undefined;
    isOver = true;
    return answer();
  };
}

test('what finch remembers is for its owner alone, and holds no login', async () => {
  await using bench = await workbench();
  const basic = `Basic ${Buffer.from(`me:${CANARY}`).toString('base64')}`;
  await using registry = startFakeRegistry({
    script: ({ headers }) =>
      headers.get('authorization') === basic
        ? undefined
        : new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="a"' } }),
  });
  const name = await loadFor(bench, registry.host);
  const stdin = `${CANARY}\n`;
  await bench.ok(`login -u me --password-stdin ${registry.host}`, { stdin });
  const { length } = registry.requests;
  const strangers = () =>
    registry.requests
      .slice(length)
      .filter(({ headers }) => headers.get('authorization') === null)
      .map(({ line }) => line)
      .toSorted();
  await bench.ok(`push -q ${name}`);
  // Of a registry that nobody knows, the tag and the root are asked for together.
  const manifests = 'HEAD /v2/app/manifests';
  const first = [`${manifests}/1`, `${manifests}/${built.root.digest}`];
  expect(strangers()).toEqual(first);
  await bench.ok(`push -q ${name}`);
  registry.manifests.clear();
  await bench.ok(`push -q ${name}`);
  expect(strangers()).toEqual(first);
  const path = join(bench.home, 'registries.db');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const kept = await readFile(path, 'latin1');
  expect(kept).toContain('"basic"');
  expect(kept).not.toContain(basic.slice('Basic '.length));
});

test('a push does without a memory that is damaged or cannot be opened, and says so once', async () => {
  await using registry = startFakeRegistry();
  const kinds: readonly ((path: string) => Promise<unknown>)[] = [
    (path) => writeFile(path, 'x'.repeat(5000)),
    (path) => mkdir(path),
  ];
  for (const [i, spoil] of kinds.entries()) {
    await using bench = await workbench();
    const name = await loadFor(bench, registry.host, `app:${i + 1}`);
    await spoil(join(bench.home, 'registries.db'));
    const { exitCode, stderr } = await bench.run(`--debug push -q ${name}`);
    expect(exitCode).toBe(0);
    expect(stderr.match(/registries\.db (?:was damaged|cannot be used)/g)).toHaveLength(1);
  }
});

test('a registry that asks to wait is waited for, and the user sees why', async () => {
  await using bench = await workbench();
  await using registry = startFakeRegistry({
    script: first(
      'PUT',
      () => new Response(null, { status: 429, headers: { 'retry-after': '3' } }),
    ),
  });
  const name = await loadFor(bench, registry.host);
  const { exitCode, stderr } = await bench.run(`push -q ${name}`);
  expect(exitCode).toBe(0);
  expect(stderr).toContain(`registry ${registry.host} asks to wait 3 s\n`);
});

test('a registry that asks to wait for an hour is not waited for', async () => {
  await using bench = await workbench();
  await using registry = startFakeRegistry({
    script: () => new Response(null, { status: 503, headers: { 'retry-after': '3600' } }),
  });
  const name = await loadFor(bench, registry.host);
  const stderr = await bench.fails(`push -q ${name}`);
  const message = `registry ${registry.host}: 503 Service Unavailable`;
  expectError(stderr, message, 'the registry asks to wait 60 minutes; try again then');
});

test('the warnings of a registry are shown once each', async () => {
  await using bench = await workbench();
  const warning = '299 - "this registry goes away", 299 - "move"';
  await using registry = startFakeRegistry({
    script: ({ method }) =>
      method === 'HEAD' ? new Response(null, { status: 404, headers: { warning } }) : undefined,
  });
  const name = await loadFor(bench, registry.host);
  const { exitCode, stderr } = await bench.run(`push -q ${name}`);
  expect(exitCode).toBe(0);
  expect(stderr.split('\n').filter((line) => line.startsWith('warning: '))).toEqual([
    `warning: ${registry.host}: this registry goes away`,
    `warning: ${registry.host}: move`,
  ]);
});
