import { goTimeFormat } from '../../../src/cli/go-time.ts';
import { unknownCommand } from '../../../src/cli/nearest.ts';
import { formatTable } from '../../../src/cli/table.ts';
import { findJsonFault } from '../../../src/credentials/json-fault.ts';
import { isKeyOf, parseServer, serverName } from '../../../src/credentials/server-name.ts';
import { hasCode } from '../../../src/errors.ts';
import { formatAge, formatBytes } from '../../../src/humanize.ts';
import { printable, quote } from '../../../src/text.ts';
import { mutateJson } from '../mutate-json.ts';
import { promise, promiseSame, promiseShowable, whyUnclean } from '../promises.ts';
import { pureTarget, textOf, textTarget } from '../target.ts';

const goTime = goTimeFormat('Europe/Berlin');

/** Text on its way to the terminal: quoted, in tables, as a number, as a command that is none. */
export const shown = textTarget({
  name: 'shown-text',
  share: 40,
  maxBytes: 4096,
  words: ['images', 'image ls', 'registry serve', '\t', '\n', '1785542400000'],
  seeds: [
    'imges',
    'a\tb\nc\td',
    'registry srve',
    '1024',
    '1785542400000',
    '\x1b]0;x\x07',
    '',
    'é\u0301',
  ],
  run(text) {
    promiseShowable(printable(text), 'printable text');
    promiseSame(printable(printable(text)), printable(text), 'printable text changes once more');
    promiseShowable(quote(text), 'quoted text');
    promise(quote(text).length <= 6 * 202, 'a quote is long');
    const why = whyUnclean(unknownCommand(text, ['images', 'image ls', 'registry serve']));
    promise(why === undefined, why ?? '');
    const rows = text.split('\n').map((line) => line.split('\t'));
    promiseSame(formatTable(rows).split('\n').length, rows.length + 1, 'lines of the table');
    const number = Number(text);
    promiseShowable(formatAge(number), 'an age');
    promiseShowable(formatBytes(number), 'a size');
    if (Math.abs(number) < 8.64e15) promiseShowable(goTime(new Date(number)), 'a time');
  },
});

/** Where JSON stops to be JSON, beside the engine's own judgement. */
export const jsonFault = pureTarget({
  name: 'json-fault',
  share: 60,
  words: [
    '"auths"',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\n',
    '\t',
    '\\u12',
    '\\x',
    '1.',
    '-',
    '1e',
    'tru',
    '//',
  ],
  mutators: [mutateJson],
  seeds: [
    '{}\v',
    '{\n\t"auths": {\n\t\t"ghcr.io": {\n\t\t\t"auth": "bWU6c2VjcmV0"\n\t\t}\n\t}\n}\n',
    '{"a":[1,-2.5e+3,true,false,null,"\\u00e9\\n",{}],"b":[]}',
    '[]',
    '{\n  "a": 1,\n}',
  ],
  run(input) {
    const text = textOf(input);
    const fault = findJsonFault(text);
    promise((fault === undefined) === isJson(text), `the fault is in line ${fault?.line}`);
    if (fault === undefined) return;
    const lines = text.split('\n');
    promise(fault.line >= 1 && fault.line <= lines.length, `line ${fault.line} of ${lines.length}`);
    const width = lines[fault.line - 1]?.length ?? 0;
    promise(fault.column >= 1 && fault.column <= width + 1, `column ${fault.column} of ${width}`);
  },
});

/** Servers as users, `config.json` and credential helpers name them. */
export const server = textTarget({
  name: 'server-name',
  share: 40,
  maxBytes: 2048,
  words: [
    ...['https://', 'HTTP://', ':443', ':80', '/v1/', '/v2/', '/', '.', ':', '@', '%', '\\'],
    ...['index.docker.io', 'docker.io', '[::1]', '\n', '\0', '\u202e', '\u00e9'],
  ],
  seeds: [
    ...['', 'docker.io', 'https://index.docker.io/v1/', 'ghcr.io', 'GHCR.io:443', '[::1]:5000'],
    ...['http://localhost:5000/v2/', 'registry-1.docker.io', 'a_b.c:99999', 'ftp://x'],
    ...[
      'https://',
      'https:///x',
      'me:secret@x.test',
      'http://x.test:80',
      'x.test/y@z',
      'x.test\\y',
    ],
  ],
  run(text) {
    for (const registry of ['ghcr.io', 'docker.io', 'x.test:5000']) {
      const isKey = isKeyOf(serverName(registry), text);
      promise(!isKey || registryOf(text) === registry, `it is no key of ${registry}`);
    }
    const registry = registryOf(text);
    if (registry === undefined) return;
    promise(/^[a-z0-9._:[\]-]{1,260}$/.test(registry), 'the host is not safe');
    const named = parseServer(text);
    for (const key of [named.key, ...named.spellings, `https://${registry}/v2/`]) {
      promise(isKeyOf(named, key), `${key} is not its own key`);
      promiseSame(parseServer(key), named, `${key} names another server`);
    }
    promiseSame(parseServer(registry), named, 'the registry names another server');
    promiseSame(serverName(registry), named, 'a reference names another server');
  },
});

/** What a text names; undefined when it is refused, in words that hold no password. */
function registryOf(text: string): string | undefined {
  try {
    return parseServer(text).registry;
  } catch (error) {
    if (!hasCode(error, 'USAGE')) throw error;
    promiseShowable(error.message, 'the refusal');
    const [user = ''] = text.split('@');
    promise(
      user === text || user === '' || !error.message.includes(`"${user}`),
      'a user is quoted',
    );
    return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
