import { describe, expect, test } from 'bun:test';
import type { CopyEvent } from '../../src/copy/events.ts';
import { contentKind } from '../../src/copy/ledger.ts';
import { namesOf, serve } from '../server/served.ts';
import { registryErrorBody, startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage, buildMultiPlatform, layerTar } from '../support/images.ts';
import { finch } from './command-line.ts';

const one = buildImage({ layers: [layerTar('shared', 'shared'), layerTar('one')] });
const two = buildImage({ layers: [layerTar('shared', 'shared'), layerTar('two')] });

/** What is printed for a name that was pushed. */
const line = (name: string, { root } = one) =>
  `${name}: digest: ${root.digest} size: ${root.size}\n`;

describe('finch push of several names', () => {
  test('pushes each, says so in the order given, and what is named twice once', async () => {
    await using registry = await serve();
    await using place = await finch();
    const [b, a] = ['b:2', 'a:1'].map((name) => `${registry.host}/${name}`) as [string, string];
    await place.load(one, b);
    await place.load(two, a);
    const { status, stdout } = await place.run('push', b, a, b);
    expect({ status, stdout }).toEqual({ status: 0, stdout: line(b) + line(a, two) });
    expect(namesOf(registry.store)).toHaveLength(2);
    expect(await place.stdout('push', '-q', a, b)).toBe(`${a}\n${b}\n`);
  });

  test('sends what two tags of a repository share once', async () => {
    const requests: string[] = [];
    await using registry = await serve({
      onRequest: ({ method, path }) => requests.push(`${method} ${path}`),
    });
    await using place = await finch();
    const names = ['app:1', 'app:2'].map((name) => `${registry.host}/${name}`) as [string, string];
    await place.load(one, names[0]);
    await place.load(two, names[1]);
    await place.stdout('push', ...names);
    // One layer is shared; the configurations are two.
    expect(requests.filter((request) => request.startsWith('POST'))).toHaveLength(5);
  });

  test('takes --max-concurrent-uploads for a registry', async () => {
    const uploads: string[] = [];
    await using registry = await serve({
      onRequest: ({ method }) => {
        if (method === 'POST' || method === 'PUT') uploads.push(method);
      },
    });
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.load(buildImage({ layers: ['a', 'b', 'c'].map((some) => layerTar(some)) }), name);
    await place.stdout('push', '--max-concurrent-uploads', '1', name);
    // One after the other, three layers and a config; the last is the manifest.
    expect(uploads.join(' ')).toBe(`${'POST PUT '.repeat(4)}PUT`);
  });

  test('takes --limit-rate for all of them', async () => {
    await using registry = await serve();
    await using place = await finch();
    const layer = Buffer.from(crypto.getRandomValues(new Uint8Array(25_000))).toString('latin1');
    const names = ['a:1', 'b:1'].map((name) => `${registry.host}/${name}`);
    for (const name of names) await place.load(buildImage({ layers: [layerTar(layer)] }), name);
    const pieces: number[] = [];
    const progress = () => ({
      update: (event: CopyEvent) => {
        const isLayer = contentKind(event.descriptor) === 'layer';
        if (event.kind === 'progress' && isLayer) pieces.push(event.bytes);
      },
      [Symbol.dispose]() {},
    });
    const push = ['push', '--limit-rate', '100K', ...names];
    expect(await place.runWith({ talk: { progress } }, ...push)).toMatchObject({ status: 0 });
    // What goes out at once is worth a tenth of a second at most; without a rate a file goes in one piece.
    expect(Math.max(...pieces)).toBe(10_240);
  });

  test('takes --platform for all of them', async () => {
    await using registry = await serve();
    await using place = await finch();
    const built = buildMultiPlatform('linux/amd64', 'linux/arm64');
    const names = ['a:1', 'b:1'].map((name) => `${registry.host}/${name}`);
    for (const name of names) await place.load(built, name);
    const lines = (await place.stdout('push', '--platform', 'arm64', ...names)).trim().split('\n');
    const digests = new Set(lines.map((text) => text.split(' ')[2]));
    expect([lines.length, digests.size, digests.has(built.root.digest)]).toEqual([2, 1, false]);
  });

  test('goes on where one registry fails, and tells of each fault with its names', async () => {
    await using registry = await serve();
    await using refusing = startFakeRegistry({
      script: ({ method }) =>
        method === 'POST' ? registryErrorBody(403, 'DENIED', 'not yours') : undefined,
    });
    const gone = startFakeRegistry();
    await gone[Symbol.asyncDispose]();
    await using place = await finch();
    const good = `${registry.host}/app:1`;
    const [denied, silent] = [`${refusing.host}/app:1`, `${gone.host}/app:1`];
    for (const name of [denied, good, silent]) await place.load(one, name);
    const { status, stdout, stderr } = await place.run('push', '-q', denied, good, silent);
    expect({ status, stdout }).toEqual({ status: 1, stdout: `${good}\n` });
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toEqual([
      `finch: ${denied}: registry ${refusing.host}: denied: not yours`,
      expect.stringMatching(/^hint: /),
      `finch: ${silent}: cannot connect to ${gone.host}: connection refused`,
      expect.stringMatching(/^hint: /),
    ]);
  });

  test('tells of a fault that several names share once', async () => {
    await using refusing = startFakeRegistry({
      script: ({ method }) =>
        method === 'POST' ? registryErrorBody(403, 'DENIED', 'not yours') : undefined,
    });
    await using place = await finch();
    const names = ['1', '2', '3', '4'].map((tag) => `${refusing.host}/app:${tag}`);
    for (const name of names) await place.load(one, name);
    const { status, stderr } = await place.run('push', '-q', ...names);
    expect(status).toBe(1);
    const [first] = stderr.split('\n');
    const shown = `${names.slice(0, 3).join(', ')} and 1 more`;
    expect(first).toBe(`finch: ${shown}: registry ${refusing.host}: denied: not yours`);
    expect(stderr.match(/^finch: /gm)).toHaveLength(1);
  });

  test('pushes the other tags of an image when the registry refuses one', async () => {
    await using registry = startFakeRegistry({
      script: ({ method }, { pathname }) =>
        method === 'PUT' && pathname.endsWith('/manifests/no')
          ? registryErrorBody(403, 'DENIED', 'not that one')
          : undefined,
    });
    await using place = await finch();
    const names = ['yes', 'no', 'zed'].map((tag) => `${registry.host}/x:${tag}`);
    for (const name of names) await place.load(one, name);
    const { status, stdout, stderr } = await place.run('push', '-q', ...names);
    expect({ status, stdout }).toEqual({ status: 1, stdout: `${names[0]}\n${names[2]}\n` });
    expect(stderr).toStartWith(
      `finch: ${names[1]}: registry ${registry.host}: denied: not that one`,
    );
    expect(stderr.match(/^finch: /gm)).toHaveLength(1);
  });

  test('sends nothing when one of them is not here', async () => {
    await using registry = startFakeRegistry();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.load(one, name);
    const { status, stdout, stderr } = await place.run('push', name, `${registry.host}/app:2`);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toStartWith(`finch: image "${registry.host}/app:2": not found\nhint: `);
    expect(registry.requests).toEqual([]);
  });
});

