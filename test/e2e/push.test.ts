import { describe, expect, test } from 'bun:test';
import { type Built, buildImage, buildMultiPlatform, layerTar } from '../support/images.ts';
import { linesOf, readLog, uploadsIn } from './support/access-log.ts';
import { finchOnTerminal } from './support/dialogue.ts';
import { expectError } from './support/expectations.ts';
import { areHere } from './support/program.ts';
import { loadAs, pushedDigest } from './support/pushing.ts';
import { pullVerified, skopeoDigest } from './support/skopeo.ts';
import { login, registryBench, secureBench } from './support/workbench.ts';

describe.skipIf(!areHere('docker-registry', 'skopeo', 'openssl'))(
  'finch push of what is there already',
  () => {
    test('costs one request behind the login and sends nothing', async () => {
      await using bench = await secureBench();
      const built = buildMultiPlatform('linux/amd64', 'linux/arm64');
      const name = await loadAs(bench, built);
      await login(bench);
      const first = await bench.ok(`push ${name}`);
      const log = await readLog(bench.registry);
      expect(await bench.ok(`push ${name}`)).toBe(first);
      // How this registry asks who it is has been remembered.
      expect(linesOf(await log.next())).toEqual(['HEAD /v2/app/manifests/1 200']);
    });

    test('under another tag sends no blob and no part of one', async () => {
      await using bench = await registryBench();
      const built = buildMultiPlatform('linux/amd64', 'linux/arm64');
      const name = await loadAs(bench, built);
      const log = await readLog(bench.registry);
      await bench.ok(`push -q ${name}`);
      // Two configurations and two layers, each asked for and sent.
      expect(uploadsIn(await log.next())).toHaveLength(8);

      const other = name.replace(/1$/, '2');
      await bench.ok(`tag ${name} ${other}`);
      await bench.ok(`push -q ${other}`);
      const requests = await log.next();
      expect(uploadsIn(requests)).toEqual([]);
      expect(linesOf(requests)).toContain('PUT /v2/app/manifests/2 201');
      expect(await skopeoDigest(bench.registry, 'app:2')).toBe(built.root.digest);
    });

    test('sends a layer that two images share once', async () => {
      await using bench = await registryBench();
      // Small ones are sent without asking, where asking would take as long.
      const noise = crypto.getRandomValues(new Uint8Array(60_000)).toBase64().repeat(2);
      const shared = layerTar(noise, 'shared');
      const [one, two] = ['one', 'two'].map((text) =>
        buildImage({ layers: [shared, layerTar(text, text)] }),
      ) as [Built, Built];
      const log = await readLog(bench.registry);
      await bench.ok(`push -q ${await loadAs(bench, one, 'app:1')}`);
      expect(uploadsIn(await log.next())).toHaveLength(6);
      await bench.ok(`push -q ${await loadAs(bench, two, 'app:2')}`);
      expect(uploadsIn(await log.next())).toHaveLength(4);
      const pulled = await pullVerified(bench.registry, {
        name: 'app:2',
        to: bench.path('pulled'),
      });
      expect(pulled).toEqual({ root: two.root.digest, blobs: 3 });
    });
  },
);

describe.skipIf(!areHere('docker-registry', 'skopeo'))('finch push', () => {
  test('sends documents behind what they name, and the tag last', async () => {
    await using bench = await registryBench();
    const built = buildMultiPlatform('linux/amd64', 'linux/arm64');
    const name = await loadAs(bench, built);
    const log = await readLog(bench.registry);
    await bench.ok(`push -q ${name}`);
    const sent = (await log.next()).filter(({ method }) => method === 'PUT');
    expect(sent.at(-1)).toEqual({ method: 'PUT', path: '/v2/app/manifests/1', status: 201 });
    const [manifests, blobs] = ['/manifests/sha256:', '/blobs/'].map(
      (part) => sent.filter(({ path }) => path.includes(part)).length,
    );
    expect({ manifests, blobs, all: sent.length }).toEqual({ manifests: 2, blobs: 4, all: 7 });
  });

  test('--quiet prints only the name', async () => {
    await using bench = await registryBench();
    const name = await loadAs(bench, buildImage());
    for (const flag of ['-q', '--quiet']) {
      expect(await bench.run(`push ${flag} ${name}`)).toEqual({
        stdout: `${name}\n`,
        stderr: '',
        exitCode: 0,
      });
    }
  });

  test('says on stderr one line for each change, without escape codes, and the digest on stdout', async () => {
    await using bench = await registryBench();
    const built = buildImage();
    const name = await loadAs(bench, built);
    const { stdout, stderr } = await bench.run(`push ${name}`);
    expect(stdout).toBe(`${name}: digest: ${built.root.digest} size: ${built.root.size}\n`);
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(6);
    for (const line of lines) {
      expect(line).toMatch(
        /^(?:config|layer|manifest) sha256:[0-9a-f]{12}: (?:uploading [0-9.]+ B|done)$/,
      );
    }
  });

  test('draws bars on a terminal', async () => {
    await using bench = await registryBench();
    const name = await loadAs(bench, buildImage());
    const { screen, exitCode } = await finchOnTerminal(['push', name], { home: bench.home });
    expect(exitCode).toBe(0);
    expect(screen).toMatch(/layer-sha256:[0-9a-f]+:\s+done/);
    expect(screen).toContain('elapsed:');
    expect(screen).toMatch(/: digest: sha256:[0-9a-f]{64} size: \d+\r\n$/);
  });

  test('keeps Docker media types and their digest', async () => {
    await using bench = await registryBench();
    const built = buildImage({ docker: true });
    const name = await loadAs(bench, built);
    expect(pushedDigest(await bench.ok(`push ${name}`))).toBe(built.root.digest);
    const pulled = await pullVerified(bench.registry, { name: 'app:1', to: bench.path('pulled') });
    expect(pulled).toEqual({ root: built.root.digest, blobs: 2 });
  });

  test('sends layers of all sizes', async () => {
    await using bench = await registryBench();
    const layers = [0, 1, 5_000_000].map((length, i) => layerTar('x'.repeat(length), `file-${i}`));
    const noise = crypto.getRandomValues(new Uint8Array(60_000)).toBase64().repeat(40);
    const built = buildImage({ layers: [...layers, layerTar(noise, 'noise')] });
    await bench.ok(`push -q ${await loadAs(bench, built)}`);
    const pulled = await pullVerified(bench.registry, { name: 'app:1', to: bench.path('pulled') });
    expect(pulled).toEqual({ root: built.root.digest, blobs: 5 });
  });

  test('of a name that is not there fails, says so, and asks no registry', async () => {
    await using bench = await registryBench();
    const log = await readLog(bench.registry);
    const name = `${bench.registry.host}/nothing:1`;
    expectError(
      await bench.fails(`push ${name}`),
      `image "${name}": not found`,
      'see what is here with: finch images',
    );
    expect(linesOf(await log.next())).toEqual([]);
  });

  test('replaces what the tag named before', async () => {
    await using bench = await registryBench();
    const [one, two] = ['one', 'two'].map((text) => buildImage({ layers: [layerTar(text)] })) as [
      Built,
      Built,
    ];
    await bench.ok(`push -q ${await loadAs(bench, one)}`);
    await bench.ok(`push -q ${await loadAs(bench, two)}`);
    expect(await skopeoDigest(bench.registry, 'app:1')).toBe(two.root.digest);
  });
});
