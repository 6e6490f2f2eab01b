import { nestedSettings, parseIni } from '../../../src/aws/files/ini.ts';
import { splitCommand } from '../../../src/aws/files/split-command.ts';
import { promise } from '../promises.ts';
import { textTarget } from '../target.ts';

/** The `config` and `credentials` of the AWS CLI, and the command lines in them. */
export const awsConfig = textTarget({
  name: 'aws-config',
  share: 60,
  maxBytes: 8192,
  words: [
    ...['[default]', '[profile "a b"]', '[sso-session s]', '[services x]', '[', ']', ' = ', ':'],
    ...['\n', '\r\n', '\r', '\n  ', '\t', '#', ';', '"', "'", '\\', 'ecr =\n  endpoint_url = x'],
    ...['credential_process = ', '__proto__', 'constructor', '\u{FEFF}', '\0', '\u001b'],
  ],
  seeds: [
    '[default]\nregion = eu-west-1\naws_access_key_id = A\n',
    '[profile p]\nservices = s\n[services s]\necr =\n  endpoint_url = http://127.0.0.1:1\n',
    '# c\n[p]\ncredential_process = sh -c \'echo "a b"\' \\"x\n',
    '',
  ],
  run(text) {
    for (const [header, settings] of parseIni(text, { path: '/home/u/.aws/config' })) {
      promise(header === header.trim(), 'a header has white space around it');
      splitCommand(header);
      for (const [name, value] of settings) {
        promise(name === name.trim().toLowerCase() && name !== '', 'a name is not in its form');
        promise(!/[\r]/.test(value) && value === value.trimEnd(), 'a value has the end of a line');
        nestedSettings(value);
        const words = splitCommand(value) ?? [];
        promise(words.join('').length <= value.length, 'words have grown');
      }
    }
  },
});
