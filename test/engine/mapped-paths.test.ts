import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { guestWord, isBelow } from '../../src/engine/mapped-paths.ts';

describe('guestWord()', () => {
  test('is the path that Windows has in its virtual machine', () => {
    const words = {
      'C:\\Users\\me': '/mnt/c/Users/me',
      'd:/data': '/mnt/d/data',
      'C:\\': '/mnt/c',
      'C:\\web:/web:ro': '/mnt/c/web:/web:ro',
      '--file=C:\\web\\Dockerfile': '--file=/mnt/c/web/Dockerfile',
      'type=bind,source=C:\\web,target=/web': 'type=bind,source=/mnt/c/web,target=/web',
      '.\\web': './web',
      '..\\web\\src:/src': '../web/src:/src',
    };
    for (const [word, there] of Object.entries(words)) {
      expect([word, guestWord(word)]).toEqual([word, there]);
    }
  });

  test('leaves every other word as it is', () => {
    for (const word of ['app:1.0', 'localhost:5000/app', 'a\\b', 'http://x/y', '-p', '80:80', '']) {
      expect(guestWord(word)).toBe(word);
    }
  });

  test('of words without a backslash and a drive is the word itself', () => {
    const words = fc.string().filter((word) => !/\\|[A-Za-z]:/.test(word));
    fc.assert(fc.property(words, (word) => expect(guestWord(word)).toBe(word)));
  });

  test('of a path below a drive has as many parts, in their order', () => {
    const part = fc.stringMatching(/^[a-z0-9 _-]{1,8}$/).filter((text) => text.trim() !== '');
    fc.assert(
      fc.property(fc.constantFrom('C', 'd'), fc.array(part), (drive, parts) => {
        const there = ['/mnt', drive.toLowerCase(), ...parts].join('/');
        expect(guestWord(`${drive}:\\${parts.join('\\')}`)).toBe(there);
      }),
    );
  });
});

describe('isBelow()', () => {
  test('knows the folder itself and what is in it, and no folder that only begins as it', () => {
    const folders = ['/home/me', '/data/'];
    expect(['/home/me', '/home/me/src', '/data/x'].every((path) => isBelow(path, folders))).toBe(
      true,
    );
    expect(['/home/meg', '/home', '/database'].some((path) => isBelow(path, folders))).toBe(false);
  });
});
