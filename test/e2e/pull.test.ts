import { describe, expect, test } from 'bun:test';
import { writeDockerArchive } from '../demo/hello-finch.ts';
import { type Built, buildImage, buildMultiPlatform, layerTar } from '../support/images.ts';
import { linesOf, readLog } from './support/access-log.ts';
import { writeOciArchive } from './support/archives.ts';
import { buildAttested } from './support/attested.ts';
import { expectError } from './support/expectations.ts';
import { blobsIn, namesIn } from './support/home-contents.ts';
import { areHere } from './support/program.ts';
import { login, type RegistryBench, registryBench, secureBench } from './support/workbench.ts';

const here = process.arch === 'x64' ? 'linux/amd64' : 'linux/arm64';
const elsewhere = process.arch === 'x64' ? 'linux/arm64' : 'linux/amd64';

/** Pushes an image from a home of its own, and gives its name on the registry. */
async function publish(bench: RegistryBench, built: Built, name = 'app:1'): Promise<string> {
  const home = await bench.newHome();
  if (bench.registry.ca !== undefined) await login(bench, home);
  await writeOciArchive(bench.path('image.tar'), name, built);
  await bench.ok('load -q -i image.tar', { home });
  const remote = `${bench.registry.host}/${name}`;
  await bench.ok(`tag ${name} ${remote}`, { home });
  await bench.ok(`push -q ${remote}`, { home });
  return remote;
}

function digestsOf({ blobs }: Built): readonly string[] {
  return [...blobs.keys()].toSorted();
}

describe.skipIf(!areHere('docker-registry'))('finch pull into an empty home', () => {
  test("brings this machine's platform, with the digest of the whole index", async () => {
    await using bench = await registryBench();
    const built = buildMultiPlatform('linux/amd64', 'linux/arm64');
    const name = await publish(bench, built);
    const { stdout, stderr } = await bench.run(`pull ${name}`);
    expect(stdout).toBe(`${name}: digest: ${built.root.digest} size: ${built.root.size}\n`);
    expect(stderr).toContain('downloading');
    expect(await bench.ok(['images', '--no-trunc', '--format', '{{.ID}} {{.Platform}}'])).toBe(
      `${built.root.digest} ${here}\n`,
    );
    // The index, and manifest, configuration and layer of one platform.
    expect(await blobsIn(bench.home)).toHaveLength(4);
  });

  test('brings both platforms when both are named, or all are asked for', async () => {
    await using bench = await registryBench();
    const built = buildMultiPlatform('linux/amd64', 'linux/arm64');
    const name = await publish(bench, built);
    for (const flags of ['--platform linux/amd64,linux/arm64', '--all-platforms']) {
      const home = await bench.newHome();
      expect(await bench.ok(`pull -q ${flags} ${name}`, { home })).toBe(`${name}\n`);
      expect(await blobsIn(home)).toEqual(digestsOf(built));
      expect(await namesIn(home)).toEqual({ [name]: built.root.digest });
      const shown = await bench.ok(['images', '--format', '{{.Platform}} {{.Size}}'], { home });
      expect(shown).toContain(`${elsewhere} 0.0 B\n`);
    }
  });

  test('brings another platform when that is named', async () => {
    await using bench = await registryBench();
    const name = await publish(bench, buildMultiPlatform('linux/amd64', 'linux/arm64'));
    await bench.ok(`pull -q --platform ${elsewhere} ${name}`);
    expect(await bench.ok(['images', '--format', '{{.Platform}}'])).toBe(`${elsewhere}\n`);
  });

  test('brings the attestation of a platform along', async () => {
    await using bench = await registryBench();
    const { built, arm64, provenanceOfArm64 } = buildAttested();
    const name = await publish(bench, built);
    await bench.ok(`pull -q --platform linux/arm64 ${name}`);
    expect(await blobsIn(bench.home)).toEqual(
      [built.root.digest, ...digestsOf(arm64), ...digestsOf(provenanceOfArm64)].toSorted(),
    );
  });

  test('brings what a digest names, an index or a manifest', async () => {
    await using bench = await registryBench();
    const built = buildMultiPlatform('linux/amd64', 'linux/arm64');
    const name = await publish(bench, built);
    const repository = name.replace(/:1$/, '');
    const manifests = built.order.filter(({ mediaType }) => mediaType.includes('manifest'));
    for (const { digest, size } of [...manifests, built.root]) {
      const home = await bench.newHome();
      expect(await bench.ok(`pull ${repository}@${digest}`, { home })).toBe(
        `${repository}@${digest}: digest: ${digest} size: ${size}\n`,
      );
      const shown = await bench.ok(['images', '--format', '{{.Repository}} {{.Tag}} {{.Digest}}'], {
        home,
      });
      expect(shown).toBe(`${repository} <none> ${digest}\n`);
    }
  });

  test('brings an image of one platform, whichever that is, with the digest that was pushed', async () => {
    await using bench = await registryBench();
    await writeDockerArchive(
      bench.path('hello-finch.tar'),
      here === 'linux/amd64' ? 'amd64' : 'arm64',
    );
    const home = await bench.newHome();
    const name = `${bench.registry.host}/hello-finch:latest`;
    await bench.ok('load -q -i hello-finch.tar', { home });
    await bench.ok(`tag hello-finch ${name}`, { home });
    const pushed = await bench.ok(`push ${name}`, { home });
    expect(await bench.ok(`pull ${name}`)).toBe(pushed);
    expect(await blobsIn(bench.home)).toEqual(await blobsIn(home));
    const row = ['images', '--format', '{{.ID}} {{.Size}} {{.BlobSize}} {{.Platform}}', name];
    expect(await bench.ok(row)).toBe(await bench.ok(row, { home }));
  });

  test('keeps Docker media types and their digest', async () => {
    await using bench = await registryBench();
    const built = buildImage({
      docker: true,
      platform: { os: 'linux', architecture: here.slice(6) },
    });
    const name = await publish(bench, built);
    expect(await bench.ok(`pull ${name}`)).toContain(`digest: ${built.root.digest} `);
    expect(await blobsIn(bench.home)).toEqual(digestsOf(built));
  });

  test('takes the tag latest when none is named', async () => {
    await using bench = await registryBench();
    const name = await publish(bench, buildMultiPlatform(here), 'app:latest');
    await bench.ok(`pull -q ${name.replace(/:latest$/, '')}`);
    expect(Object.keys(await namesIn(bench.home))).toEqual([name]);
  });
});

