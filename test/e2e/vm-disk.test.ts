import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expectError } from './support/expectations.ts';
import { limaShell } from './support/lima-shell.ts';

describe.skipIf(process.platform === 'win32')('finch vm disk', () => {
  test('lists its commands, and is not mistaken for another', async () => {
    await using shell = await limaShell();
    for (const line of ['vm disk', 'vm disk --help']) {
      const { stdout, exitCode } = await shell.run(line);
      expect({ exitCode, names: /^ {2}info .*\n {2}resize /m.test(stdout) }).toEqual({
        ...{ exitCode: 0, names: true },
      });
    }
    const wrong = await shell.run('vm disk inf');
    expectError(wrong.stderr, 'unknown command "vm disk inf" for "finch"', /vm disk info/);
    expect(await shell.fake.calls()).toEqual([]);
  });

  test('shows the disk, and makes it larger', async () => {
    await using shell = await limaShell();
    const none = await shell.run('vm disk info');
    expect(none.exitCode).toBe(1);
    expectError(none.stderr, 'no disk information found for virtual machine "finch"');
    const resized = await shell.run('vm disk resize --size 60GiB');
    expectError(resized.stderr, /^finch: no disk information found/, /finch vm init/);
    await shell.run('vm init');
    const { stdout } = await shell.run('vm disk info');
    expect(stdout).toMatch(/^NAME +SIZE +FORMAT +DIR +IN-USE-BY\nfinch +50GiB .* finch\n$/);
    const running = await shell.run('vm disk resize --size 60GiB');
    expect(running.exitCode).toBe(1);
    expectError(
      running.stderr,
      'failed to resize disk: the virtual machine uses it',
      'stop it first with: finch vm stop',
    );
    expect(existsSync(join(shell.home, 'finch.yaml'))).toBe(false);
    await shell.run('vm stop');
    const { stderr, exitCode } = await shell.run('vm disk resize --size 60GiB');
    expect(exitCode).toBe(0);
    expect(stderr.split('\n').filter((line) => !line.startsWith('datadisk: '))).toEqual([
      'Increasing disk size is irreversible without losing data.',
      'Resizing disk to 60GiB...',
      'Disk resized successfully.',
      'Configuration updated with new disk size.',
      '',
    ]);
    expect((await shell.run('vm disk info')).stdout).toContain(' 60GiB ');
    expect(await Bun.file(join(shell.home, 'finch.yaml')).text()).toBe('datadisk: 60GiB\n');
  });

  test.each([
    [
      '--size 20GiB',
      /^finch: failed to resize disk: it has 50GiB, and a disk does not get smaller$/,
    ],
    ['--size 5X', /^finch: invalid size: "5X"$/],
    ['', /^finch: no size was given$/],
  ])('changes nothing by %p', async (flags, message) => {
    await using shell = await limaShell();
    await shell.run('vm init');
    await shell.run('vm stop');
    const { stderr, exitCode } = await shell.run(`vm disk resize ${flags}`.trim());
    expect(exitCode).toBe(1);
    expectError(stderr, message);
    expect((await shell.run('vm disk info')).stdout).toContain(' 50GiB ');
    expect(existsSync(join(shell.home, 'finch.yaml'))).toBe(false);
  });
});
