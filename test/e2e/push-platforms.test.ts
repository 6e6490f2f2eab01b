import { describe, expect, test } from 'bun:test';
import { childrenOf, parseDocument } from '../../src/oci/document.ts';
import { buildImage, buildMultiPlatform } from '../support/images.ts';
import { linesOf, readLog } from './support/access-log.ts';
import { type Attested, buildAttested } from './support/attested.ts';
import { expectError } from './support/expectations.ts';
import { areHere } from './support/program.ts';
import { loadAs, pushedDigest } from './support/pushing.ts';
import { repositoryOn, skopeoDigest } from './support/skopeo.ts';
import { type RegistryBench, registryBench } from './support/workbench.ts';

/** A registry bench with the attested image of two platforms, named for the registry. */
async function attestedBench(): Promise<RegistryBench & Attested & { readonly name: string }> {
  const bench = await registryBench();
  const attested = buildAttested();
  return { ...bench, ...attested, name: await loadAs(bench, attested.built) };
}

/** The digests that the index on the registry names, in order. */
async function membersOf(bench: RegistryBench, reference: string): Promise<readonly string[]> {
  const url = `${bench.registry.origin}/v2/app/manifests/${reference}`;
  const accept = 'application/vnd.oci.image.index.v1+json';
  const bytes = await (await fetch(url, { headers: { accept } })).bytes();
  return childrenOf(parseDocument(bytes, { what: url })).map(({ digest }) => digest);
}

describe.skipIf(!areHere('docker-registry', 'skopeo'))('finch push --platform', () => {
  test('sends the named platform with its attestation, and says what it leaves out and the new digest', async () => {
    await using bench = await attestedBench();
    const { stdout, stderr } = await bench.run(`push --platform linux/amd64 ${bench.name}`);
    const digest = pushedDigest(stdout);
    expect(digest).not.toBe(bench.built.root.digest);
    expect(await skopeoDigest(bench.registry, 'app:1')).toBe(digest);
    const kept = [bench.amd64.root.digest, bench.provenanceOfAmd64.root.digest];
    expect(await membersOf(bench, '1')).toEqual(kept);
    const held = await repositoryOn(bench.registryRoot, 'app');
    expect(held.manifests.toSorted()).toEqual([digest, ...kept].toSorted());

    const notes = stderr.split('\n').filter((line) => line.includes('left out'));
    expect(notes).toHaveLength(1);
    expect(notes[0]).toStartWith(`${bench.name}: left out linux/arm64`);
    expect(notes[0]).toContain(digest);
    expect(notes[0]).not.toContain('linux/amd64');
  });

  test('leaves the local image as it is', async () => {
    await using bench = await attestedBench();
    const before = await bench.ok('images --no-trunc --format {{.ID}}/{{.Platform}}');
    await bench.ok(`push -q --platform linux/amd64 ${bench.name}`);
    expect(await bench.ok('images --no-trunc --format {{.ID}}/{{.Platform}}')).toBe(before);
  });

  test('with every platform named leaves the digest unchanged and says nothing of it', async () => {
    await using bench = await attestedBench();
    for (const flags of [
      '--platform linux/arm64,linux/amd64',
      '--platform linux/amd64 --platform linux/arm64',
      '--platform amd64,arm64',
      '--all-platforms',
    ]) {
      const { stdout, stderr } = await bench.run(`push ${flags} ${bench.name}`);
      expect(pushedDigest(stdout)).toBe(bench.built.root.digest);
      expect(stderr).not.toContain('left out');
    }
    expect(await skopeoDigest(bench.registry, 'app:1')).toBe(bench.built.root.digest);
  });

  test('with a platform that is not here fails and lists those that are', async () => {
    await using bench = await attestedBench();
    const log = await readLog(bench.registry);
    for (const platforms of ['linux/s390x', 'linux/amd64,linux/s390x']) {
      expectError(
        await bench.fails(`push --platform ${platforms} ${bench.name}`),
        `${bench.name} has no linux/s390x in the local store`,
        /here: linux\/amd64, linux\/arm64/,
      );
    }
    expect(linesOf(await log.next())).toEqual([]);
  });

  test('of an image of one platform takes that platform and refuses another', async () => {
    await using bench = await registryBench();
    const built = buildImage();
    const name = await loadAs(bench, built);
    expectError(
      await bench.fails(`push --platform linux/arm64 ${name}`),
      `${name} has no linux/arm64 in the local store`,
      /here: linux\/amd64/,
    );
    expect(pushedDigest(await bench.ok(`push --platform linux/amd64 ${name}`))).toBe(
      built.root.digest,
    );
  });

  test('refuses what is no platform, and --all-platforms beside it', async () => {
    await using bench = await attestedBench();
    expectError(await bench.fails(`push --platform a/b/c/d ${bench.name}`), /platform/);
    expectError(
      await bench.fails(`push --platform linux/amd64 --all-platforms ${bench.name}`),
      '--platform and --all-platforms exclude each other',
    );
  });
});

describe.skipIf(!areHere('docker-registry', 'skopeo'))(
  'finch push of what is here only in part',
  () => {
    /** A bench whose home has pulled linux/amd64 alone of an image of three platforms. */
    async function partBench() {
      const bench = await registryBench();
      const built = buildMultiPlatform('linux/amd64', 'linux/arm64', 'linux/arm/v7');
      const source = await loadAs(bench, built, 'source:1');
      await bench.ok(`push -q ${source}`);
      const home = await bench.newHome();
      await bench.ok(`pull -q --platform linux/amd64 ${source}`, { home });
      const name = `${bench.registry.host}/app:1`;
      await bench.ok(`tag ${source} ${name}`, { home });
      return { ...bench, home, built, name };
    }

    test('sends the platforms that are here, with a note of the others and the new digest', async () => {
      await using bench = await partBench();
      const { home, name } = bench;
      const { stdout, stderr } = await bench.run(`push ${name}`, { home });
      const digest = pushedDigest(stdout);
      expect(digest).not.toBe(bench.built.root.digest);
      expect(await skopeoDigest(bench.registry, 'app:1')).toBe(digest);
      expect(await membersOf(bench, '1')).toHaveLength(1);
      expect(stderr).toContain(
        `${name}: left out linux/arm64, linux/arm/v7; what is pushed is ${digest}\n`,
      );
    });

    test('with --all-platforms, or with a platform that is missing, fails and lists what is here', async () => {
      await using bench = await partBench();
      const { home, name } = bench;
      const log = await readLog(bench.registry);
      expectError(
        await bench.fails(`push --all-platforms ${name}`, { home }),
        `${name} is not all here: linux/arm64, linux/arm/v7 missing`,
        /here: linux\/amd64;.*finch pull --all-platforms/,
      );
      expectError(
        await bench.fails(`push --platform linux/arm64 ${name}`, { home }),
        `${name} has no linux/arm64 in the local store`,
        /here: linux\/amd64/,
      );
      expect(linesOf(await log.next())).toEqual([]);
    });

    test('sends all of it unchanged after the rest was pulled', async () => {
      await using bench = await partBench();
      const { home, name } = bench;
      await bench.ok(`pull -q --all-platforms ${bench.registry.host}/source:1`, { home });
      expect(pushedDigest(await bench.ok(`push ${name}`, { home }))).toBe(bench.built.root.digest);
    });
  },
);
