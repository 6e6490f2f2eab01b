import { describe, expect, test } from 'bun:test';
import { option, property, record, string } from 'fast-check';
import {
  formatPlatform,
  matchesPlatform,
  normalizePlatform,
  type Platform,
  parsePlatform,
  readPlatform,
} from '../../src/oci/platform.ts';
import { check, expectOnlyFinchErrors, finchErrorOf, platforms } from './arbitraries.ts';

/** Any platform that a foreign document could name. */
const foreignPlatforms = record({
  os: string({ minLength: 1 }),
  architecture: string({ minLength: 1 }),
  variant: option(string()),
}).map(({ variant, ...rest }) => (variant === null ? rest : { ...rest, variant }));

const inherited: [Platform][] = ['constructor', '__proto__', 'toString'].map((architecture) => [
  { os: 'linux', architecture },
]);

describe('parsePlatform()', () => {
  test.each([
    ['linux/amd64', { os: 'linux', architecture: 'amd64' }],
    ['linux/arm64', { os: 'linux', architecture: 'arm64' }],
    ['Linux/AMD64', { os: 'linux', architecture: 'amd64' }],
    ['amd64', { os: 'linux', architecture: 'amd64' }],
    ['arm64', { os: 'linux', architecture: 'arm64' }],
    ['x86_64', { os: 'linux', architecture: 'amd64' }],
    ['x86-64', { os: 'linux', architecture: 'amd64' }],
    ['aarch64', { os: 'linux', architecture: 'arm64' }],
    ['armhf', { os: 'linux', architecture: 'arm', variant: 'v7' }],
    ['armel', { os: 'linux', architecture: 'arm', variant: 'v6' }],
    ['i386', { os: 'linux', architecture: '386' }],
    ['linux/x86_64', { os: 'linux', architecture: 'amd64' }],
    ['linux/arm64/v8', { os: 'linux', architecture: 'arm64' }],
    ['linux/arm64/8', { os: 'linux', architecture: 'arm64' }],
    ['linux/amd64/v1', { os: 'linux', architecture: 'amd64' }],
    ['linux/amd64/v3', { os: 'linux', architecture: 'amd64', variant: 'v3' }],
    ['linux/arm', { os: 'linux', architecture: 'arm' }],
    ['linux/arm/v6', { os: 'linux', architecture: 'arm', variant: 'v6' }],
    ['linux/arm/7', { os: 'linux', architecture: 'arm', variant: 'v7' }],
    ['macos/arm64', { os: 'darwin', architecture: 'arm64' }],
    [
      'windows/amd64:10.0.20348.1',
      { os: 'windows', architecture: 'amd64', osVersion: '10.0.20348.1' },
    ],
    [
      'windows(10.0.20348)/amd64',
      { os: 'windows', architecture: 'amd64', osVersion: '10.0.20348' },
    ],
  ])('reads %s', (text, platform) => {
    expect(parsePlatform(text)).toEqual(platform);
  });

  test.each([
    [''],
    ['linux'],
    ['/'],
    ['linux/'],
    ['/amd64'],
    ['linux//v7'],
    ['linux/arm/v7/x'],
    [' linux/amd64'],
    ['linux/amd64 '],
    ['linux/amd64,linux/arm64'],
    ['linux/amd64:'],
    ['linux/amd64:1:2'],
    ['windows()/amd64'],
    ['lin ux/amd64'],
    ['linux/amd\u001b64'],
    ['constructor'],
    ['__proto__'],
  ])('refuses %j', (text) => {
    const error = finchErrorOf(() => parsePlatform(text));
    expect(error.code).toBe('PLATFORM_INVALID');
    expect(error.hint).toBeDefined();
  });

  test('throws nothing but FinchError', () => {
    check(
      property(string({ unit: 'binary' }), (text) =>
        expectOnlyFinchErrors(() => parsePlatform(text)),
      ),
      { examples: [['linux/constructor'], ['linux/__proto__'], ['x\u009b31m']] },
    );
  });

  test('reads back what formatPlatform() shows', () => {
    check(
      property(platforms, (platform) => {
        expect(parsePlatform(formatPlatform(platform))).toEqual(platform);
      }),
    );
  });
});

describe('normalizePlatform()', () => {
  test('takes arm without a variant as v7', () => {
    expect(normalizePlatform({ os: 'linux', architecture: 'arm' })).toEqual({
      os: 'linux',
      architecture: 'arm',
      variant: 'v7',
    });
  });

  test('changes nothing the second time', () => {
    check(
      property(foreignPlatforms, (platform) => {
        const once = normalizePlatform(platform);
        expect(normalizePlatform(once)).toEqual(once);
      }),
      { examples: inherited },
    );
  });
});

