import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { runningBridge } from '../../src/bridge/running-bridge.ts';
import { expectError } from './support/expectations.ts';
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
    expect((await shell.run('vm status --format table')).stdout).toMatch(
      /^STATUS +KIND +REASON +HINT *\nRunning +lima *\n$/,
    );
    await shell.fake.setStatus('Broken');
    expect(JSON.parse((await shell.run('vm status --format json')).stdout)).toMatchObject({
      ...{ Status: 'Broken', Reason: 'qemu driver is running but host agent is not' },
      Hint: 'mend it with: finch vm start',
    });
  });
});
