import { deepEqual, equal, ok } from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, digestParts, shortId } from '../../src/oci/digest.ts';
import { childrenOf, parseDocument } from '../../src/oci/document.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { finchBinary, finchEnvironment } from '../e2e/support/finch.ts';
import { startFinchRegistry } from '../e2e/support/finch-registry.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { GREETING, writeHelloFinch } from './hello-finch.ts';

// Does with the built finch what it is made for, as a user would type it, and checks what comes out.

await using folder = await temporaryFolder();
const [ours, theirs, registryHome] = ['home', 'another-home', 'registry'].map((name) =>
  join(folder.path, name),
) as [string, string, string];
await Promise.all([ours, theirs, registryHome].map((home) => mkdir(home)));

const image = await writeHelloFinch(join(folder.path, 'hello-finch.tar'));
const id = shortId(image.root.digest);

note('a registry, made by finch itself, with an empty store of its own');
print('$ finch registry serve --listen 127.0.0.1:0 &\n');
await using registry = await startFinchRegistry(registryHome);
print(`listening on ${registry.url}\n`);
const target = `${registry.host}/hello-finch:latest`;

note('an image for two platforms comes from a file');
equal(await finch('load -i hello-finch.tar'), 'Loaded image: hello-finch:latest\n');
deepEqual(rowsOf(await finch('image list')), [
  `hello-finch latest ${id} linux/arm64`,
  `hello-finch latest ${id} linux/amd64`,
]);

note('it gets the name of the place that it goes to');
equal(await finch(`tag hello-finch:latest ${target}`), '');
deepEqual(rowsOf(await finch('image list')), [
  `${registry.host}/hello-finch latest ${id} linux/arm64`,
  `${registry.host}/hello-finch latest ${id} linux/amd64`,
  `hello-finch latest ${id} linux/arm64`,
  `hello-finch latest ${id} linux/amd64`,
]);

note('both platforms go to the registry');
const pushed = await finch(`push --platform linux/arm64,linux/amd64 ${target}`);
ok(pushed.includes(`digest: ${image.root.digest} size: ${image.root.size}`), 'the pushed digest');

note('the registry has the index under its tag, and the manifest of each platform');
equal(await curl('tags/list'), '{"name":"hello-finch","tags":["latest"]}');
await holds('latest', image.root);
const index = parseDocument(image.blobs.get(image.root.digest) ?? new Uint8Array(), {
  what: 'the index',
});
equal(childrenOf(index).length, 2);
for (const manifest of childrenOf(index)) await holds(manifest.digest, manifest);

note('someone else pulls the image of this platform into an empty home');
await finch(`pull ${target}`, theirs);
const architecture = process.arch === 'x64' ? 'amd64' : 'arm64';
deepEqual(rowsOf(await finch('image list', theirs)), [
  `${registry.host}/hello-finch latest ${id} linux/${architecture}`,
]);
await runHello();

note('finch did its main job; it is here:');
print(`${finchBinary}\n`);

/** Runs a command line of finch in view, and gives its stdout. */
async function finch(line: string, home = ours): Promise<string> {
  print(`$ ${home === ours ? '' : 'FINCH_HOME=another-home '}finch ${line}\n`);
  const child = Bun.spawn([finchBinary, ...line.split(' ')], {
    cwd: folder.path,
    env: finchEnvironment(home),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const stdout = await child.stdout.text();
  print(stdout);
  equal(await child.exited, 0, `the exit status of: finch ${line}`);
  return stdout;
}

/** Asks the registry's API for a part of the repository, in view. */
async function curl(path: string): Promise<string> {
  print(`$ curl ${registry.url}/v2/hello-finch/${path}\n`);
  const answer = await fetch(`${registry.url}/v2/hello-finch/${path}`);
  equal(answer.status, 200);
  const text = (await answer.text()).trim();
  print(`${text}\n`);
  return text;
}

/** Checks that the registry gives the very bytes that `descriptor` names. */
async function holds(
  reference: string,
  descriptor: { readonly mediaType: string; readonly digest: string },
): Promise<void> {
  const url = `${registry.url}/v2/hello-finch/manifests/${reference}`;
  print(`$ curl -H 'Accept: ${descriptor.mediaType}' ${url} | sha256sum\n`);
  const answer = await fetch(url, { headers: { Accept: descriptor.mediaType } });
  const digest = digestOf(await answer.bytes());
  print(`${digestParts(digest).hex}  -\n`);
  equal(answer.headers.get('docker-content-digest'), descriptor.digest);
  equal(answer.headers.get('content-type'), descriptor.mediaType);
  equal(digest, descriptor.digest);
}

/** Takes the program out of the pulled layer and, on Linux, runs it. */
async function runHello(): Promise<void> {
  const blob = (digest: string) =>
    Bun.file(join(theirs, 'store/blobs', digest.replace(':', '/'))).bytes();
  const member =
    index.kind === 'index' &&
    index.manifests.find(({ platform }) => platform?.architecture === architecture);
  ok(member, `the index names linux/${architecture}`);
  const manifest = parseDocument(await blob(member.digest), { what: 'the manifest' });
  const layer = childrenOf(manifest).find(({ mediaType }) => mediaType === mediaTypes.layerGzip);
  ok(layer, 'the manifest names a layer');
  const files = await new Bun.Archive(await blob(layer.digest)).files();
  const program = files.get('hello');
  ok(program, 'the layer holds /hello');
  if (process.platform !== 'linux') return;

  note('and the program in it runs');
  const path = join(folder.path, 'hello');
  await Bun.write(path, program);
  await chmod(path, 0o755);
  print(`$ tar -xzf another-home/store/blobs/${layer.digest.replace(':', '/')} && ./hello\n`);
  const child = Bun.spawn([path], { stdout: 'pipe' });
  const said = await child.stdout.text();
  print(said);
  equal(said, GREETING);
}

/** The rows of an image table below its header: name, tag, id and platform. */
function rowsOf(table: string): string[] {
  const [header = '', ...rows] = table.trimEnd().split('\n');
  equal(header.replace(/ {2,}/g, '|'), 'REPOSITORY|TAG|IMAGE ID|CREATED|PLATFORM|SIZE|BLOB SIZE');
  return rows.map((row) => {
    const [repository, tag, image, , platform] = row.split(/ {2,}/);
    return [repository, tag, image, platform].join(' ');
  });
}

function note(text: string): void {
  print(`\n# ${text}\n`);
}

function print(text: string): void {
  // At once, so that what finch says on stderr comes where it belongs.
  writeSync(1, text);
}
