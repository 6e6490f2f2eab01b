import { describe, expect, test } from 'bun:test';
import { type Served, serve, push as upload } from '../server/served.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage, buildMultiPlatform } from '../support/images.ts';
import { type Finch, finch } from './command-line.ts';

const two = buildMultiPlatform('linux/arm64', 'linux/amd64');

/** A registry that has `app:1`, an index of two platforms, and counts what it is asked. */
async function registryWithApp(): Promise<Served & { readonly requests: string[] }> {
  const requests: string[] = [];
  const registry = await serve({
    onRequest: ({ method, path }) => requests.push(`${method} ${path}`),
  });
  await upload(registry.url, 'app:1', two);
  requests.length = 0;
  return { ...registry, requests };
}

/** The platforms of all images. */
async function platforms(place: Finch): Promise<readonly string[]> {
  return (await place.stdout('images', '--format', '{{.Platform}}')).trimEnd().split('\n');
}

async function blobCount(place: Finch): Promise<number> {
  await using store = await place.openStore();
  const files = await Array.fromAsync(new Bun.Glob('blobs/*/*').scan({ cwd: store.path }));
  return files.length;
}

describe('finch pull', () => {
  test('pulls what this machine runs, and names the whole index', async () => {
    await using registry = await registryWithApp();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    expect(await place.stdout('pull', name)).toBe(
      `${name}: digest: ${two.root.digest} size: ${two.root.size}\n`,
    );
    expect(await platforms(place)).toEqual(['linux/amd64']);
    expect(await place.stdout('images', '-q', '--no-trunc')).toBe(`${two.root.digest}\n`);
    expect(await blobCount(place)).toBe(4);
  });

  test('pulls a lone manifest of another platform with a note, but not when a platform is asked for', async () => {
    const built = buildImage({ platform: { os: 'linux', architecture: 'arm64' } });
    await using registry = await serve();
    await upload(registry.url, 'app:1', built);
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    const refused = await place.run('pull', '-q', '--platform', 'amd64', name);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(`${name} has no linux/amd64`);
    expect(await blobCount(place)).toBe(0);
    expect(await place.run('pull', '-q', name)).toEqual({
      status: 0,
      stdout: `${name}\n`,
      stderr: `${name} is linux/arm64; this machine runs linux/amd64\n`,
    });
    expect(await platforms(place)).toEqual(['linux/arm64']);
  });

  test('on another machine pulls another platform', async () => {
    await using registry = await registryWithApp();
    await using place = await finch({ platform: { os: 'linux', architecture: 'arm64' } });
    await place.stdout('pull', `${registry.host}/app:1`);
    expect(await platforms(place)).toEqual(['linux/arm64']);
  });

  test('pulls the named platforms, or all of them, also one after the other', async () => {
    await using registry = await registryWithApp();
    const name = `${registry.host}/app:1`;
    for (const runs of [
      [['--platform', 'linux/arm64,linux/amd64']],
      [['--platform=arm64', '--platform', 'amd64']],
      [['--all-platforms']],
      [['--platform', 'arm64'], []],
      [[], ['--all-platforms']],
    ]) {
      await using place = await finch();
      for (const flags of runs) await place.stdout('image', 'pull', ...flags, name);
      expect(await platforms(place)).toEqual(['linux/arm64', 'linux/amd64']);
      expect(await blobCount(place)).toBe(7);
    }
  });

  test('asks one question when the tag has not changed, and gives the name anew', async () => {
    await using registry = await registryWithApp();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.stdout('pull', name);
    const created = await place.stdout('images', '--format', '{{.CreatedAt}}');
    registry.requests.length = 0;
    place.now += 3_600_000;
    const { stdout } = await place.run('pull', name);
    expect(stdout).toBe(`${name}: digest: ${two.root.digest} size: ${two.root.size}\n`);
    expect(registry.requests).toEqual(['HEAD /v2/app/manifests/1']);
    // It is given anew: of what a machine has by that name, that would else count as newer.
    expect(await place.stdout('images', '--format', '{{.CreatedAt}}')).toBe(
      created.replace('12:00', '13:00'),
    );
  });

  test('shows the size of what this machine runs, and 0.0 B for the rest', async () => {
    await using registry = await registryWithApp();
    await using place = await finch();
    await place.stdout('pull', '--all-platforms', `${registry.host}/app:1`);
    expect(await place.stdout('images', '--format', '{{.Platform}} {{.Size}}')).toBe(
      'linux/arm64 0.0 B\nlinux/amd64 2.0 KiB\n',
    );
  });

  test('prints with --quiet only the whole name', async () => {
    await using registry = await registryWithApp();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    expect(await place.run('pull', '-q', name)).toEqual({
      status: 0,
      stdout: `${name}\n`,
      stderr: '',
    });
  });

  test('pulls by digest, which is shown without a tag', async () => {
    await using registry = await registryWithApp();
    await using place = await finch();
    const name = `${registry.host}/app@${two.root.digest}`;
    await place.stdout('pull', name);
    expect(await place.stdout('images', '--format', '{{.Tag}} {{.Name}}')).toBe(`<none> ${name}\n`);
  });

  test('takes latest for a missing tag', async () => {
    await using registry = await registryWithApp();
    await upload(registry.url, 'app:latest', two);
    await using place = await finch();
    expect(await place.stdout('pull', '-q', `${registry.host}/app`)).toBe(
      `${registry.host}/app:latest\n`,
    );
  });

  test('makes a store from which everything can be pushed on, with the digest that came', async () => {
    await using registry = await registryWithApp();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.stdout('pull', '--all-platforms', name);
    await using target = await serve();
    await place.stdout('tag', name, `${target.host}/copy:2`);
    expect(await place.stdout('push', `${target.host}/copy:2`)).toContain(two.root.digest);
  });

  test('fails for what is not there, and leaves an empty store empty', async () => {
    await using registry = await registryWithApp();
    await using place = await finch();
    const { host } = registry;
    const failures: readonly (readonly [readonly string[], string])[] = [
      [
        [`${host}/app:2`],
        `finch: ${host}/app:2 is not in the registry\nhint: check the name and the tag`,
      ],
      [[`${host}/nothing:1`], `finch: ${host}/nothing:1 is not in the registry\nhint: `],
      [
        ['--platform', 'linux/s390x', `${host}/app:1`],
        `finch: ${host}/app:1 has no linux/s390x\nhint: it has: linux/arm64, linux/amd64; `,
      ],
    ];
    for (const [argv, message] of failures) {
      const { status, stdout, stderr } = await place.run('pull', ...argv);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toStartWith(message);
      expect(await place.stdout('images', '-q')).toBe('');
      expect(await blobCount(place)).toBe(0);
    }
  });

  test('leaves the store as it was when a blob is not there', async () => {
    await using registry = startFakeRegistry();
    await using place = await finch();
    const image = buildImage();
    await place.load(buildImage({ labels: { other: 'image' } }), `${registry.host}/app:1`);
    const before = [await place.stdout('images', '--format', 'json'), await blobCount(place)];
    const { mediaType, digest } = image.root;
    const bytes = new Uint8Array(image.blobs.get(digest) ?? []);
    registry.manifests.set('app:1', { mediaType, bytes });
    registry.manifests.set(`app@${digest}`, { mediaType, bytes });
    const { status, stderr } = await place.run('pull', '-q', `${registry.host}/app:1`);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^finch: 127\.0\.0\.1:\d+\/app has no blob sha256:/);
    expect([await place.stdout('images', '--format', 'json'), await blobCount(place)]).toEqual(
      before,
    );
  });

  test('fails when nobody answers', async () => {
    const gone = startFakeRegistry();
    await gone[Symbol.asyncDispose]();
    await using place = await finch();
    const { status, stderr } = await place.run('pull', `${gone.host}/app:1`);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `finch: cannot connect to ${gone.host}: connection refused\nhint: check that a registry runs at ${gone.host}\n`,
    );
  });

  test.each([
    [['pull'], '"finch pull" requires exactly 1 argument'],
    [['pull', 'a', 'b'], '"finch pull" requires exactly 1 argument'],
    [['pull', 'Upper'], 'invalid reference format: "Upper"'],
    [['pull', '--platform', 'x', 'a'], 'invalid platform: "x"'],
    [
      ['pull', '--platform', 'amd64', '--all-platforms', 'a'],
      '--platform and --all-platforms exclude',
    ],
  ])('refuses %j', async (argv, message) => {
    await using place = await finch();
    const { status, stderr } = await place.run(...argv);
    expect(status).toBe(1);
    expect(stderr).toStartWith(`finch: ${message}`);
  });
});
