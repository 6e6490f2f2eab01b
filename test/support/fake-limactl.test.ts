import { describe, expect, test } from 'bun:test';
import { chmod, chown } from 'node:fs/promises';
import { join } from 'node:path';
import { hasLimactl } from './engine/limactl.ts';
import { enginePrograms } from './engine/programs.ts';
import { fakeLimactl } from './fake-limactl.ts';
import { temporaryFolder } from './temporary.ts';

/** The user `nobody`: Lima does nothing for root. */
const NOBODY = 65_534;

/** What both are asked in turn, as far as it takes no machine that boots. */
const LINES: readonly string[] = [
  '--version',
  'nosuch',
  'ls --json finch',
  'ls -f {{.Status}} finch',
  'stop finch',
  'stop --force finch',
  'delete finch',
  'delete --force finch',
  'shell finch true',
  'disk ls --json finch',
  'disk unlock finch',
  'disk resize finch --size 2GiB',
  'disk create finch --size 1GiB --format raw',
  'disk create finch --size 1GiB --format raw',
  'disk ls finch',
  'disk ls --json finch',
  'disk unlock finch',
  'disk resize finch --size 2GiB',
  'disk resize finch --size 1GiB',
  'disk ls --json finch',
];

describe.skipIf(!hasLimactl)('the fake limactl', () => {
  test('answers as the real one', async () => {
    await using folder = await temporaryFolder();
    const fake = await fakeLimactl(join(folder.path, 'fake'));
    const real = join(folder.path, 'real');
    await Bun.write(join(real, 'l/_config/.keep'), '');
    const isRoot = process.getuid?.() === 0;
    await chmod(folder.path, 0o755);
    if (isRoot) {
      for (const path of [real, join(real, 'l'), join(real, 'l/_config')]) {
        await chown(path, NOBODY, NOBODY);
      }
    }
    const version = await ask(
      enginePrograms.limactl,
      real,
      ['--version'],
      isRoot ? NOBODY : undefined,
    );
    await fake.setVersion(/\d\S*/.exec(version.stdout)?.[0] ?? '');
    for (const line of LINES) {
      const words = line.split(' ');
      const answers = [
        await ask(join(fake.folder, 'limactl'), join(folder.path, 'fake'), words),
        await ask(enginePrograms.limactl, real, words, isRoot ? NOBODY : undefined),
      ];
      expect(answers[0], line).toEqual(answers[1] as Answer);
    }
  });
});

interface Answer {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** What one says, without the time and the name of its folder. */
async function ask(
  program: string,
  home: string,
  words: readonly string[],
  uid?: number,
): Promise<Answer> {
  const child = Bun.spawn([program, ...words], {
    env: { PATH: '/usr/bin:/bin', HOME: home, LIMA_HOME: join(home, 'l') },
    ...{ cwd: '/', stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    ...(uid !== undefined && { uid, gid: uid }),
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const plain = (text: string) =>
    text
      .replace(/^time="[^"]*"/gm, 'time')
      .replaceAll(home, 'HOME')
      .replace(/ {2,}/g, '  ');
  return { stdout: plain(stdout), stderr: plain(stderr), exitCode: await child.exited };
}
