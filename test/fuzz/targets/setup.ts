import { jsonFormat } from '../../../src/setup/config-files.ts';
import { parseRecord, writeRecord } from '../../../src/setup/setup-record.ts';
import { textDiff } from '../../../src/setup/text-diff.ts';
import { undone, undoOf } from '../../../src/setup/text-undo.ts';
import { attempt, promise } from '../promises.ts';
import { textTarget } from '../target.ts';

/** What stands between two texts of an input. */
const CUT = '\n====\n';

const RECORD = {
  files: [
    {
      ...{ path: '/home/me/.finch/config.json', created: true },
      entries: [{ path: ['credHelpers', 'a'], value: 'ecr-login', isItem: false, host: 'a' }],
      undo: [{ sha256: '00', at: 0, length: 3, text: '{}' }],
    },
  ],
  helper: { path: '/home/me/.finch/cred-helpers/x', size: 1, mtimeMs: 2 },
};

/** What `finch ecr setup` shows and remembers of a change: a text, and one that takes its place. */
export const setupChange = textTarget({
  name: 'setup-change',
  share: 30,
  maxBytes: 8192,
  words: [
    CUT,
    '\n',
    '\r\n',
    '"auths": {',
    '"credHelpers": {',
    '}',
    ',\n',
    '\ufeff',
    '\ud83d\ude00',
  ],
  seeds: [
    `{\n  "auths": {}\n}\n${CUT}{\n  "auths": {},\n  "credHelpers": { "a": "ecr-login" }\n}\n`,
    `cpus: 3\n${CUT}cpus: 3\ncreds_helpers:\n  - ecr-login\n`,
    `${CUT}a\nb\n`,
    JSON.stringify(RECORD),
  ],
  run(text) {
    const record = attempt(() => parseRecord(text, 'ecr-setup.json'));
    const written = record && writeRecord(record);
    if (written !== undefined) {
      promise(writeRecord(parseRecord(written, 'f')) === written, 'the record is read as another');
    }
    const [before = '', after = ''] = text.split(CUT);
    promise(undone(after, undoOf(before, after)) === before, 'the way back leads elsewhere');
    promise(undone(`${after}x`, undoOf(before, after)) === undefined, 'another text is undone');
    const diff = textDiff(before, after);
    promise(before !== after || diff.length === 0, 'equal texts differ');
    for (const sign of ['-', '+']) {
      const [own, other] = sign === '-' ? [before, after] : [after, before];
      const lines = diff.filter((line) => line.startsWith(sign)).map((line) => line.slice(1));
      const known = new Set(own.split(/\r?\n/));
      promise(
        lines.every((line) => known.has(line)),
        `a line behind ${sign} stands nowhere`,
      );
      promise(own === other || lines.length <= own.split('\n').length, 'there are more lines');
    }
    if (isJson(before)) jsonFormat.view(before);
  },
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
