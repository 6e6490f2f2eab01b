import { describe, expect, test } from 'bun:test';
import { maskedYaml } from '../../src/config/masked-yaml.ts';

const masked = (text: string) => maskedYaml(text, { shown: ['ecr'] });

describe('maskedYaml()', () => {
  test.each([
    ['', ''],
    ['a: 1 # one\necr: {b: c}\n', 'a: … #…\necr: {b: c}\n'],
    ['http:\n  password: x\n  other: y\necr:\n  b: c\n', 'http:\n  …\necr:\n  b: c\n'],
    ['{http: {password: x}, ecr: {b: c}}\n', '{http: …, ecr: {b: c}}\n'],
    ['a: |\n  x\n  y\necr: 1', 'a: …\necr: 1'],
    ['a:\nb: ~\n? [x]\n: y\n', 'a:\nb: …\n? [x]\n: …\n'],
    ['\ufeffa: &x [1]\nb: *x\n', 'a: &x …\nb: …\n'],
    ['a: "x # y"\necr: [b] # c\n', 'a: …\necr: [b] #…\n'],
    ['ecr: "x # y" # z\r\n#\n# z\r\n', 'ecr: "x # y" #…\r\n#\n#…\r\n'],
    ['ecr: |\n  # text\n# z\n', 'ecr: |\n  # text\n#…\n'],
    ['ecr: | # z\n  b\na: # z\n  # z\n  - b # z\n# z', 'ecr: | #…\n  b\na: #…\n  #…\n  … #…\n#…'],
    ['{ecr: [b, # z\n c], a: [d, # z\n e]} # z\n', '{ecr: [b, #…\n c], a: …} #…\n'],
    ['%YAML 1.2 # z\n--- # z\necr: b#c\n... # z\n', '%YAML 1.2 #…\n--- #…\necr: b#c\n... #…\n'],
  ])('hides comments, and the values of other keys: %j', (text, shown) => {
    expect(masked(text)).toBe(shown);
  });
});
