import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { describeDenial, grantedScopes } from '../../src/registry/grants.ts';

const tokenOf = (claims: unknown) =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

describe('grantedScopes()', () => {
  test('reads the scopes of a JSON Web Token', () => {
    const access = [
      { type: 'repository', name: 'me/app', actions: ['pull', 'push'] },
      { type: 'repository', name: 'none', actions: [] },
      { type: 'repository(plugin)', name: 'a:b', actions: ['*'] },
    ];
    expect(grantedScopes(tokenOf({ access }))).toEqual([
      'repository:me/app:pull,push',
      'repository(plugin):a:b:*',
    ]);
  });

  test.each([
    ['no access', tokenOf({ sub: 'me' }), undefined],
    ['an empty list', tokenOf({ access: [] }), []],
    ['null', tokenOf({ access: null }), []],
    ['entries of another kind', tokenOf({ access: [1, null, { type: 1 }, { actions: 'x' }] }), []],
    ['no object', tokenOf(5), undefined],
    ['no JSON', 'e30.bm9wZQ.c2ln', undefined],
    ['no JSON Web Token', 'opaque', undefined],
    ['more than 64 KiB', tokenOf({ access: [], more: 'x'.repeat(70_000) }), undefined],
  ])('of a token with %s', (_, token, scopes) => {
    expect(grantedScopes(token)).toEqual(scopes);
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (claims, text) => {
        grantedScopes(tokenOf(claims));
        grantedScopes(tokenOf({ access: claims }));
        grantedScopes(tokenOf({ access: [claims] }));
        grantedScopes(text);
      }),
    );
  });
});

describe('describeDenial()', () => {
  test('names what was asked for and what is granted', () => {
    const asked = ['repository:app:pull,push'];
    expect(describeDenial({ asked, granted: undefined })).toBe(
      'asked for repository:app:pull,push',
    );
    expect(describeDenial({ asked, granted: [] })).toBe(
      'asked for repository:app:pull,push, the token grants nothing',
    );
    expect(describeDenial({ asked, granted: ['repository:app:pull'] })).toBe(
      'asked for repository:app:pull,push, the token grants repository:app:pull',
    );
  });

  test('shows little of what is much, and nothing that a terminal would obey', () => {
    const granted = [`repository:\u001b[31m${'x'.repeat(10_000)}:pull`, 'b', 'c', 'd', 'e', 'f'];
    const text = describeDenial({ asked: ['a'], granted });
    expect(text).not.toContain('\u001b');
    expect(text).toEndWith(' b c d 2 more');
    expect(text.length).toBeLessThan(300);
  });
});
