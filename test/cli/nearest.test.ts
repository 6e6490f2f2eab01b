import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { unknownCommand } from '../../src/cli/nearest.ts';
import { nearest } from '../../src/text.ts';

const COMMANDS = ['image', 'images', 'load', 'login', 'logout', 'pull', 'push', 'rmi', 'tag'];

test('nearest() finds the word that a slip of the finger was meant to be', () => {
  const slips = {
    psuh: 'push',
    puhs: 'push',
    pul: 'pull',
    lgoin: 'login',
    imags: 'image',
    tga: 'tag',
  };
  for (const [typed, meant] of Object.entries(slips)) expect(nearest(typed, COMMANDS)).toBe(meant);
  expect(nearest('PUSH', COMMANDS)).toBe('push');
});

test('nearest() finds the only word that begins with what was typed', () => {
  expect(nearest('logo', [...COMMANDS, 'completion'])).toBe('load');
  expect(nearest('comp', [...COMMANDS, 'completion'])).toBe('completion');
});

test('nearest() finds nothing when nothing is near', () => {
  for (const word of ['', 'x', 'frobnicate', 'x'.repeat(10_000)]) {
    expect(nearest(word, COMMANDS)).toBeUndefined();
  }
});

test('nearest() finds every word itself, and any word with two neighbours swapped', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{4,12}$/), fc.nat({ max: 10 }), (word, at) => {
      const i = at % (word.length - 1);
      const swapped = word.slice(0, i) + word[i + 1] + word[i] + word.slice(i + 2);
      expect(nearest(word, ['zzzzzzzzzzzzzzzz', word])).toBe(word);
      expect(nearest(swapped, ['0000000000000000', word])).toBe(word);
    }),
  );
});

test('unknownCommand() names the word and asks whether the nearest was meant', () => {
  const error = unknownCommand('psuh', COMMANDS);
  expect(error.code).toBe('USAGE');
  expect(error.message).toBe('unknown command "psuh" for "finch"');
  expect(error.hint).toBe('did you mean "push"?');
  expect(unknownCommand('image lst', ['image ls', 'list']).hint).toBe('did you mean "image ls"?');
});

test('unknownCommand() points to the help when nothing is near', () => {
  const error = unknownCommand('frobnicate', COMMANDS);
  expect(error.message).toBe('unknown command "frobnicate" for "finch"');
  expect(error.hint).toBe('list the commands with: finch --help');
});
