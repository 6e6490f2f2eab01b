import { describe, expect, test } from 'bun:test';
import { version } from '../../src/version.ts';
import { finch } from './command-line.ts';

describe('finch version', () => {
  test('prints what finch prints', async () => {
    await using place = await finch();
    expect(await place.stdout('version')).toMatch(
      new RegExp(`^Client:\n Version:\tv${version}\n GitCommit:\t\\S+\n OS/Arch:\t\\w+/\\w+\n$`),
    );
  });

  test('prints JSON and templates', async () => {
    await using place = await finch();
    for (const flags of [['--format', 'json'], ['-f', 'json'], ['--format={{json .}}']]) {
      expect(JSON.parse(await place.stdout('version', ...flags))).toEqual({
        Client: {
          Version: `v${version}`,
          GitCommit: expect.any(String),
          Os: process.platform,
          Arch: process.arch === 'x64' ? 'amd64' : process.arch,
        },
      });
    }
    expect(await place.stdout('version', '-f{{.Client.Version}}')).toBe(`v${version}\n`);
  });

  test('refuses a template that is none, and arguments', async () => {
    await using place = await finch();
    for (const argv of [['--format', '{{.Nothing}}'], ['--format', '{{'], ['x']]) {
      const { status, stdout, stderr } = await place.run('version', ...argv);
      expect([argv, status, stdout]).toEqual([argv, 1, '']);
      expect(stderr).toStartWith('finch: ');
      expect(stderr).not.toContain('internal error');
    }
  });
});
