import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { expiryOf } from '../../src/credentials/expiry.ts';

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');
const password = (secret: string) =>
  expiryOf({ kind: 'password', username: 'AWS', secret })?.toISOString();

test('a JSON Web Token says in `exp` when it ends', () => {
  const token = `${base64({ alg: 'x' })}.${base64({ exp: 1_795_348_800 })}.x`;
  expect(password(token)).toBe('2026-11-22T12:00:00.000Z');
  expect(expiryOf({ kind: 'identity-token', token })).toEqual(new Date(1_795_348_800_000));
});

test('a password of Amazon ECR says in `expiration` when it ends', () => {
  expect(password(base64({ expiration: 1_795_348_800 }))).toBe('2026-11-22T12:00:00.000Z');
});

test('a secret that says nothing, or nonsense, has no end', () => {
  for (const secret of [
    ...['', 'secret', 'a.b.c', '...', base64('x'), base64([1]), base64(null), base64({})],
    ...['1e400', 'null', '"1795348800"', '-1e18', '{}'].map((number) =>
      Buffer.from(`{"expiration":${number}}`).toString('base64'),
    ),
    `${base64({ expiration: 1 })}${'='.repeat(100_000)}`,
    `${base64({})}.${base64({ expiration: 1 })}.x`,
  ]) {
    expect(password(secret)).toBeUndefined();
  }
});

test('any secret has a time that can be shown, or none', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json().map(base64)), fc.double(), (secret, number) => {
      password(secret);
      password(base64({ expiration: number }));
    }),
  );
});
