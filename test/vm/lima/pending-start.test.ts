import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine } from '../../../src/host/command-line.ts';
import { endPendingStart, rememberStart } from '../../../src/vm/lima/pending-start.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { until } from './lima-bench.ts';

/** A `limactl` that runs until it is ended, and was remembered as the one that starts the machine. */
async function pendingStart(...args: readonly string[]) {
  const folder = await temporaryFolder();
  const program = join(folder.path, 'limactl');
  await Bun.write(program, '#!/bin/sh\nread line\n');
  await chmod(program, 0o755);
  const child = Bun.spawn([program, ...args], { stdin: 'pipe', stdout: 'ignore', detached: true });
  // A process that has just begun has no words yet.
  await until(async () => (await commandLine(child.pid)) !== '');
  rememberStart({ program, home: folder.path }, child.pid);
  return {
    ...{ child, home: folder.path },
    isRemembered: () => existsSync(join(folder.path, '.finch-start')),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
      await folder[Symbol.asyncDispose]();
    },
  };
}

test
  .skipIf(process.platform === 'win32')
  .each([
    [['start', '--tty=false', 'finch']],
    [['start', '--tty=false', '--name=finch', '/home/me/.finch/machine/new-machine.yaml']],
  ])('a start of the machine is ended, whichever limactl is used now: %p', async (args) => {
  await using pending = await pendingStart(...args);
  await endPendingStart({ home: pending.home });
  await pending.child.exited;
  expect(pending.child.signalCode).toBe('SIGKILL');
  expect(pending.isRemembered()).toBe(false);
});

test
  .skipIf(process.platform === 'win32')
  .each([
    [['start', 'default']],
    [['start', '--tty=false', 'finch-of-mine']],
    [['shell', 'finch']],
  ])('what has its number by now is left alone: %p', async (args) => {
  await using pending = await pendingStart(...args);
  await endPendingStart({ home: pending.home });
  expect(pending.isRemembered()).toBe(false);
  // A signal would have ended it before this line does.
  pending.child.stdin.write('\n');
  pending.child.stdin.end();
  await pending.child.exited;
  expect(pending.child.signalCode).toBeNull();
});
