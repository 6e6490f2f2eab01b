import { expect, test } from 'bun:test';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Built, buildImage, buildMultiPlatform, layoutFiles } from '../support/images.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { namesOf, push, serve } from './served.ts';

const crane = Bun.which('crane') ?? Bun.which('crane', { PATH: join(homedir(), 'go/bin') });

async function run(...command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], { stdout: 'pipe', stderr: 'pipe' });
  const [out, problems, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`${command.join(' ')}: ${problems}`);
  return out.trim();
}

async function writeLayout(folder: string, built: Built): Promise<string> {
  const layout = join(folder, 'layout');
  const name = { 'org.opencontainers.image.ref.name': '1' };
  for (const [path, bytes] of layoutFiles(built, name)) {
    await mkdir(dirname(join(layout, path)), { recursive: true });
    await Bun.write(join(layout, path), bytes);
  }
  return `oci:${layout}:1`;
}

test('skopeo pushes an image of two platforms and pulls it back', async () => {
  await using registry = await serve();
  await using folder = await temporaryFolder();
  const image = buildMultiPlatform('linux/amd64', 'linux/arm64');
  const remote = `docker://${registry.host}/some/hello:1`;
  const insecure = '--tls-verify=false';
  await run(
    ...['skopeo', 'copy', '--all', '--dest-tls-verify=false'],
    await writeLayout(folder.path, image),
    remote,
  );
  expect(namesOf(registry.store)).toEqual(['docker.io/some/hello:1']);
  expect(registry.store.name('docker.io/some/hello:1')?.target.digest).toBe(image.root.digest);
  const raw = await run('skopeo', 'inspect', '--raw', insecure, remote);
  expect(new TextEncoder().encode(raw)).toEqual(
    new Uint8Array(image.blobs.get(image.root.digest) ?? []),
  );
  await run('skopeo', 'copy', '--all', '--src-tls-verify=false', remote, `oci:${folder.path}/b:1`);
  const copied = await Bun.file(join(folder.path, 'b/index.json')).json();
  expect(copied.manifests[0].digest).toBe(image.root.digest);
});

test('skopeo inspects, lists and deletes', async () => {
  await using registry = await serve();
  const image = buildImage();
  await push(registry.url, 'hello:1', image);
  await push(registry.url, 'hello:2', buildImage({ labels: { a: 'b' } }));
  const remote = `docker://${registry.host}/hello`;
  const insecure = '--tls-verify=false';
  expect(JSON.parse(await run('skopeo', 'inspect', insecure, `${remote}:1`))).toMatchObject({
    Digest: image.root.digest,
    RepoTags: ['1', '2'],
    Architecture: 'amd64',
  });
  const list = JSON.parse(await run('skopeo', 'list-tags', insecure, remote));
  expect(list).toMatchObject({ Tags: ['1', '2'] });
  await run('skopeo', 'delete', insecure, `${remote}:1`);
  expect(namesOf(registry.store)).toEqual(['docker.io/library/hello:2']);
});

test.skipIf(crane === null)('crane copies, lists, pulls and deletes', async () => {
  await using registry = await serve();
  await using folder = await temporaryFolder();
  const image = buildMultiPlatform('linux/amd64', 'linux/arm64');
  await push(registry.url, 'hello:1', image);
  const call = (...words: readonly string[]) => run(crane ?? 'crane', ...words);
  const [from, to] = [`${registry.host}/hello:1`, `${registry.host}/other/hello:2`];
  await call('copy', from, to);
  expect(await call('digest', to)).toBe(image.root.digest);
  expect(await call('ls', `${registry.host}/other/hello`)).toBe('2');
  expect(await call('catalog', registry.host)).toBe('hello\nother/hello');
  expect(await call('validate', '--remote', to)).toContain('PASS');
  const layout = join(folder.path, 'pulled');
  await call('pull', '--format', 'oci', to, layout);
  await call('push', '--index', layout, `${registry.host}/third:3`);
  await call('delete', to);
  expect(await call('ls', `${registry.host}/other/hello`)).toBe('');
  expect(registry.store.name('docker.io/library/third:3')).toBeDefined();
});
