import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runningBridge } from '../../src/bridge/running-bridge.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { limaShell } from './support/lima-shell.ts';

describe.skipIf(process.platform === 'win32')('finch vm, where something goes wrong,', () => {
  test('leaves nothing of a machine whose making failed, and shows the end of the log', async () => {
    await using shell = await limaShell();
    await shell.fake.fail('start', 'qemu: no acceleration\nlevel=fatal msg="the disk is full"\n');
    const { stdout, stderr, exitCode } = await shell.run('vm init');
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
    expectError(stderr, /^finch: cannot start the virtual machine: /);
    expect(stderr).toContain('lima: qemu: no acceleration\n');
    expect(await shell.status()).toBe('Nonexistent');
    expect(existsSync(join(shell.home, 'lima/finch'))).toBe(false);
    await shell.fake.mend('start');
    expect((await shell.run('vm init')).exitCode).toBe(0);
  });

  test.each(['SIGINT', 'SIGKILL'] as const)(
    'a making that is ended by %s leaves nothing behind the next command',
    async (signal) => {
      await using shell = await limaShell();
      const held = await shell.fake.hold('start');
      const child = shell.start('vm init');
      await untilSaid(child.stderr, 'waiting for ssh');
      child.kill(signal);
      expect(await child.exited).toBe(signal === 'SIGINT' ? 130 : 137);
      expect(await shell.run('vm status')).toEqual({
        ...{ stdout: 'Nonexistent\n', exitCode: 0 },
        stderr:
          signal === 'SIGINT' ? '' : expect.stringContaining('begin anew with: finch vm init'),
      });
      expect(existsSync(join(shell.home, 'lima/finch'))).toBe(signal === 'SIGKILL');
      await held.letGo();
      if (signal === 'SIGKILL') {
        expect((await shell.run('vm start')).exitCode).toBe(1);
        expect((await shell.run('vm remove --force')).exitCode).toBe(0);
      }
      for (const left of ['lima/finch', 'machine/making', 'machine/new-machine.yaml']) {
        expect(existsSync(join(shell.home, left))).toBe(false);
      }
      expect((await shell.run('vm status')).stderr).toBe('');
      await untilGone(shell.fake.folder);
      expect((await shell.run('vm init')).exitCode).toBe(0);
      expect(await shell.status()).toBe('Running');
    },
  );

  test.each(['SIGINT', 'SIGKILL'] as const)(
    'a start that is ended by %s is mended by the next commands',
    async (signal) => {
      await using shell = await limaShell('Stopped');
      const held = await shell.fake.hold('start');
      const child = shell.start('vm start');
      await untilSaid(child.stderr, 'waiting for ssh');
      child.kill(signal);
      await child.exited;
      await held.letGo();
      if ((await shell.status()) !== 'Stopped') {
        expect((await shell.run('vm stop')).exitCode).toBe(0);
      }
      expect((await shell.run('vm start')).exitCode).toBe(0);
      expect(await shell.status()).toBe('Running');
    },
  );

  test.each(['SIGINT', 'SIGKILL'] as const)(
    'a stop that is ended by %s is finished by the next commands',
    async (signal) => {
      await using shell = await limaShell('Running');
      const held = await shell.fake.hold('stop');
      const child = shell.start('vm stop');
      while (!(await shell.fake.calls()).includes('stop finch')) await Bun.sleep(10);
      child.kill(signal);
      await child.exited;
      await held.letGo();
      await shell.run('vm stop');
      while ((await shell.status()) !== 'Stopped') await Bun.sleep(50);
      expect((await shell.run('vm start')).exitCode).toBe(0);
      expect(await shell.status()).toBe('Running');
    },
  );

  test('a command in a machine that another finch starts waits for it', async () => {
    await using shell = await limaShell('Stopped');
    await shell.fake.addProgram('nerdctl', '#!/bin/sh\necho CONTAINER\n');
    const held = await shell.fake.hold('start');
    const first = shell.start('vm start');
    await untilSaid(first.stderr, 'waiting for ssh');
    const second = shell.start('ps');
    await untilSaid(second.stderr, 'waiting for another finch');
    await held.letGo();
    expect(await first.exited).toBe(0);
    expect(await second.exited).toBe(0);
    expect(await second.stdout.text()).toBe('CONTAINER\n');
  });

  test('two that start at once start it once', async () => {
    await using shell = await limaShell('Stopped');
    const held = await shell.fake.hold('start');
    const first = shell.start('vm start');
    await untilSaid(first.stderr, 'waiting for ssh');
    const second = shell.start('vm start');
    await untilSaid(second.stderr, 'waiting for another finch');
    await held.letGo();
    expect(await first.exited).toBe(0);
    expect(await second.exited).toBe(1);
    expect((await shell.acts()).filter((line) => line.startsWith('start'))).toHaveLength(1);
  });

  test('a making that was killed is undone by the next, with its limactl', async () => {
    await using shell = await limaShell();
    const held = await shell.fake.hold('start');
    const child = shell.start('vm init');
    await untilSaid(child.stderr, 'waiting for ssh');
    child.kill('SIGKILL');
    await child.exited;
    const orphan = Number.parseInt(
      await Bun.file(join(shell.home, 'lima/.finch-start')).text(),
      10,
    );
    const next = shell.start('vm init');
    while (Bun.spawnSync(['kill', '-0', String(orphan)]).success) await Bun.sleep(10);
    await held.letGo();
    expect(await next.exited).toBe(0);
    expect(await shell.run('vm status')).toEqual({
      ...{ stdout: 'Running\n', stderr: '', exitCode: 0 },
    });
    expect((await shell.acts()).filter((line) => line.startsWith('delete'))).toHaveLength(1);
  });

  test('starts nothing with a finch.yaml that is wrong, and leaves all files as they are', async () => {
    await using shell = await limaShell('Stopped');
    await Bun.write(join(shell.home, 'finch.yaml'), 'cpus: 0\n');
    const before = await ownFiles(shell.home);
    const { stderr, exitCode } = await shell.run('vm start');
    expect(exitCode).toBe(1);
    expectError(stderr, /finch\.yaml.*specified number of CPUs \(0\) must be greater than 0/);
    expect(await ownFiles(shell.home)).toEqual(before);
    expect(await shell.status()).toBe('Stopped');
  });

  test.each(['stop', 'stop -f', 'remove -f'])(
    '%s ends what runs, whatever is wrong with finch.yaml',
    async (verb) => {
      for (const yaml of ['cpus: 0\n', 'memory: lots\n', 'vmType: [\n']) {
        await using shell = await limaShell();
        await shell.run('vm init');
        await Bun.write(join(shell.home, 'finch.yaml'), yaml);
        expect(await shell.status()).toBe('Running');
        expect((await shell.run(`vm ${verb}`)).exitCode).toBe(0);
        expect(await runningBridge(shell.home)).toBeUndefined();
        expect(await shell.fake.status()).toBe(verb.startsWith('stop') ? 'Stopped' : undefined);
      }
    },
  );

  test('stop --force ends it, and the bridge, although limactl does not answer', async () => {
    await using shell = await limaShell();
    await shell.run('vm init');
    const held = await shell.fake.hold('ls');
    expect((await shell.run('vm stop --force')).exitCode).toBe(0);
    await held.letGo();
    expect(await runningBridge(shell.home)).toBeUndefined();
    expect(await shell.status()).toBe('Stopped');
  });

  test('stop ends the bridge that is left of a machine that is stopped', async () => {
    await using shell = await limaShell();
    await shell.run('vm init');
    const limactl = Bun.spawn([join(shell.fake.folder, 'limactl'), 'stop', '--force', 'finch'], {
      env: { PATH: '/usr/bin:/bin', LIMA_HOME: shell.fake.limaHome },
      ...{ stdout: 'ignore', stderr: 'ignore' },
    });
    await limactl.exited;
    const { stderr, exitCode } = await shell.run('vm stop');
    expect(exitCode).toBe(1);
    expectError(stderr, 'the instance "finch" is already stopped');
    expect(await runningBridge(shell.home)).toBeUndefined();
  });

  test.skipIf(process.platform !== 'linux')(
    'another kind of machine in finch.yaml abandons none that runs',
    async () => {
      await using shell = await limaShell();
      await shell.run('vm init');
      await Bun.write(join(shell.home, 'finch.yaml'), 'vmType: native\n');
      expect(await shell.run('vm status')).toEqual({
        ...{ stdout: 'Running\n', exitCode: 0 },
        stderr:
          'finch.yaml chooses another machine by now: change over with: finch vm stop, and then: finch vm start\n',
      });
      const again = await shell.run('vm start');
      expect(again.exitCode).toBe(1);
      expectError(
        again.stderr,
        'the instance "finch" is already running: finch.yaml chooses another machine by now',
        'change over with: finch vm stop, and then: finch vm start',
      );
      const stopped = await shell.run('vm stop');
      expect(stopped.exitCode).toBe(0);
      expect(stopped.stderr).toContain('when finch.yaml chooses it again\n');
      expect(await shell.fake.status()).toBe('Stopped');
      expect(await runningBridge(shell.home)).toBeUndefined();
      expect(await shell.status()).not.toBe('Running');
    },
  );

  test('a setting that Lima does not take leaves a machine that starts once it is corrected', async () => {
    await using shell = await limaShell();
    await shell.run('vm init');
    await shell.run('vm stop');
    await shell.fake.fail('validate', 'level=fatal msg="whatever"\n');
    await Bun.write(join(shell.home, 'finch.yaml'), 'memory: 3GiB\n');
    const { stderr, exitCode } = await shell.run('vm start');
    expect(exitCode).toBe(1);
    expectError(
      stderr,
      /^finch: cannot start the virtual machine as finch\.yaml says: /,
      'correct finch.yaml, and start it again with: finch vm start',
    );
    expect(await shell.status()).toBe('Stopped');
    await shell.fake.mend('validate');
    expect((await shell.run('vm start')).exitCode).toBe(0);
  });

  test('stop --force does not wait for a start that hangs', async () => {
    await using shell = await limaShell('Stopped');
    const held = await shell.fake.hold('start');
    const starting = shell.start('vm start');
    await untilSaid(starting.stderr, 'waiting for ssh');
    const { stderr, exitCode } = await shell.run('vm stop --force');
    expect({ stderr, exitCode }).toMatchObject({ exitCode: 0 });
    expect(stderr).toContain('waiting for another finch');
    await held.letGo();
    expect(await starting.exited).toBe(1);
    expect(await shell.status()).toBe('Stopped');
  });

  test('says that Lima does nothing for root', async () => {
    await using shell = await limaShell();
    await Bun.write(join(shell.home, 'state/root'), '');
    const isRoot = process.getuid?.() === 0;
    expect((await shell.run('vm status')).stderr).toContain(isRoot ? 'vmType: native' : '');
    const { stderr, exitCode } = await shell.run('vm init');
    expect(exitCode).toBe(1);
    expectError(stderr, /must not run as the root user/, /^hint: run finch as another user/);
  });

  test.each([
    ['stop', 'Running'],
    ['start', 'Stopped'],
  ])(
    '%s leaves nothing to do of the restart that ecr setup could not finish',
    async (action, state) => {
      await using shell = await limaShell(state);
      const record = join(shell.home, 'ecr-setup.json');
      const restartPending = { isDue: true, isStopped: true };
      await Bun.write(record, JSON.stringify({ files: [], restartPending }));
      expect((await shell.run(`vm ${action}`)).exitCode).toBe(0);
      expect(await Bun.file(record).exists()).toBe(false);
    },
  );

  test('asks for a newer Lima where it is too old', async () => {
    await using shell = await limaShell();
    await shell.fake.setVersion('0.23.2');
    const { stderr, exitCode } = await shell.run('vm init');
    expect(exitCode).toBe(1);
    expectError(
      stderr,
      /limactl is Lima 0\.23\.2, and finch needs 1\.0\.0 or later$/,
      /^hint: upgrade it with: brew upgrade lima/,
    );
    expect(await shell.status()).toBe('Nonexistent');
  });
});

/** The files of a home, but for those of the fake Lima and for locks. */
async function ownFiles(home: string): Promise<object> {
  const files = Object.entries(await filesIn(home));
  return Object.fromEntries(files.filter(([path]) => !/^state\/|\.lock$/.test(path)));
}

/** Waits for a line; the rest is left unread. */
async function untilSaid(stream: ReadableStream<Uint8Array>, words: string): Promise<void> {
  const decoder = new TextDecoder();
  let said = '';
  const reader = stream.getReader();
  while (!said.includes(words)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`it never said ${words}, but: ${said}`);
    said += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
}

/** Waits until no program of a folder runs. */
async function untilGone(folder: string): Promise<void> {
  while (Bun.spawnSync(['pgrep', '-f', `${folder}/limactl`]).success) await Bun.sleep(20);
}
