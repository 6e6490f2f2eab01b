import { expect, test } from 'bun:test';
import type { Engine } from '../../src/engine/engine.ts';
import { knownImages, newerSide } from '../../src/engine/known-images.ts';
import { toDigest } from '../../src/oci/digest.ts';

const A = toDigest('sha256', 'a1'.repeat(32));
const B = toDigest('sha256', 'b2'.repeat(32));

test('of what nerdctl says, only names that were asked for and whole lines are taken', async () => {
  const said = [`one:1 ${A} 5`, `other:1 ${A} 5`, `two:1 sha256:short 5`, `three:1 ${B} soon`, ''];
  const engine: Pick<Engine, 'capture'> = {
    capture: async () => ({
      status: 1,
      stdout: new TextEncoder().encode(said.join('\n')),
      stderr: new Uint8Array(),
      fault: undefined,
    }),
  };
  const names = ['one:1', 'two:1', 'three:1', 'missing:1'];
  const known = await knownImages(engine as Engine, { names });
  expect([...known]).toEqual([['one:1', { digest: A, updatedAt: 5 }]]);
});

test('the newer side counts, or the only one', () => {
  const here = { target: { mediaType: '', digest: A, size: 0 }, createdAt: new Date(10) };
  expect(newerSide(here, { digest: A, updatedAt: 99 })).toBe('same');
  expect(newerSide(undefined, undefined)).toBe('same');
  expect(newerSide(here, { digest: B, updatedAt: 11 })).toBe('there');
  expect(newerSide(here, { digest: B, updatedAt: 9 })).toBe('here');
  expect(newerSide(here, undefined)).toBe('here');
  expect(newerSide(undefined, { digest: B, updatedAt: 0 })).toBe('there');
});
