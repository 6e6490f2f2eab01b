import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runningBridge } from '../../src/bridge/running-bridge.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { limaShell, withoutStages } from './support/lima-shell.ts';

// https://github.com/runfinch/finch/tree/v1.18.0/cmd/finch, virtual_machine_*.go
const STARTED = 'Finch virtual machine started successfully\n';

describe.skipIf(process.platform === 'win32')('finch vm', () => {
  test('goes through the life of a machine, from init to remove', async () => {
    await using shell = await limaShell();
    expect(await shell.status()).toBe('Nonexistent');
    const made = await shell.run('vm init');
    expect({ ...made, stderr: withoutStages(made.stderr) }).toEqual({
      ...{ stdout: '', exitCode: 0 },
      stderr: `Initializing and starting Finch virtual machine...\n${STARTED}`,
    });
    expect(await shell.status()).toBe('Running');
    expect(await runningBridge(shell.home)).toBeDefined();
    expect(await shell.run('vm stop')).toEqual({
      ...{ stdout: '', exitCode: 0 },
      stderr:
        'Stopping existing Finch virtual machine...\nFinch virtual machine stopped successfully\n',
    });
    expect(await shell.status()).toBe('Stopped');
    expect(await runningBridge(shell.home)).toBeUndefined();
    const started = await shell.run('vm start');
    expect({ ...started, stderr: withoutStages(started.stderr) }).toEqual({
      ...{ stdout: '', exitCode: 0 },
      stderr: `Starting existing Finch virtual machine...\n${STARTED}`,
    });
    expect(await shell.status()).toBe('Running');
    expect((await shell.run('vm stop')).exitCode).toBe(0);
    expect(await shell.run('vm remove')).toEqual({
      ...{ stdout: '', exitCode: 0 },
      stderr:
        'Removing existing Finch virtual machine...\nFinch virtual machine removed successfully\n',
    });
    expect(await shell.status()).toBe('Nonexistent');
    expect((await shell.run('vm init')).exitCode).toBe(0);
    expect((await shell.acts()).filter((line) => line.startsWith('disk create'))).toHaveLength(1);
  });

  test('tells each stage of a start, and nothing on stdout', async () => {
    await using shell = await limaShell();
    const { stdout, stderr } = await shell.run('vm init');
    expect(stdout).toBe('');
    expect(stderr.split('\n').slice(1, -2)).toEqual([
      ...['getting the disk image', 'booting', 'waiting for ssh', 'waiting for the user session'],
      ...['waiting for containerd', 'waiting for the set-up to finish'],
    ]);
  });

  test.each([
    ['init', 'Stopped', 'already exists but is stopped', 'start it with: finch vm start'],
    ['init', 'Running', 'is already running', 'stop it with: finch vm stop'],
    ['start', 'Nonexistent', 'does not exist', 'make it with: finch vm init'],
    ['start', 'Running', 'is already running', 'stop it with: finch vm stop'],
    ['stop', 'Nonexistent', 'does not exist', 'make it with: finch vm init'],
    ['stop', 'Stopped', 'is already stopped', 'start it with: finch vm start'],
    ['remove', 'Nonexistent', 'does not exist', 'make it with: finch vm init'],
    ['remove', 'Running', 'is running', 'stop it first with: finch vm stop'],
    ['stop --force', 'Nonexistent', 'does not exist', 'make it with: finch vm init'],
  ] as const)('%s of a machine that is %s is refused', async (verb, state, message, hint) => {
    await using shell = await limaShell(state === 'Nonexistent' ? undefined : state);
    // A machine that runs without a bridge would get one.
    if (verb === 'start' && state === 'Running') {
      await shell.run('vm stop');
      await shell.run('vm start');
    }
    const before = await shell.acts();
    const { stdout, stderr, exitCode } = await shell.run(`vm ${verb}`);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
    expectError(stderr, `the instance "finch" ${message}`, hint);
    expect(await shell.acts()).toEqual(before);
    expect(await shell.status()).toBe(state);
  });

  test.each([
    ['stop --force', 'Running', 'Forcibly stopping', 'stopped', 'Stopped'],
    ['stop -f', 'Stopped', 'Forcibly stopping', 'stopped', 'Stopped'],
    ['remove --force', 'Running', 'Forcibly removing', 'removed', 'Nonexistent'],
    ['remove -f', 'Stopped', 'Forcibly removing', 'removed', 'Nonexistent'],
    ['remove -f', 'Broken', 'Forcibly removing', 'removed', 'Nonexistent'],
  ])('%s ends a machine that is %s', async (verb, state, now, done, then) => {
    await using shell = await limaShell(state);
    expect(await shell.run(`vm ${verb}`)).toEqual({
      ...{ stdout: '', exitCode: 0 },
      stderr: `${now} Finch virtual machine...\nFinch virtual machine ${done} successfully\n`,
    });
    expect(await shell.status()).toBe(then);
  });

  test('says what is wrong with a broken machine, and what to do', async () => {
    await using shell = await limaShell('Broken');
    expect(await shell.run('vm status')).toEqual({
      ...{ stdout: 'Broken\n', exitCode: 0 },
      stderr: 'qemu driver is running but host agent is not: mend it with: finch vm start\n',
    });
    expect((await shell.run('vm init')).exitCode).toBe(1);
    expect((await shell.run('vm start')).exitCode).toBe(0);
    expect(await shell.status()).toBe('Running');
  });

  test.each(['stop', 'remove'])('%s needs no force for a broken machine', async (verb) => {
    await using shell = await limaShell('Broken');
    expect((await shell.run(`vm ${verb}`)).exitCode).toBe(0);
    expect(await shell.status()).toBe(verb === 'stop' ? 'Stopped' : 'Nonexistent');
  });

  test('status gives what there is to know to programs', async () => {
    await using shell = await limaShell('Running');
    const { stdout, stderr, exitCode } = await shell.run('vm status --format json');
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ Status: 'Running', Kind: 'lima', Reason: '', CPUs: 2, Memory: 2 * 1024 ** 3 },
      Dir: join(shell.home, 'lima/finch'),
    });
    expect((await shell.run('vm status --format {{.Status}}:{{.CPUs}}')).stdout).toBe(
      'Running:2\n',
    );
    await shell.fake.setStatus('Broken');
    expect(JSON.parse((await shell.run('vm status --format json')).stdout)).toMatchObject({
      ...{ Status: 'Broken', Reason: expect.stringContaining('mend it with: finch vm start') },
    });
  });

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
      expect(await shell.status()).toBe('Nonexistent');
      expect(existsSync(join(shell.home, 'lima/finch'))).toBe(false);
      expect(existsSync(join(shell.home, 'machine/making'))).toBe(false);
      await held.letGo();
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

  test('starts nothing with a finch.yaml that is wrong, and leaves all files as they are', async () => {
    await using shell = await limaShell('Stopped');
    await Bun.write(join(shell.home, 'finch.yaml'), 'cpus: 0\n');
    const before = await filesIn(shell.home);
    for (const verb of ['init', 'start', 'stop', 'status']) {
      const { stderr, exitCode } = await shell.run(`vm ${verb}`);
      expect(exitCode).toBe(1);
      expectError(stderr, /finch\.yaml.*specified number of CPUs \(0\) must be greater than 0/);
    }
    expect(await filesIn(shell.home)).toEqual(before);
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
    await shell.run('vm init');
    const { stdout } = await shell.run('vm disk info');
    expect(stdout).toMatch(/^NAME +SIZE +FORMAT +DIR +IN-USE-BY\nfinch +50GiB .* finch\n$/);
    const running = await shell.run('vm disk resize --size 60GiB');
    expect(running.exitCode).toBe(1);
    expectError(running.stderr, /cannot resize disk `finch` used by running instance/);
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
    ['--size 20GiB', /less than the current disk size `50GiB`/],
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
