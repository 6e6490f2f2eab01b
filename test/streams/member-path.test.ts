import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { memberPath, parentPath } from '../../src/streams/member-path.ts';

describe('memberPath()', () => {
  test.each([
    ['a/b', 'a/b'],
    ['./a//b/', 'a/b'],
    ['/a/b', 'a/b'],
    ['a/../b', 'b'],
    ['.', ''],
    ['a/..', ''],
  ])('reads %s as %p', (text, path) => {
    expect(memberPath(text)).toBe(path);
  });

  test.each(['..', '../a', 'a/../../b', '/../etc/passwd'])(
    'refuses %s, which leaves the tree',
    (text) => {
      expect(memberPath(text)).toBeUndefined();
    },
  );

  test.each(['a\0b', 'a/'.repeat(3000)])('refuses what no file can be called', (text) => {
    expect(memberPath(text)).toBeUndefined();
  });

  test('starts from a folder, unless the path is absolute', () => {
    expect(memberPath('../c', 'a/b')).toBe('a/c');
    expect(memberPath('/c', 'a/b')).toBe('c');
    expect(memberPath('../../../c', 'a/b')).toBeUndefined();
  });

  test('never gives a path that leaves the tree or has an empty part', () => {
    const part = fc.constantFrom('..', '.', '', 'a', 'b', '...');
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const path = memberPath(parts.join('/'));
        if (path === undefined || path === '') return;
        expect(path.split('/').every((name) => !['', '.', '..'].includes(name))).toBe(true);
        expect(memberPath(path)).toBe(path);
      }),
    );
  });
});

test('parentPath() is the folder, or the root', () => {
  expect(parentPath('a/b/c')).toBe('a/b');
  expect(parentPath('a')).toBe('');
});