describe.skipIf(!areHere('docker-registry', 'openssl'))(
  'finch pull of what is here already',
  () => {
    test('costs one request behind the login when the tag is unchanged', async () => {
      await using bench = await secureBench();
      const name = await publish(bench, buildMultiPlatform('linux/amd64', 'linux/arm64'));
      await login(bench);
      const first = await bench.ok(`pull ${name}`);
      const log = await readLog(bench.registry);
      expect(await bench.ok(`pull ${name}`)).toBe(first);
      // How this registry asks who it is has been remembered.
      expect(linesOf(await log.next())).toEqual(['HEAD /v2/app/manifests/1 200']);
    });

    test('fetches only the platforms that are missing', async () => {
      await using bench = await registryBench();
      const built = buildMultiPlatform('linux/amd64', 'linux/arm64');
      const name = await publish(bench, built);
      await bench.ok(`pull -q --platform linux/amd64 ${name}`);
      const here = new Set<string>(await blobsIn(bench.home));
      const log = await readLog(bench.registry);
      await bench.ok(`pull -q --all-platforms ${name}`);
      const fetched = (await log.next()).filter(({ method }) => method === 'GET');
      const missing = digestsOf(built).filter((digest) => !here.has(digest));
      expect(fetched.map(({ path }) => path.replace(/.*\//, '')).toSorted()).toEqual(missing);
      expect(await blobsIn(bench.home)).toEqual(digestsOf(built));
    });

    test('follows a tag that was moved', async () => {
      await using bench = await registryBench();
      const [one, two] = ['one', 'two'].map((text) =>
        buildImage({
          layers: [layerTar('shared', 'shared'), layerTar(text)],
          platform: { os: 'linux', architecture: here.slice(6) },
        }),
      ) as [Built, Built];
      const name = await publish(bench, one);
      await bench.ok(`pull -q ${name}`);
      await publish(bench, two);
      const log = await readLog(bench.registry);
      await bench.ok(`pull -q ${name}`);
      expect(await namesIn(bench.home)).toEqual({ [name]: two.root.digest });
      const blobs = (await log.next()).filter(
        ({ method, path }) => method === 'GET' && path.includes('/blobs/'),
      );
      // The new layer and the new configuration; the shared layer is here.
      expect(blobs).toHaveLength(2);
    });
  },
);

describe.skipIf(!areHere('docker-registry'))('finch pull fails', () => {
  test('for a platform that the image does not have, lists those that it has, and stores nothing', async () => {
    await using bench = await registryBench();
    const name = await publish(bench, buildMultiPlatform('linux/amd64', 'linux/arm64'));
    expectError(
      await bench.fails(`pull --platform linux/s390x ${name}`),
      `${name} has no linux/s390x`,
      /it has: linux\/amd64, linux\/arm64;/,
    );
    expect(await blobsIn(bench.home)).toEqual([]);
    expect(await bench.ok('images -q')).toBe('');
  });

  test('for a tag, a repository or a digest that is not there, and stores nothing', async () => {
    await using bench = await registryBench();
    const name = await publish(bench, buildImage());
    const nothing = `sha256:${'0'.repeat(64)}`;
    for (const missing of [
      name.replace(/1$/, '2'),
      `${bench.registry.host}/nothing:1`,
      name.replace(/:1$/, `@${nothing}`),
    ]) {
      expectError(
        await bench.fails(`pull ${missing}`),
        `${missing} is not in the registry`,
        /check/,
      );
    }
    expect(await blobsIn(bench.home)).toEqual([]);
    expect(await namesIn(bench.home)).toEqual({});
  });

  test('for what is no name, before it asks anyone', async () => {
    await using bench = await registryBench();
    for (const name of [
      'UPPER',
      'app:',
      'a b',
      '-',
      'app@sha256:1234',
      'https://example.com/app',
    ]) {
      expectError(await bench.fails(['pull', name]), /invalid reference format/, /ghcr\.io/);
    }
  });
});
