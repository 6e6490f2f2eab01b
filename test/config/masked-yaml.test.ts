import { describe, expect, test } from 'bun:test';
import { maskedYaml } from '../../src/config/masked-yaml.ts';

const masked = (text: string) => maskedYaml(text, { shown: ['ecr'] });

describe('maskedYaml()', () => {
  test.each([
    ['', ''],
    ['a: 1 # one\necr: {b: c}\n', 'a: … # one\necr: {b: c}\n'],
    ['http:\n  password: x\n  other: y\necr:\n  b: c\n', 'http:\n  …\necr:\n  b: c\n'],
    ['{http: {password: x}, ecr: {b: c}}\n', '{http: …, ecr: {b: c}}\n'],
    ['a: |\n  x\n  y\necr: 1', 'a: …\necr: 1'],
    ['a:\nb: ~\n? [x]\n: y\n', 'a:\nb: …\n? [x]\n: …\n'],
    ['\ufeffa: &x [1]\nb: *x\n', 'a: &x …\nb: …\n'],
  ])('hides the values of other keys: %j', (text, shown) => {
    expect(masked(text)).toBe(shown);
  });
});
