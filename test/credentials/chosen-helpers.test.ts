import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { allHelpers, chosenHelpers } from '../../src/credentials/chosen-helpers.ts';
import type { LoginFile } from '../../src/credentials/places.ts';
import { serverName } from '../../src/credentials/server-name.ts';
import { hasCode } from '../../src/errors.ts';
import { isJsonObject, type JsonObject } from '../../src/oci/json.ts';

const docker: LoginFile = {
  path: '/config.json',
  isOwn: true,
  isHome: true,
  format: 'config.json',
};
const podman: LoginFile = { path: '/auth.json', isOwn: false, isHome: false, format: 'auth.json' };
const server = serverName('ghcr.io');

test.each([
  [{}, undefined],
  [{ credHelpers: null, credsStore: null }, undefined],
  [{ credsStore: '' }, undefined],
  [{ credHelpers: { 'other.test': 'a' } }, undefined],
  [{ credsStore: 'b' }, ['b']],
  [{ credHelpers: { 'ghcr.io': 'a' }, credsStore: 'b' }, ['a', 'b']],
  [{ credHelpers: { 'ghcr.io': 'b' }, credsStore: 'b' }, ['b']],
  [{ credHelpers: { 'https://ghcr.io/v2/': 'a', 'ghcr.io': 'c' } }, ['c']],
  [{ credHelpers: { 'ghcr.io': '' }, credsStore: 'b' }, []],
  [{ credHelpers: { 'ghcr.io': 'finch' }, credsStore: 'b' }, []],
  [{ credHelpers: { 'ghcr.io': 'a' }, credsStore: 'finch' }, ['a']],
])('%j names for a server: %j', (config, names) => {
  expect(chosenHelpers(config, { server, file: docker })).toEqual(names);
});

test('podman knows no credsStore', () => {
  const config = { credHelpers: { 'ghcr.io': 'a' }, credsStore: 'b' };
  expect(chosenHelpers(config, { server, file: podman })).toEqual(['a']);
  expect(allHelpers(config, podman)).toEqual(['a']);
  expect(allHelpers(config, docker)).toEqual(['a', 'b']);
});

test('whatever the configuration, there are names or a clean error', () => {
  const value = fc.oneof(fc.jsonValue(), fc.string(), fc.constantFrom('', 'finch', 'pass'));
  const config = fc.record(
    {
      credHelpers: fc.oneof(
        fc.jsonValue(),
        fc.dictionary(fc.constantFrom('ghcr.io', 'https://ghcr.io', '__proto__'), value),
      ),
      credsStore: value,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(config, fc.constantFrom(docker, podman), (object, file) => {
      const json: unknown = JSON.parse(JSON.stringify(object));
      const parsed: JsonObject = isJsonObject(json) ? json : {};
      try {
        const names = chosenHelpers(parsed, { server, file }) ?? [];
        expect(names.every((name) => typeof name === 'string' && name !== '')).toBe(true);
        expect(allHelpers(parsed, file)).toEqual(expect.arrayContaining([...names]));
      } catch (error) {
        if (!hasCode(error, 'CONFIG_INVALID')) throw error;
        expect(error.message).not.toMatch(/\p{Cc}/u);
      }
    }),
  );
});
