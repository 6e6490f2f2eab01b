import { describe, expect, test } from 'bun:test';
import { property, string } from 'fast-check';
import { isDigest } from '../../src/oci/digest.ts';
import {
  familiarReference,
  familiarRepository,
  formatReference,
  isRepository,
  isTag,
  parseReference,
} from '../../src/oci/reference.ts';
import { check, expectOnlyFinchErrors, finchErrorOf, references } from './arbitraries.ts';

const HEX = 'a'.repeat(64);
const DIGEST = `sha256:${HEX}`;

describe('parseReference()', () => {
  test.each([
    ['image_name', 'docker.io/library/image_name:latest', 'image_name:latest'],
    ['library/image_name', 'docker.io/library/image_name:latest', 'image_name:latest'],
    ['docker.io/image_name', 'docker.io/library/image_name:latest', 'image_name:latest'],
    ['index.docker.io/image_name', 'docker.io/library/image_name:latest', 'image_name:latest'],
    [
      'something/image_name',
      'docker.io/something/image_name:latest',
      'something/image_name:latest',
    ],
    ['a/b/c', 'docker.io/a/b/c:latest', 'a/b/c:latest'],
    ['image:1.10', 'docker.io/library/image:1.10', 'image:1.10'],
    ['image:V_1.0-rc', 'docker.io/library/image:V_1.0-rc', 'image:V_1.0-rc'],
    [`n@${DIGEST}`, `docker.io/library/n@${DIGEST}`, `n@${DIGEST}`],
    [`n:foo@${DIGEST}`, `docker.io/library/n:foo@${DIGEST}`, `n:foo@${DIGEST}`],
    ['ghcr.io/a/b', 'ghcr.io/a/b:latest', 'ghcr.io/a/b:latest'],
    ['ghcr.io:1234/image_name', 'ghcr.io:1234/image_name:latest', 'ghcr.io:1234/image_name:latest'],
    [`ghcr.io:1/a:b@${DIGEST}`, `ghcr.io:1/a:b@${DIGEST}`, `ghcr.io:1/a:b@${DIGEST}`],
    ['localhost/x', 'localhost/x:latest', 'localhost/x:latest'],
    ['localhost:5000/x', 'localhost:5000/x:latest', 'localhost:5000/x:latest'],
    ['127.0.0.1:5000/x', '127.0.0.1:5000/x:latest', '127.0.0.1:5000/x:latest'],
    ['[::1]:5000/x', '[::1]:5000/x:latest', '[::1]:5000/x:latest'],
    ['[2001:db8::1]/x', '[2001:db8::1]/x:latest', '[2001:db8::1]/x:latest'],
    ['Host/x', 'Host/x:latest', 'Host/x:latest'],
    ['localhost', 'docker.io/library/localhost:latest', 'localhost:latest'],
    ['sha256:whatever', 'docker.io/library/sha256:whatever', 'sha256:whatever'],
    ['a.b__c-d---e', 'docker.io/library/a.b__c-d---e:latest', 'a.b__c-d---e:latest'],
    ['quay.io/library/x', 'quay.io/library/x:latest', 'quay.io/library/x:latest'],
    [
      '111222333444.dkr.ecr.eu-west-1.amazonaws.com/hello-finch:latest',
      '111222333444.dkr.ecr.eu-west-1.amazonaws.com/hello-finch:latest',
      '111222333444.dkr.ecr.eu-west-1.amazonaws.com/hello-finch:latest',
    ],
  ])('reads %s as %s', (text, whole, familiar) => {
    const reference = parseReference(text);
    expect(formatReference(reference)).toBe(whole);
    expect(familiarReference(reference)).toBe(familiar);
  });

  test.each([
    [''],
    [' '],
    ['∞'],
    ['abcd@sha256:∞'],
    ['a b'],
    ['alpine\n'],
    ['Alpine'],
    ['ghcr.io/Me/app'],
    ['/x'],
    ['x/'],
    ['a//b'],
    ['ghcr.io/'],
    ['ghcr.io//x'],
    [':tag'],
    ['x:'],
    ['x@'],
    ['x:a:b'],
    ['x:-a'],
    ['x:.a'],
    ['x:a/b'],
    [`x:${'t'.repeat(129)}`],
    ['x@sha256:short'],
    [`x@${DIGEST.toUpperCase()}`],
    [`x@${DIGEST}@${DIGEST}`],
    [`@${DIGEST}`],
    [HEX],
    ['-x'],
    ['x-'],
    ['_x'],
    ['a___b'],
    ['a..b'],
    ['a/../b'],
    ['../b'],
    ['-host.io/x'],
    ['ho_st.io/x'],
    ['host.io:/x'],
    ['host.io:port/x'],
    ['[::1/x'],
    ['user@host.io/x'],
    ['https://ghcr.io/a/b'],
    ['x?y'],
    ['x#y'],
    ['x\u0000'],
    ['x\u202ey'],
  ])('refuses %j', (text) => {
    const error = finchErrorOf(() => parseReference(text));
    expect(error.code).toBe('REFERENCE_INVALID');
    expect(error.message).toStartWith('invalid reference format');
    expect(error.hint).toBeDefined();
  });

  test('does not repeat what stands before the host as in a URL', () => {
    for (const text of ['me:hush@ghcr.io/a:1', 'hush@ghcr.io/a', 'me:hush@ghcr.io:5000/a/b']) {
      const { message } = finchErrorOf(() => parseReference(text));
      expect(message).not.toContain('hush');
      expect(message).toContain('"***@ghcr.io');
    }
  });

  test('tells a typed tag from the default one', () => {
    expect(parseReference('alpine').tagGiven).toBe(false);
    expect(parseReference('alpine:latest').tagGiven).toBe(true);
    expect(parseReference(`alpine@${DIGEST}`).tagGiven).toBe(false);
    expect(parseReference(`alpine@${DIGEST}`).tag).toBeUndefined();
  });

  test('says why upper case is refused', () => {
    expect(finchErrorOf(() => parseReference('Alpine')).message).toInclude('lower case');
  });

  test('takes a path of 255 characters, whatever the registry, and none of 256', () => {
    expect(parseReference(`ghcr.io/${'a'.repeat(255)}`).repository).toHaveLength(255);
    expect(finchErrorOf(() => parseReference(`ghcr.io/${'a'.repeat(256)}`)).code).toBe(
      'REFERENCE_INVALID',
    );
  });

  test('takes a tag of 128 characters', () => {
    expect(parseReference(`x:${'t'.repeat(128)}`).tag).toHaveLength(128);
  });

  test('reads back what formatReference() writes', () => {
    check(
      property(references, (reference) => {
        const { tagGiven, ...read } = parseReference(formatReference(reference));
        expect(read).toEqual(reference);
        expect(tagGiven).toBe(reference.tag !== undefined);
      }),
    );
  });

  test('reads back what familiarReference() shows', () => {
    check(
      property(references, (reference) => {
        const { tagGiven: _, ...read } = parseReference(familiarReference(reference));
        expect(read).toEqual(reference);
      }),
      { examples: [[{ registry: 'docker.io', repository: 'localhost/x', tag: 'latest' }]] },
    );
  });

  test('throws nothing but FinchError, with no control characters in the message', () => {
    check(
      property(string({ unit: 'binary' }), (text) =>
        expectOnlyFinchErrors(() => parseReference(text)),
      ),
      { examples: [['x\u007f'], ['x\u009b31m'], ['x\u001b[31m']] },
    );
  });

  test('gives only parts that are safe in a path and a URL', () => {
    check(
      property(string({ unit: 'grapheme-ascii' }), (text) => {
        let read: ReturnType<typeof parseReference>;
        try {
          read = parseReference(text);
        } catch {
          return;
        }
        expect(isRepository(read.repository)).toBe(true);
        expect(read.repository).not.toContain('..');
        expect(read.tag === undefined || isTag(read.tag)).toBe(true);
        expect(read.digest === undefined || isDigest(read.digest)).toBe(true);
        expect(new URL(`https://${read.registry}/`).username).toBe('');
      }),
      { numRuns: 1000 },
    );
  });

  test.each(['a', '.', '-', 'a.', 'a-', '_', 'a/', 'a:', '@', '[:'])(
    'answers at once on a text of a million times %j',
    (piece) => {
      expectOnlyFinchErrors(() => parseReference(`${piece.repeat(1_000_000)}!`));
      expectOnlyFinchErrors(() => parseReference(`${piece.repeat(1_000_000)}/x!`));
    },
  );
});

describe('familiarRepository()', () => {
  test.each([
    ['docker.io', 'library/alpine', 'alpine'],
    ['docker.io', 'a/b', 'a/b'],
    ['docker.io', 'library/a/b', 'library/a/b'],
    ['ghcr.io', 'library/a', 'ghcr.io/library/a'],
  ])('shows %s/%s as %s', (registry, repository, familiar) => {
    expect(familiarRepository({ registry, repository })).toBe(familiar);
  });
});
