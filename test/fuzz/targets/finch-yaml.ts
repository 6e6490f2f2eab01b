import { editYaml } from '../../../src/config/edit-yaml.ts';
import { finchYamlOf, profileFor } from '../../../src/config/finch-yaml.ts';
import { configKey } from '../../../src/config/keys.ts';
import { parseYaml } from '../../../src/config/parse-yaml.ts';
import { editsFor, valueAt } from '../../../src/config/written-values.ts';
import { promise } from '../promises.ts';
import { textTarget } from '../target.ts';

const HOST = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';

/** A `finch.yaml`, read and changed. */
export const finchYaml = textTarget({
  name: 'finch-yaml',
  share: 20,
  maxBytes: 4096,
  words: [
    ...['creds_helpers:', 'ecr:', 'registries:', 'profile: ', HOST, '- ', '[', ']', '{', '}', ', '],
    ...['\n', '\r\n', '  ', '\t', '# ', '"', "'", '|', '>', '&a ', '*a', '? ', ': ', '---', '...'],
    ...[
      '<<: ',
      '!!map ',
      'memory: ',
      '4GiB',
      '!!null',
      '~',
      '__proto__',
      '\\x65',
      '\ufeff',
      '%YAML 1.1',
      '-',
      '0x1',
    ],
  ],
  seeds: [
    'cpus: 3 # three\nmemory: 4GiB\ncreds_helpers:\n    - ecr-login\n',
    `ecr:\n  registries:\n    "${HOST}": { profile: dev }\n    "*.amazonaws.com": &a\n      profile: b\nother: *a\n`,
    '{creds_helpers: [a, "b"], ecr: ~}\r\n',
    'creds_helpers: # none\r\nnote: |+\r\n  a\r\n\r\n',
    'base: &b {memory: 1g}\n<<: *b\nmemory: "2g" # two\n',
    '',
  ],
  run(text) {
    const parsed = parseYaml(text, 'finch.yaml');
    profileFor(finchYamlOf(parsed), HOST);
    const memory = configKey('memory');
    const edits = editsFor(memory, { value: valueAt(parsed.value, memory.path), texts: ['9GiB'] });
    const larger = editYaml(text, edits, 'finch.yaml');
    promise(finchYamlOf(parseYaml(larger, 'f')).memory === 9 * 1024 ** 3, 'the size is not there');
    promise(editYaml(larger, edits, 'finch.yaml') === larger, 'a second size changes something');
    const before = JSON.stringify(parsed.value);
    const item = { path: ['creds_helpers'], item: 'ecr-login' };
    const added = editYaml(text, [{ ...item, isThere: true }], 'finch.yaml');
    promise(
      finchYamlOf(parseYaml(added, 'f')).creds_helpers?.includes('ecr-login') === true,
      'the item is not there',
    );
    promise(
      editYaml(added, [{ ...item, isThere: true }], 'finch.yaml') === added,
      'a second edit changes something',
    );
    promise(JSON.stringify(parseYaml(text, 'f').value) === before, 'reading is not repeatable');
    const removed = editYaml(added, [{ ...item, isThere: false }], 'finch.yaml');
    promise(
      finchYamlOf(parseYaml(removed, 'f')).creds_helpers?.includes('ecr-login') !== true,
      'the item is still there',
    );
  },
});