describe('formatPlatform()', () => {
  test.each([
    [{ os: 'linux', architecture: 'amd64' }, 'linux/amd64'],
    [{ os: 'linux', architecture: 'arm64', variant: 'v8' }, 'linux/arm64'],
    [{ os: 'linux', architecture: 'aarch64' }, 'linux/arm64'],
    [{ os: 'linux', architecture: 'arm' }, 'linux/arm/v7'],
    [{ os: 'linux', architecture: 'arm', variant: 'v6' }, 'linux/arm/v6'],
    [{ os: 'windows', architecture: 'amd64', osVersion: '10.0.1' }, 'windows/amd64'],
  ])('shows %j as %s', (platform, text) => {
    expect(formatPlatform(platform)).toBe(text);
  });
});

describe('matchesPlatform()', () => {
  const selects = (selector: string, platform: Platform) =>
    matchesPlatform(parsePlatform(selector), platform);

  test.each([
    ['linux/amd64', 'linux/amd64', true],
    ['linux/amd64', 'linux/x86_64', true],
    ['linux/amd64', 'linux/amd64/v1', true],
    ['linux/amd64/v1', 'linux/amd64', true],
    ['linux/amd64', 'linux/amd64/v3', false],
    ['linux/amd64/v3', 'linux/amd64', false],
    ['linux/arm64', 'linux/aarch64', true],
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm64/v8', 'linux/arm64', true],
    ['linux/arm64', 'linux/amd64', false],
    ['linux/amd64', 'windows/amd64', false],
    ['linux/arm', 'linux/arm', true],
    ['linux/arm', 'linux/arm/v5', true],
    ['linux/arm', 'linux/arm/v6', true],
    ['linux/arm', 'linux/arm/v7', true],
    ['linux/arm', 'linux/arm64', false],
    ['linux/arm/v7', 'linux/arm', true],
    ['linux/arm/v7', 'linux/arm/v6', false],
    ['linux/arm/v6', 'linux/arm/v7', false],
    ['linux/armhf', 'linux/arm', true],
    ['linux/386', 'linux/i386', true],
    ['linux/amd64', 'unknown/unknown', false],
  ])('%s and %s: %p', (selector, platform, matches) => {
    const [os = '', architecture = '', variant] = platform.split('/');
    const has = { os, architecture, ...(variant !== undefined && { variant }) };
    expect(selects(selector, has)).toBe(matches);
  });

  test.each([
    ['windows/amd64', '10.0.20348.1', true],
    ['windows/amd64', undefined, true],
    ['windows/amd64:10.0.20348', '10.0.20348.1', true],
    ['windows/amd64:10.0.20348', '10.0.20348', true],
    ['windows/amd64:10.0.20348.1', '10.0.20348.1', true],
    ['windows/amd64:10.0.20348.1', '10.0.20348.11', false],
    ['windows/amd64:10.0.2034', '10.0.20348.1', false],
    ['windows/amd64:10.0.20348', undefined, false],
    ['windows(10.0.17763)/amd64', '10.0.20348.1', false],
  ])('%s and version %p: %p', (selector, osVersion, matches) => {
    const has = {
      os: 'windows',
      architecture: 'amd64',
      ...(osVersion !== undefined && { osVersion }),
    };
    expect(selects(selector, has)).toBe(matches);
  });

  test('every platform selects itself', () => {
    check(
      property(foreignPlatforms, (platform) => {
        expect(matchesPlatform(platform, platform)).toBe(true);
      }),
      { examples: inherited },
    );
  });
});

describe('readPlatform()', () => {
  test('reads the names of the specification', () => {
    expect(
      readPlatform({
        os: 'windows',
        architecture: 'arm',
        variant: 'v7',
        'os.version': '10.0.1',
        'os.features': ['win32k'],
      }),
    ).toEqual({ os: 'windows', architecture: 'arm', variant: 'v7', osVersion: '10.0.1' });
  });

  test.each([
    [{}],
    [{ os: 'linux' }],
    [{ os: '', architecture: 'amd64' }],
    [{ os: 'x'.repeat(1000), architecture: 'amd64' }],
    [{ os: 1, architecture: 2 }],
  ])('finds none in %j', (value) => {
    expect(readPlatform(value)).toBeUndefined();
  });

  test('leaves out what is empty or no text', () => {
    expect(
      readPlatform({ os: 'linux', architecture: 'amd64', variant: '', 'os.version': 7 }),
    ).toEqual({ os: 'linux', architecture: 'amd64' });
  });
});
