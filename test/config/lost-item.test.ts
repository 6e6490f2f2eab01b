import { describe, expect, test } from 'bun:test';
import { refuseLostItem } from '../../src/config/lost-item.ts';
import { parseYaml } from '../../src/config/parse-yaml.ts';

const look = (text: string) =>
  refuseLostItem(parseYaml(text, 'finch.yaml'), { key: 'creds_helpers', item: 'ecr-login' });

describe('refuseLostItem()', () => {
  test.each([
    ['cpus: 3\nmemory: 4GiB\n    - ecr-login\n', '3:5', '"memory"'],
    ['memory: 4GiB\r\n  - other\r\n  - ecr-login\r\nvmType: vz\r\n', '3:3', '"memory"'],
  ])('says which line is missing before the item: %j', (text, place, owner) => {
    const failure = expect(() => look(text));
    failure.toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: `finch.yaml:${place}: "- ecr-login" belongs to the text of ${owner} here`,
        hint: 'put the line creds_helpers: before it, and run this again',
      }),
    );
  });

  test.each([
    '',
    'memory: 4GiB\ncreds_helpers:\n    - ecr-login\n',
    'memory: 4GiB - ecr-login\n',
    'memory: "4GiB\n  - ecr-login"\n',
    'note: |\n  - ecr-login\n',
    'memory:\n  - ecr-login\n',
  ])('lets others be: %j', (text) => {
    look(text);
  });
});
