import { expect, test } from 'bun:test';
import { commandLine } from '../../src/host/command-line.ts';

test.skipIf(process.platform === 'win32')(
  'commandLine() tells all words of a process, and none of one that has ended',
  async () => {
    const words = ['-c', 'read line', 'x'.repeat(200), 'last word'];
    const child = Bun.spawn(['/bin/sh', ...words], { stdin: 'pipe', stdout: 'ignore' });
    try {
      // One that has just begun has none yet.
      while ((await commandLine(child.pid)) === '') await Bun.sleep(1);
      expect(await commandLine(child.pid)).toBe(['/bin/sh', ...words].join(' '));
    } finally {
      child.kill('SIGKILL');
      await child.exited;
    }
    expect(await commandLine(child.pid)).toBe('');
  },
);
