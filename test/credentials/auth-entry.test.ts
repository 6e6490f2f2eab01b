import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { readAuthEntry, writeAuthEntry } from '../../src/credentials/auth-entry.ts';
import type { Credential } from '../../src/credentials/credential.ts';
import { CANARY } from '../support/canary.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const password = (username: string, secret: string): Credential => ({
  ...{ kind: 'password', username, secret },
});
const identity: Credential = { kind: 'identity-token', token: CANARY };

describe('readAuthEntry()', () => {
  test.each<[string, unknown, Credential]>([
    ['auth', { auth: base64(`me:${CANARY}`) }, password('me', CANARY)],
    ['auth with a password of colons', { auth: base64('me:a:b:') }, password('me', 'a:b:')],
    ['auth that NULs fill up', { auth: base64('me:x\0\0\0') }, password('me', 'x')],
    ['auth without padding', { auth: base64('me:xx').replace(/=+$/, '') }, password('me', 'xx')],
    ['auth with the alphabet of URLs', { auth: 'bWU6Pz8_Pj4-' }, password('me', '???>>>')],
    ['auth in lines', { auth: 'bWU6\nPz8/Pj4+\n' }, password('me', '???>>>')],
    ['two fields', { username: 'me', password: CANARY, email: 'a@b' }, password('me', CANARY)],
    [
      'auth before two fields',
      { auth: base64('a:b'), username: 'c', password: 'd' },
      password('a', 'b'),
    ],
    ['identitytoken', { identitytoken: CANARY }, identity],
    [
      'identitytoken before auth, which says whose it is',
      { auth: base64('me:'), identitytoken: CANARY },
      { ...identity, username: 'me' },
    ],
    ['the user <token>', { auth: base64(`<token>:${CANARY}`) }, identity],
    ['the user <token> in two fields', { username: '<token>', password: CANARY }, identity],
    [
      'registrytoken before all others',
      { auth: base64('a:b'), identitytoken: 'no', registrytoken: CANARY },
      { kind: 'registry-token', token: CANARY },
    ],
  ])('reads %s', (_, entry, credential) => {
    expect(readAuthEntry(entry)?.credential).toEqual(credential);
  });

  test.each([
    [undefined],
    [null],
    [{}],
    [{ email: 'me@b.test' }],
    [{ auth: '' }],
    [{ auth: null, identitytoken: null }],
    [{ auth: '', username: '', password: 'x' }],
  ])('takes %j for no login', (entry) => {
    expect(readAuthEntry(entry)).toBeUndefined();
  });

  test('knows the user name beside a token, where there is one', () => {
    const entry = { auth: base64('me:'), identitytoken: CANARY };
    expect(readAuthEntry(entry)?.username).toBe('me');
    expect(readAuthEntry({ auth: base64(`<token>:${CANARY}`) })?.username).toBeUndefined();
  });

  test.each([
    [1],
    ['text'],
    [[]],
    [{ auth: 1 }],
    [{ auth: base64('no-colon-secret') }],
    [{ auth: base64(':secret') }],
    [{ auth: '%%%secret' }],
    [{ auth: Buffer.from('me:p\xe4ss', 'latin1').toString('base64') }],
    [{ identitytoken: { secret: true } }],
    [{ username: 'me', password: ['secret'] }],
  ])('throws SyntaxError for what cannot be read (%#), and says nothing of it', (entry) => {
    expect(() => readAuthEntry(entry)).toThrow(SyntaxError);
    expect(() => readAuthEntry(entry)).toThrow(/^(?!.*secret).*$/);
  });

  test('is not slowed down by endless NULs', () => {
    const entry = { auth: base64(`me:${'\0'.repeat(300_000)}x\0\0`) };
    expect(readAuthEntry(entry)?.credential).toEqual(password('me', `${'\0'.repeat(300_000)}x`));
  });
});

test('writeAuthEntry() keeps the user of an identity token as docker does', () => {
  expect(
    writeAuthEntry({ kind: 'identity-token', token: CANARY, username: 'alice' }),
  ).toMatchObject({
    ...{ auth: base64('alice:'), identitytoken: CANARY, password: undefined },
  });
});

test('readAuthEntry() reads what writeAuthEntry() wrote', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 });
  const name = text.filter((text) => !/^<token>$|\0/.test(text));
  const secret = text.filter((text) => !text.endsWith('\0'));
  const credential = fc.oneof<fc.Arbitrary<Credential>[]>(
    fc.record({ kind: fc.constant('password'), username: name, secret }),
    fc.record({ kind: fc.constantFrom('identity-token', 'registry-token'), token: secret }),
    fc.record({ kind: fc.constant('identity-token'), token: secret, username: name }),
  );
  fc.assert(
    fc.property(credential, (credential) => {
      expect(readAuthEntry(writeAuthEntry(credential))?.credential).toEqual(credential);
    }),
  );
});