describe('finch push --all-tags', () => {
  test('pushes every tag of the repository that is here, and no other', async () => {
    await using registry = await serve();
    await using place = await finch();
    const repository = `${registry.host}/me/app`;
    const tags = ['2', '1.10', 'latest'];
    for (const tag of tags) await place.load(one, `${repository}:${tag}`);
    await place.load(two, `${repository}-other:1`);
    const sorted = tags.toSorted().map((tag) => `${repository}:${tag}`);
    expect(await place.stdout('push', '-a', repository)).toBe(
      sorted.map((name) => line(name)).join(''),
    );
    expect(await place.stdout('push', '-q', '--all-tags', repository)).toBe(
      sorted.map((name) => `${name}\n`).join(''),
    );
    expect(namesOf(registry.store).toSorted()).toEqual(
      tags.toSorted().map((tag) => `docker.io/me/app:${tag}`),
    );
  });

  test('is told apart from a push of one image', async () => {
    await using place = await finch();
    await place.load(one, 'ghcr.io/me/app:1');
    expect(await place.run('push', '-a', 'ghcr.io/me/app:1')).toEqual({
      ...{ status: 1, stdout: '' },
      stderr: `finch: --all-tags is about a repository, and not about one image
hint: leave out the tag: finch push --all-tags ghcr.io/me/app
`,
    });
    expect(await place.run('push', '-a', 'ghcr.io/me/other')).toEqual({
      ...{ status: 1, stdout: '' },
      stderr: `finch: no tag of ghcr.io/me/other is here\nhint: see what is here with: finch images\n`,
    });
  });
});
