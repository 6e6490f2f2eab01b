import { describe, expect, test } from 'bun:test';
import { CANARY } from '../support/canary.ts';
import { startFaultyRegistry } from '../support/faulty-registry.ts';
import type { RegistryProfile } from '../support/faulty-registry-profiles.ts';
import { BODY, blob, expectRefused, expectWritten, send } from './sending.ts';

const DIGEST = blob.descriptor.digest;
const credential = { kind: 'password' as const, username: 'me', secret: CANARY };

/** Answers 401 to who shows no login. */
const guard = ({ headers }: { readonly headers: Readonly<Record<string, string>> }) =>
  headers['authorization'] === undefined
    ? { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
    : undefined;

describe('the blob goes to a Location that is', () => {
  const shapes: readonly (readonly [string, NonNullable<RegistryProfile['location']>, string])[] = [
    ['a path', ({ path }) => path, '?'],
    ['an address', ({ path, origin }) => `${origin}${path}`, '?'],
    [
      'an address without a scheme',
      ({ path, origin }) => `${origin.replace('http:', '')}${path}`,
      '?',
    ],
    ['relative to that of the request', ({ path }) => `${path.split('/').at(-1)}?b=%20`, '?b=%20&'],
    ['a path with a query', ({ path }) => `${path}?_state=a%2Fb%3D&x=1`, '?_state=a%2Fb%3D&x=1&'],
    [
      'a path with a query in an odd order',
      ({ path }) => `${path}?z=%7e+*&a=&z=1`,
      '?z=%7e+*&a=&z=1&',
    ],
  ];
  test.each(shapes)('%s', async (_name, location, query) => {
    await using sent = await send({ profile: { location } });
    expectWritten(sent);
    expect(sent.registry.lines('PUT')).toEqual([
      `PUT /v2/app/blobs/uploads/u1${query}digest=${DIGEST}`,
    ]);
  });
});

test('escapes in the path of a Location stay as they are', async () => {
  const path = '/v2/app/up/a%2Fb%7E%20c';
  await using sent = await send({
    faults: [
      { on: 'POST', does: 'alter', to: (reply) => ({ ...reply, headers: { location: path } }) },
      { on: `PUT ${path}?digest=${DIGEST}`, does: 'reply', with: { status: 201 } },
    ],
  });
  expect(sent.error).toBeUndefined();
  expect(
    sent.registry
      .lines()
      .filter((line) => line.startsWith('P'))
      .slice(1),
  ).toEqual([`PUT ${path}?digest=${DIGEST}`]);
});

test.each([
  ['is missing', undefined],
  ['is empty', ''],
  ['is no address', 'http://['],
  ['is one of a file', 'file:///etc/passwd'],
])('a Location that %s is an error that says so', async (_name, location) => {
  const headers = location === undefined ? {} : { location };
  await using sent = await send({
    faults: [{ on: 'POST', does: 'alter', to: (reply) => ({ ...reply, headers }) }],
  });
  expect(expectRefused(sent, 'REGISTRY').message).toMatch(/upload|Location/i);
  expect(sent.registry.count(BODY)).toBe(0);
});

test('a Location at another host gets the blob, and no Authorization', async () => {
  await using other = await startFaultyRegistry();
  const session = other.state.begin('elsewhere');
  const location = `${other.origin}/v2/elsewhere/blobs/uploads/${session.id}?sig=1`;
  await using sent = await send({ guard, credential, profile: { location: () => location } });
  expect(sent.error).toBeUndefined();
  expect(other.state.repository('elsewhere').blobs.has(DIGEST)).toBe(true);
  expect(other.log.filter(({ headers }) => 'authorization' in headers)).toEqual([]);
  expect(sent.registry.log.some(({ headers }) => 'authorization' in headers)).toBe(true);
});

/** What becomes of a blob for a registry elsewhere whose Location is `location`. */
const sendTo = (location: string) =>
  send({ as: 'registry.example.com', profile: { location: () => location } });

test('a Location on this machine of a registry elsewhere is refused', async () => {
  await using sent = await sendTo('https://127.0.0.1:1/v2/app/blobs/uploads/1');
  expectRefused(sent, 'REGISTRY');
});

test.each([
  'https://10.0.0.1/up',
  'https://169.254.169.254/latest',
  'https://[::1]/up',
  'http://uploads.example.com/up',
])('a Location in a private network, or without TLS, is refused: %s', async (location) => {
  await using sent = await sendTo(location);
  expectRefused(sent, 'REGISTRY');
});
