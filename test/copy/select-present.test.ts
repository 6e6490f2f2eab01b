import { describe, expect, test } from 'bun:test';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { attested, type Make, many, outcome, select } from './selecting.ts';

describe('selectPlatforms() of an index that is here in part', () => {
  test.each([
    ['present', ['amd'], 'arm64 v6 v7 win19 win22 | linux/amd64'],
    [
      'present',
      ['amd', 'v6', 'win19'],
      'arm64 v7 win22 | linux/amd64, linux/arm/v6, windows/amd64:10.0.17763.1',
    ],
    [
      'linux/arm64',
      ['amd'],
      'arm64 | linux/amd64, linux/arm/v6, linux/arm/v7, windows/amd64:10.0.17763.1, windows/amd64:10.0.20348.2',
    ],
    [
      'linux/arm',
      ['v6'],
      'v7 | linux/amd64, linux/arm64, linux/arm/v6, windows/amd64:10.0.17763.1, windows/amd64:10.0.20348.2',
    ],
  ])('with %s, without %p, gives %s', async (choice, without, expected) => {
    expect(await outcome(many, choice, without)).toBe(expected);
  });

  test.each(['amd.layer', 'amd.config'])(
    'refuses what is left of a platform without %s, and takes the others when they are named',
    async (lost) => {
      expect(await outcome(many, 'present', [lost])).toBe(
        'CONTENT_DAMAGED: linux/amd64 of app:1 is damaged in the local store; ' +
          'pull or load the image again, or choose what to push with --platform',
      );
      expect(await outcome(many, 'linux/arm64', [lost])).toStartWith('arm64 | ');
    },
  );

  test('refuses a named platform that is not here, and lists what is', async () => {
    const expected =
      'PLATFORM_MISSING: app:1 has no linux/amd64 in the local store; ' +
      'load or pull an image that has it; ' +
      'here: linux/arm64, linux/arm/v6, linux/arm/v7, windows/amd64';
    expect(await outcome(many, 'linux/amd64', ['amd'])).toBe(expected);
    expect(await outcome(many, 'linux/arm64,linux/amd64', ['amd.config'])).toBe(expected);
  });

  test('refuses a platform that the index does not name', async () => {
    expect(await outcome(many, 'linux/s390x')).toStartWith(
      'PLATFORM_MISSING: app:1 has no linux/s390x in the local store; load or pull an image that has it; here: linux/amd64,',
    );
    // Equality, not "can run".
    expect(await outcome(many, 'linux/arm/v8')).toStartWith('PLATFORM_MISSING');
    expect(await outcome(many, 'linux/amd64/v2')).toStartWith('PLATFORM_MISSING');
  });

  test('refuses all when some is missing, says what, and how to get it', async () => {
    const expected =
      'PLATFORM_MISSING: app:1 is not all here: linux/amd64, attestations missing; ' +
      'here: linux/arm64; get the rest with: finch pull --all-platforms app:1';
    expect(await outcome(attested, 'all', ['amd64.layer', 'amd64.proof'])).toBe(expected);
  });

  test('refuses an index of which nothing is here', async () => {
    const nothing = ['amd64', 'arm64', 'amd64.proof', 'arm64.proof'];
    const refused = 'PLATFORM_MISSING: no platform of app:1 is in the local store';
    expect(await outcome(attested, 'present', nothing)).toStartWith(refused);
    // Attestations alone are no image.
    expect(await outcome(attested, 'present', nothing.slice(0, 2))).toStartWith(refused);
  });

  test('counts an image as here whose layers may not be distributed', async () => {
    const windows: Make = (graph) => {
      const type = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
      const layers = [graph.blob('base', 10, type), graph.blob('top')];
      return graph.index('root', [graph.image('win', 'windows/amd64', { layers })]);
    };
    expect(await outcome(windows, 'present', ['base'])).toBe('same');
    expect(await outcome(windows, 'windows/amd64', ['base'])).toBe('same');
  });
});

describe('selectPlatforms() of nested indexes', () => {
  const nested: Make = (graph) => {
    const [inner, arm] = [graph.image('amd', 'linux/amd64'), graph.image('arm', 'linux/arm64')];
    const other = graph.image('s390', 'linux/s390x');
    return graph.index('root', [graph.index('inner', [inner, arm]), other]);
  };

  test('changes nothing when everything is here', async () => {
    expect(await outcome(nested, 'present')).toBe('same');
    expect(await outcome(nested, 'all')).toBe('same');
  });

  test('finds a named platform that is here inside one', async () => {
    expect(await outcome(nested, 'linux/amd64')).not.toStartWith('PLATFORM_MISSING');
  });

  test('keeps of one what is here when some of it is missing', async () => {
    const { text } = await select(nested, 'present', ['arm']);
    const { manifests } = JSON.parse(text) as { manifests: readonly Descriptor[] };
    // The image for amd64 goes along in some way: as a member, or in a smaller inner index.
    expect(manifests.length).toBe(2);
  });
});

describe('selectPlatforms() of a lone manifest', () => {
  const lone: Make = (graph) => graph.image('lone', 'linux/arm/v6');

  test('gives it unchanged, whatever is chosen of what it is', async () => {
    for (const choice of ['present', 'all', 'linux/arm', 'linux/arm/v6', 'armel,arm']) {
      expect(await outcome(lone, choice)).toBe('same');
    }
  });

  test('refuses another platform, and says which it is', async () => {
    const refused =
      'PLATFORM_MISSING: app:1 has no linux/amd64 in the local store; ' +
      'load or pull an image that has it; here: linux/arm/v6';
    expect(await outcome(lone, 'linux/amd64')).toStartWith(refused);
    expect(await outcome(lone, 'arm,linux/amd64')).toStartWith(refused);
  });

  test('gives an artifact, but not for a platform', async () => {
    const artifact: Make = (graph) => graph.artifact('chart');
    expect(await outcome(artifact, 'present')).toBe('same');
    expect(await outcome(artifact, 'all')).toBe('same');
    expect(await outcome(artifact, 'amd64')).toStartWith('PLATFORM_MISSING');
  });
});
