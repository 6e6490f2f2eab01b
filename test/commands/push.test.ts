import { describe, expect, test } from 'bun:test';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FinchError } from '../../src/errors.ts';
import { type Index, parseDocument } from '../../src/oci/document.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { namesOf, serve } from '../server/served.ts';
import { registryErrorBody, startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage, buildIndex, buildMultiPlatform } from '../support/images.ts';
import { finch } from './command-line.ts';

const two = buildMultiPlatform('linux/arm64', 'linux/amd64');

/** The digest in a result line. */
function digestIn(stdout: string): string {
  return /sha256:[0-9a-f]{64}/.exec(stdout)?.[0] ?? `no digest in ${JSON.stringify(stdout)}`;
}

async function indexAt(url: string): Promise<Index> {
  const bytes = await (await fetch(url)).bytes();
  const document = parseDocument(bytes, { what: url });
  if (document.kind === 'index') return document;
  throw new Error(`${url} is no index`);
}

describe('finch push', () => {
  test('pushes two named platforms with the digest of the local index, one tag and two untagged manifests', async () => {
    await using registry = await serve();
    await using place = await finch();
    const name = `${registry.host}/hello-finch:latest`;
    await place.load(two, name);
    const { stdout, stderr } = await place.run(
      'push',
      '--platform',
      'linux/arm64,linux/amd64',
      name,
    );
    expect(stdout).toBe(`${name}: digest: ${two.root.digest} size: ${two.root.size}\n`);
    expect(stderr).not.toContain('left out');
    expect(namesOf(registry.store)).toEqual(['docker.io/library/hello-finch:latest']);
    for (const descriptor of two.order) {
      expect(await registry.store.has(descriptor)).toBe(true);
    }
    const manifests = two.order.filter(({ mediaType }) => mediaType === mediaTypes.manifest);
    expect(manifests.length).toBe(2);
  });

  test.each([
    ['manifest', 'as it is', mediaTypes.manifest],
    ['layer', 'as it is', mediaTypes.layerGzip],
    ['layer', 'repaired', mediaTypes.layerGzip],
  ])(
    'does not leave out a platform whose %s was lost, in a store that is %s',
    async (_, state, type) => {
      await using registry = await serve();
      await using place = await finch();
      const name = `${registry.host}/app:1`;
      await place.load(two, name);
      const lost = two.order.find(({ mediaType }) => mediaType === type);
      const path = (lost?.digest ?? '').replace(':', '/');
      await rm(join(place.home, 'store/blobs', path));
      if (state === 'repaired') await place.run('store', 'repair');
      const { status, stderr } = await place.run('push', name);
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: [
          `finch: linux/arm64 of ${name} is damaged in the local store`,
          'hint: pull or load the image again, or choose what to push with --platform',
          '',
        ].join('\n'),
      });
      expect(namesOf(registry.store)).toEqual([]);
    },
  );

  test('pushes without --platform what is here, and says on stderr what is left out', async () => {
    await using registry = await serve();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    const three = buildMultiPlatform('linux/arm64', 'linux/amd64', 'linux/s390x');
    await place.load(three, 'x/source:1');
    await place.stdout('tag', 'x/source:1', name);
    await place.stdout('push', '-q', name);
    await using other = await finch();
    await other.stdout('pull', '--platform', 'linux/amd64,linux/s390x', name);
    await other.stdout('tag', name, `${registry.host}/part:1`);
    const { status, stdout, stderr } = await other.run('push', `${registry.host}/part:1`);
    expect(status).toBe(0);
    const digest = digestIn(stdout);
    expect(digest).not.toBe(three.root.digest);
    expect(stderr.split('\n')[0]).toBe(
      `${registry.host}/part:1: left out linux/arm64; what is pushed is ${digest}`,
    );
    const index = await indexAt(`${registry.url}/v2/part/manifests/1`);
    expect(index.manifests.map(({ platform }) => platform)).toEqual([
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 's390x' },
    ]);
  });

  test('stays an index when one platform is chosen, and has the same digest each time', async () => {
    await using registry = await serve();
    await using place = await finch();
    const names = ['a', 'b'].map((path) => `${registry.host}/${path}:1`);
    const digests: string[] = [];
    for (const name of names) {
      await place.load(two, name);
      digests.push(digestIn(await place.stdout('push', '--platform', 'amd64', name)));
    }
    expect(digests[0]).toBe(digests[1] ?? '');
    const index = await indexAt(`${registry.url}/v2/a/manifests/1`);
    expect([index.mediaType, index.manifests.length]).toEqual([mediaTypes.index, 1]);
    // The local image is what it was.
    expect(await place.stdout('images', names[0] ?? '', '-q', '--no-trunc')).toBe(
      `${two.root.digest}\n`.repeat(2),
    );
  });

  test('pushes a lone manifest as it is', async () => {
    await using registry = await serve();
    await using place = await finch();
    const image = buildImage({ docker: true });
    const name = `${registry.host}/app:1.10`;
    await place.load(image, name);
    expect(digestIn(await place.stdout('image', 'push', name))).toBe(image.root.digest);
    const answer = await fetch(`${registry.url}/v2/app/manifests/1.10`);
    expect(answer.headers.get('content-type')).toBe(mediaTypes.dockerManifest);
  });

  test('sends nothing again: one request, and no progress but that it exists', async () => {
    const requests: string[] = [];
    await using registry = await serve({
      onRequest: ({ method, path }) => requests.push(`${method} ${path}`),
    });
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.load(two, name);
    await place.stdout('push', name);
    requests.length = 0;
    const { stderr } = await place.run('push', name);
    expect(requests).toEqual(['HEAD /v2/app/manifests/1']);
    expect(stderr).toMatch(/^index sha256:[0-9a-f]{12}: already exists\n$/);
  });

  test('says each change on one line of stderr where that is no terminal', async () => {
    await using registry = await serve();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.load(buildImage(), name);
    const { stderr } = await place.run('push', name);
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/sha256:[0-9a-f]{12}/, 'ID'));
    expect([...lines].sort()).toEqual([
      'config ID: done',
      expect.stringMatching(/^config ID: uploading \d+\.\d B$/),
      'layer ID: done',
      expect.stringMatching(/^layer ID: uploading \d+\.\d B$/),
      'manifest ID: done',
      expect.stringMatching(/^manifest ID: uploading \d+\.\d B$/),
    ]);
    expect(lines.at(-1)).toBe('manifest ID: done');
  });

  test('prints with --quiet only the whole name', async () => {
    await using registry = await serve();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.load(buildImage(), name);
    for (const flag of ['-q', '--quiet', '--quiet=true']) {
      expect(await place.run('push', flag, name)).toEqual({
        ...{ status: 0, stdout: `${name}\n`, stderr: '' },
      });
    }
  });

  test('pushes every platform with --all-platforms, or says what is missing', async () => {
    await using registry = await serve();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.load(two, name);
    expect(digestIn(await place.stdout('push', '--all-platforms', name))).toBe(two.root.digest);
    await using other = await finch();
    await other.stdout('pull', name);
    await other.stdout('tag', name, `${registry.host}/other:1`);
    expect(await other.run('push', '--all-platforms', `${registry.host}/other:1`)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: `finch: ${registry.host}/other:1 is not all here: linux/arm64 missing
hint: here: linux/amd64; get the rest with: finch pull --all-platforms ${registry.host}/other:1
`,
    });
  });

  test('refuses a platform that is not here, with what is', async () => {
    await using registry = await serve();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.load(two, name);
    expect(await place.run('push', '--platform', 'linux/amd64', '--platform=s390x', name)).toEqual({
      status: 1,
      stdout: '',
      stderr: `finch: ${name} has no linux/s390x in the local store
hint: load or pull an image that has it; here: linux/arm64, linux/amd64
`,
    });
    expect(namesOf(registry.store)).toEqual([]);
  });

  test('keeps the attestations of what is pushed', async () => {
    await using registry = await serve();
    await using place = await finch();
    const image = buildImage();
    const proof = buildImage({ platform: { os: 'unknown', architecture: 'unknown' } });
    const annotations = {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': image.root.digest,
    };
    const unknown = { os: 'unknown', architecture: 'unknown' };
    const built = buildIndex([
      { image, platform: { os: 'linux', architecture: 'amd64' } },
      { image: proof, platform: unknown, annotations },
    ]);
    const name = `${registry.host}/app:1`;
    await place.load(built, name);
    for (const flags of [[], ['--platform', 'linux/amd64'], ['--all-platforms']]) {
      expect(digestIn(await place.stdout('push', ...flags, name))).toBe(built.root.digest);
    }
    expect(await registry.store.has(proof.root)).toBe(true);
  });

  test('fails for a name that is not here, without asking the registry', async () => {
    await using registry = startFakeRegistry();
    await using place = await finch();
    expect(await place.run('push', `${registry.host}/test-push:tag`)).toEqual({
      status: 1,
      stdout: '',
      stderr: `finch: image "${registry.host}/test-push:tag": not found\nhint: see what is here with: finch images\n`,
    });
    expect(registry.requests.length).toBe(0);
  });

  test('takes no id for a name', async () => {
    await using place = await finch();
    await place.load(buildImage(), 'app:1');
    const id = (await place.stdout('images', '-q')).trim();
    const { status, stderr } = await place.run('push', id);
    expect(status).toBe(1);
    expect(stderr).toStartWith(`finch: image "docker.io/library/${id}:latest": not found`);
  });

  test('fails when nobody answers, and when the registry refuses, and keeps the store as it was', async () => {
    await using place = await finch();
    await using registry = startFakeRegistry({
      script: ({ method }) =>
        method === 'POST' ? registryErrorBody(403, 'DENIED', 'not yours') : undefined,
    });
    const gone = startFakeRegistry();
    await gone[Symbol.asyncDispose]();
    for (const [host, message] of [
      [gone.host, `finch: cannot connect to ${gone.host}: connection refused`],
      [registry.host, `finch: registry ${registry.host}: denied: not yours`],
    ] as const) {
      await place.load(buildImage(), `${host}/app:1`);
      const before = await place.stdout('images', '--format', 'json');
      const { status, stdout, stderr } = await place.run('push', '-q', `${host}/app:1`);
      expect([status, stdout]).toEqual([1, '']);
      const [first, hint] = stderr.split('\n');
      expect(first).toBe(message);
      expect(hint).toStartWith('hint: ');
      expect(await place.stdout('images', '--format', 'json')).toBe(before);
    }
  });

  test('ends with status 130 when it is interrupted', async () => {
    const interrupt = new AbortController();
    await using registry = startFakeRegistry({
      script: async (request) => {
        if (request.method !== 'PUT') return undefined;
        interrupt.abort(new FinchError('CANCELLED', 'interrupted'));
        await new Promise((cut) => request.signal.addEventListener('abort', cut));
        return undefined;
      },
    });
    await using place = await finch();
    await place.load(two, `${registry.host}/app:1`);
    const { signal } = interrupt;
    const outcome = await place.runWith({ signal }, 'push', '-q', `${registry.host}/app:1`);
    const ended = `finch: interrupted\nhint: go on with: finch push -q ${registry.host}/app:1\n`;
    expect(outcome).toEqual({ status: 130, stdout: '', stderr: ended });
    expect(registry.manifests.size).toBe(0);
  });

  test.each([
    [['push'], '"finch push" requires at least 1 argument'],
    [['push', '--all-tags', 'a:1'], '--all-tags is about a repository, and not about one image'],
    [['push', '--all-tags', 'a'], 'no tag of a is here'],
    [['push', '--progress', 'tty', 'a'], 'there is no --progress "tty"'],
    [['push', '--limit-rate', '0', 'a'], '--limit-rate "0" is no speed'],
    [['push', '--limit-rate', '10X', 'a'], '--limit-rate "10X" is no speed'],
    [['push', '--max-concurrent-uploads=0', 'a'], '--max-concurrent-uploads "0" is not possible'],
    [['push', '--max-concurrent-uploads=65', 'a'], '--max-concurrent-uploads "65" is not possible'],
    [['push', '--receipt=', 'a'], '--receipt names no file'],
    [['push', '--digest-file', '-', 'a'], '--digest-file names no file'],
    [['push', '--dry-run', '--verify', 'a'], '--dry-run sends nothing that a file or a check'],
    [['push', '--platform', 'linux/', 'a'], 'invalid platform: "linux/"'],
    [
      ['push', '--platform', 'amd64', '--all-platforms', 'a'],
      '--platform and --all-platforms exclude each other',
    ],
    [['push', 'me/UPPER'], 'invalid reference format: "me/UPPER"'],
    [['push', '--sign', 'a'], 'unknown flag: --sign'],
  ])('refuses %j', async (argv, message) => {
    await using place = await finch();
    const { status, stderr } = await place.run(...argv);
    expect(status).toBe(1);
    expect(stderr).toStartWith(`finch: ${message}`);
    expect(stderr).toContain('\nhint: ');
  });
});
