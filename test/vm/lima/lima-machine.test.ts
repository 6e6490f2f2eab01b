import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hideSecret } from '../../../src/http/redact.ts';
import { missingLima } from '../../../src/vm/lima/missing-lima.ts';
import { CANARY } from '../../support/canary.ts';
import { limaBench, until } from './lima-bench.ts';

setDefaultTimeout(30_000);

/** What Lima tells of a start. */
const STAGES = [
  ...['booting', 'waiting for ssh', 'waiting for the user session', 'waiting for containerd'],
  'waiting for the set-up to finish',
];

const isWindows = process.platform === 'win32';
const isRoot = process.getuid?.() === 0;

describe.skipIf(isWindows)("the state of Lima's machine", () => {
  test('is known without Lima where there is none', async () => {
    await using bench = await limaBench();
    const machine = bench.machine();
    expect(await machine.state()).toEqual({
      ...{ status: 'Nonexistent', reason: undefined, hint: undefined, details: {} },
    });
    expect(await machine.isUp()).toBe(false);
    expect(await bench.fake.calls()).toEqual(isRoot ? ['--version'] : []);
  });

  test('says Running or Stopped, and what it has', async () => {
    await using bench = await limaBench();
    await bench.fake.setStatus('Running');
    const machine = bench.machine();
    const details = { CPUs: 2, Memory: 2 * 1024 ** 3, Dir: join(bench.home, 'lima/finch') };
    expect(await machine.state()).toMatchObject({ status: 'Running', reason: undefined, details });
    await bench.fake.setStatus('Stopped');
    expect(await machine.state()).toMatchObject({ status: 'Stopped', reason: undefined, details });
  });

  test('says of a broken one why, and what to do', async () => {
    await using bench = await limaBench();
    await bench.fake.setStatus('Broken');
    expect(await bench.machine().state()).toMatchObject({
      status: 'Broken',
      reason: 'qemu driver is running but host agent is not',
      hint: 'mend it with: finch vm start',
    });
  });

  test('is an error where Lima does not answer', async () => {
    await using bench = await limaBench();
    await bench.fake.setStatus('Running');
    await bench.fake.fail('ls', 'time="…" level=fatal msg="LIMA_HOME is \\"odd\\""\n');
    await expect(bench.machine().state()).rejects.toMatchObject({
      code: 'VM',
      message: 'cannot ask Lima for the virtual machine: LIMA_HOME is "odd"',
      hint: `see what it says to: LIMA_HOME=${bench.fake.limaHome} ${bench.fake.folder}/limactl ls`,
    });
    await bench.fake.fail('ls', 'time="…" level=fatal msg="must not run as the root user"');
    await expect(bench.machine().state()).rejects.toMatchObject({
      hint: expect.stringContaining('run finch as another user than root'),
    });
  });

  test('is up for as long as the host agent lives', async () => {
    await using bench = await limaBench();
    await bench.fake.setStatus('Running');
    const machine = bench.machine();
    expect(await machine.isUp()).toBe(true);
    const agent = await bench.fake.hostAgent();
    if (agent === undefined) throw new Error('there is no host agent');
    process.kill(agent, 'SIGKILL');
    await until(async () => !(await machine.isUp()));
    expect((await machine.state()).status).toBe('Broken');
    expect(await bench.fake.calls()).toEqual(['ls --json finch']);
  });
});

describe.skipIf(isWindows)("making Lima's machine", () => {
  test('makes it and its disk, and tells each stage once', async () => {
    await using bench = await limaBench();
    await bench.settings('cpus: 3\nmemory: 3GiB\ndatadisk: 20GiB\n');
    const machine = bench.machine();
    await machine.init(bench.act);
    expect(bench.told).toEqual(['getting the disk image', ...STAGES]);
    expect(await machine.state()).toMatchObject({
      ...{ status: 'Running', details: { CPUs: 3, Memory: 3 * 1024 ** 3 } },
    });
    expect(await machine.isUp()).toBe(true);
    expect(await bench.acts()).toEqual([
      'disk create finch --size 20GiB --format raw',
      `start --tty=false --name=finch ${bench.home}/machine/new-machine.yaml`,
    ]);
    expect(await readdir(join(bench.home, 'machine'))).toEqual([]);
    expect((await stat(join(bench.home, 'machine'))).mode & 0o777).toBe(0o700);
  });

  test('tells what the user should know of the settings', async () => {
    await using bench = await limaBench();
    await bench.settings('cpus: 64\n');
    await bench.machine().init(bench.act);
    expect(bench.told[0]).toStartWith('The specified number of CPUs (64) is greater');
  });

  test('leaves nothing when it fails, and says what the host agent said at last', async () => {
    await using bench = await limaBench();
    hideSecret(CANARY);
    const lines = Array.from({ length: 30 }, (_, i) => `line ${i}\u001b[31m`);
    await bench.fake.fail('start', `${lines.join('\n')}\nthe key is ${CANARY}\n`);
    await expect(bench.machine().init(bench.act)).rejects.toMatchObject({
      code: 'VM',
      message: expect.stringMatching(/^cannot start the virtual machine: the key is (?!canary)/i),
      hint: 'try again, or gather what is known with: finch support-bundle generate',
    });
    const tail = bench.told.filter((line) => line.startsWith('lima: '));
    expect(tail).toHaveLength(10);
    expect(tail.at(-2)).toBe('lima: line 29 [31m');
    expect(bench.told.join('\n').includes(CANARY)).toBe(false);
    await until(async () => !(await bench.hasRemains()));
    await bench.fake.mend('start');
    await bench.machine().init(bench.act);
    expect(await bench.fake.status()).toBe('Running');
  });

  test('leaves nothing when it is interrupted', async () => {
    await using bench = await limaBench();
    const held = await bench.fake.hold('start');
    const interrupt = new AbortController();
    const machine = bench.machine();
    const making = machine.init({ ...bench.act, signal: interrupt.signal });
    await until(async () => bench.told.includes('waiting for ssh'));
    expect(await machine.state()).toMatchObject({
      ...{ status: 'Nonexistent', reason: 'its making has not come to an end' },
      hint: expect.stringContaining('begin anew with: finch vm init'),
    });
    interrupt.abort(new Error('interrupted'));
    await expect(making).rejects.toThrow('interrupted');
    await held.letGo();
    await until(async () => !(await bench.hasRemains()));
    await machine.init(bench.act);
    expect(await bench.fake.status()).toBe('Running');
  });

  test('gives up when its time is over, and ends everything', async () => {
    await using bench = await limaBench();
    const held = await bench.fake.hold('start');
    await expect(bench.machine({ startMs: 400 }).init(bench.act)).rejects.toMatchObject({
      code: 'VM',
      message: expect.stringContaining('limactl did not end within 0.4 s'),
    });
    await held.letGo();
    await until(async () => !(await bench.hasRemains()));
  });

  test.each([
    ['0.23.2', '1.0.0'],
    ['v0.9.0', '1.0.0'],
  ])('asks for a newer Lima than %s', async (old, needed) => {
    await using bench = await limaBench();
    await bench.fake.setVersion(old);
    await expect(bench.machine().init(bench.act)).rejects.toMatchObject({
      code: 'VM',
      message: `${bench.fake.folder}/limactl is Lima ${old.replace('v', '')}, and finch needs ${needed} or later`,
      hint: expect.stringMatching(/^upgrade it with: brew upgrade lima/),
    });
    expect(await bench.acts()).toEqual([]);
  });

  test.each(['1.0.0', '2.1.3', '10.0.0', 'HEAD-96f7b6b', '2.2.0-alpha.1', '<unknown>'])(
    'takes Lima %s',
    async (version) => {
      await using bench = await limaBench();
      await bench.fake.setVersion(version);
      await bench.machine().init(bench.act);
      expect(await bench.fake.status()).toBe('Running');
    },
  );

  test('gives Lima no secret of the user', async () => {
    await using bench = await limaBench();
    const env = {
      AWS_SECRET_ACCESS_KEY: CANARY,
      AWS_PROFILE: 'dev',
      GITHUB_TOKEN: CANARY,
      COSIGN_PASSWORD: CANARY,
      QEMU_SYSTEM_X86_64: 'qemu-system-x86_64 -accel tcg',
    };
    await bench.machine({ env }).init(bench.act);
    const seen = await bench.fake.environment();
    expect(seen).toMatchObject({ LIMA_HOME: bench.fake.limaHome, HOME: bench.home });
    expect(seen['QEMU_SYSTEM_X86_64']).toBe(env.QEMU_SYSTEM_X86_64);
    expect(Object.keys(seen).filter((name) => /AWS|TOKEN|PASSWORD/.test(name))).toEqual([]);
  });

  test('is not in the way of what Lima had begun to make when it was killed', async () => {
    await using bench = await limaBench();
    await mkdir(join(bench.fake.limaHome, 'finch'), { recursive: true });
    const machine = bench.machine();
    expect((await machine.state()).status).toBe('Nonexistent');
    await machine.init(bench.act);
    expect(await bench.fake.status()).toBe('Running');
    await machine.remove({ ...bench.act, force: true });
    await mkdir(join(bench.fake.limaHome, 'finch'), { recursive: true });
    await machine.remove({ ...bench.act, force: true });
    expect(existsSync(join(bench.fake.limaHome, 'finch'))).toBe(false);
  });
});

describe.skipIf(isWindows)("starting Lima's machine", () => {
  test('applies what finch.yaml says by now, and never what it was made as', async () => {
    await using bench = await limaBench();
    const machine = bench.machine();
    await machine.init(bench.act);
    const made = await bench.document();
    await machine.stop({ ...bench.act, force: false });
    await bench.settings('cpus: 2\nmemory: 3GiB\nadditional_directories: [/srv]\n');
    await machine.start(bench.act);
    const changed = (await bench.document()) ?? '';
    const lines = new Set(made?.split('\n'));
    expect(changed.split('\n').filter((line) => !lines.has(line))).toEqual([
      'memory: 3GiB',
      '  - location: /srv',
    ]);
    expect((await machine.state()).details).toMatchObject({ CPUs: 2, Memory: 3 * 1024 ** 3 });
    await machine.stop({ ...bench.act, force: false });
    const path = join(bench.fake.limaHome, 'finch/lima.yaml');
    await Bun.write(path, changed.replace('vmType: qemu', 'vmType: vz'));
    await machine.start(bench.act);
    expect(await bench.document()).toContain('vmType: vz\n');
  });

  test('lets disks grow, and says that they do not shrink', async () => {
    await using bench = await limaBench();
    const machine = bench.machine();
    await machine.init(bench.act);
    await machine.stop({ ...bench.act, force: false });
    await bench.settings('datadisk: 60GiB\nbootdisk: 120GiB\n');
    await machine.start(bench.act);
    expect(bench.told).toContain('Resizing data disk from 50GiB to 60GiB');
    expect((await machine.state()).details['Disk']).toBe(120 * 1024 ** 3);
    await machine.stop({ ...bench.act, force: false });
    await bench.settings('datadisk: 20GiB\nbootdisk: 30GiB\n');
    await machine.start(bench.act);
    expect(bench.told.filter((line) => line.startsWith('Shrinking'))).toEqual([
      'Shrinking the data disk is not supported (configured: 20GiB, current: 60GiB), skipping resize',
      'Shrinking the boot disk is not supported (configured: 30GiB, current: 120GiB), skipping resize',
    ]);
    expect(await machine.disk?.describe()).toEqual([
      expect.stringMatching(/^NAME +SIZE/),
      expect.stringMatching(/^finch +60GiB/),
    ]);
  });

  test('leaves the document of a machine alone that another program made, and says so', async () => {
    await using bench = await limaBench();
    const before = 'cpus: 2\nmemory: 2GiB\ndisk: 100GiB\n';
    await Bun.write(join(bench.fake.limaHome, 'finch/lima.yaml'), before);
    await bench.settings('cpus: 4\n');
    await bench.machine().start(bench.act);
    expect(await bench.document()).toBe(before);
    expect(bench.told[0]).toStartWith('the machine was not made by this finch, and stays as ');
  });

  test('stays what it was made as when finch.yaml names another kind', async () => {
    await using bench = await limaBench();
    const machine = bench.machine();
    await machine.init(bench.act);
    await machine.stop({ ...bench.act, force: false });
    const path = join(bench.fake.limaHome, 'finch/lima.yaml');
    const made = (await bench.document()) ?? '';
    await Bun.write(path, made.replace('vmType: qemu', 'vmType: wsl2'));
    await machine.start(bench.act);
    // What the Linux of Windows has none of.
    expect(await bench.document()).toContain('portForwards: []\n');
  });

  test('stays as it was when Lima takes no such machine, and says what is wrong', async () => {
    await using bench = await limaBench();
    const machine = bench.machine();
    await machine.init(bench.act);
    await machine.stop({ ...bench.act, force: false });
    const before = await bench.document();
    await bench.settings('cpus: 3\n');
    await bench.fake.fail('validate', 'level=fatal msg="whatever"\n');
    await expect(machine.start(bench.act)).rejects.toMatchObject({
      code: 'VM',
      message: expect.stringMatching(/^cannot start the virtual machine as finch.yaml says: /),
      hint: 'correct finch.yaml, and start it again with: finch vm start',
    });
    expect(await bench.document()).toBe(before);
    expect(await readdir(join(bench.fake.limaHome, 'finch'))).not.toContain('lima.new.yaml');
    expect((await machine.state()).status).toBe('Stopped');
  });

  test.each([
    ['that Lima does not take', (text: string) => text.replace(/location: \/.*/, 'location: /opt')],
    ['that is damaged', (text: string) => `${text.slice(0, 90)}\nmounts: [\n  - location: /opt\n`],
  ])('makes a document of its own anew %s', async (_, damage) => {
    await using bench = await limaBench();
    const machine = bench.machine();
    await machine.init(bench.act);
    await machine.stop({ ...bench.act, force: false });
    const before = (await bench.document()) ?? '';
    const path = join(bench.fake.limaHome, 'finch/lima.yaml');
    await Bun.write(path, damage(before));
    expect(await machine.state()).toMatchObject({
      ...{ status: 'Broken', reason: expect.stringContaining('must not be a system path') },
      hint: 'correct finch.yaml, if that is where it comes from, and then: finch vm start',
    });
    await machine.start(bench.act);
    expect(await bench.document()).toBe(before);
    expect((await machine.state()).status).toBe('Running');
  });

  test('says of a disk of no whole sectors not that it would shrink', async () => {
    await using bench = await limaBench();
    await bench.settings('datadisk: 10.3GiB\n');
    const machine = bench.machine();
    await machine.init(bench.act);
    await machine.stop({ ...bench.act, force: false });
    await machine.start(bench.act);
    expect(bench.told.filter((line) => /disk to|Shrinking/.test(line))).toEqual([]);
  });

  test('mends a machine that broke, and takes its disk from the dead one', async () => {
    await using bench = await limaBench();
    const machine = bench.machine();
    await machine.init(bench.act);
    await bench.fake.setStatus('Broken');
    expect((await machine.state()).status).toBe('Broken');
    await machine.start(bench.act);
    expect((await machine.state()).status).toBe('Running');
    await machine.stop({ ...bench.act, force: false });
    // As a power cut leaves it.
    const held = join(bench.fake.limaHome, '_disks/finch/in_use_by');
    await Bun.write(held, join(bench.fake.limaHome, 'finch'));
    await machine.start(bench.act);
    expect((await machine.state()).status).toBe('Running');
    expect(await bench.acts()).toContain('disk unlock finch');
  });

  test('begins anew with a machine whose start nobody has seen the end of', async () => {
    await using bench = await limaBench();
    const machine = bench.machine();
    await machine.init(bench.act);
    await machine.stop({ ...bench.act, force: false });
    const held = await bench.fake.hold('start');
    const limactl = Bun.spawn([join(bench.fake.folder, 'limactl'), 'start', 'finch'], {
      env: { PATH: '/usr/bin:/bin', LIMA_HOME: bench.fake.limaHome },
      ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
    });
    await until(() => machine.isUp());
    limactl.kill('SIGKILL');
    expect(await machine.state()).toMatchObject({
      status: 'Broken',
      reason: 'it has not finished starting',
      hint: 'wait, or begin anew with: finch vm start',
    });
    await held.letGo();
    await until(async () => (await machine.state()).status === 'Running');
    await machine.stop({ ...bench.act, force: false });
    const again = await bench.fake.hold('start');
    const half = machine.start(bench.act).catch((error: unknown) => error);
    await until(() => machine.isUp());
    await machine.stop({ ...bench.act, force: false });
    await again.letGo();
    expect(await half).toMatchObject({ code: 'VM' });
    await machine.start(bench.act);
    expect((await machine.state()).status).toBe('Running');
  });

  test('leaves a stopped machine when it fails, and one that starts when asked again', async () => {
    await using bench = await limaBench();
    const machine = bench.machine();
    await machine.init(bench.act);
    await machine.stop({ ...bench.act, force: false });
    await bench.fake.fail('start', 'level=fatal msg="no such device"\n');
    await expect(machine.start(bench.act)).rejects.toMatchObject({ code: 'VM' });
    expect((await machine.state()).status).toBe('Stopped');
    await until(() => !Bun.spawnSync(['pgrep', '-f', bench.fake.folder]).success);
    await bench.fake.mend('start');
    await machine.start(bench.act);
    expect((await machine.state()).status).toBe('Running');
  });

  test('leaves a stopped machine when it is interrupted', async () => {
    await using bench = await limaBench();
    const machine = bench.machine();
    await machine.init(bench.act);
    await machine.stop({ ...bench.act, force: false });
    bench.told.length = 0;
    const held = await bench.fake.hold('start');
    const interrupt = new AbortController();
    const starting = machine.start({ ...bench.act, signal: interrupt.signal });
    await until(async () => bench.told.includes('waiting for ssh'));
    interrupt.abort(new Error('interrupted'));
    await expect(starting).rejects.toThrow('interrupted');
    await held.letGo();
    expect((await machine.state()).status).toBe('Stopped');
    await machine.start(bench.act);
    expect((await machine.state()).status).toBe('Running');
  });

  test('says that the folder is too long for the sockets of a machine', async () => {
    await using bench = await limaBench();
    const long = join(bench.home, 'x'.repeat(80));
    await mkdir(long);
    const { limaMachine } = await import('../../../src/vm/lima/lima-machine.ts');
    const lima = { program: join(bench.fake.folder, 'limactl'), home: long };
    const { socket } = { socket: '/run/creds.sock' };
    const host = {
      os: 'linux',
      arch: 'x64',
      home: bench.home,
      finchHome: bench.home,
      socket,
    } as const;
    const { readMachineSettings } = await import('../../../src/config/read-machine-settings.ts');
    const readSettings = () => readMachineSettings(join(bench.home, 'finch.yaml'));
    const machine = limaMachine({ lima, home: bench.home, env: {}, host, readSettings });
    await expect(machine.init(bench.act)).rejects.toMatchObject({
      code: 'VM',
      message: expect.stringMatching(
        /^sockets of the virtual machine cannot be in .*: a path would have \d+ bytes/,
      ),
      hint: 'choose a shorter folder with LIMA_HOME, or with FINCH_HOME',
    });
    expect(existsSync(join(long, 'finch'))).toBe(false);
  });
});

describe.skipIf(isWindows)("ending Lima's machine", () => {
  test('waits for its end', async () => {
    await using bench = await limaBench();
    await bench.fake.setStatus('Running');
    const machine = bench.machine();
    await machine.stop({ ...bench.act, force: false });
    expect(await bench.fake.status()).toBe('Stopped');
    expect(await machine.isUp()).toBe(false);
    expect(await bench.acts()).toEqual(['stop finch']);
  });

  test.each(['Running', 'Broken', 'Stopped'])('ends one by force that is %s', async (status) => {
    await using bench = await limaBench();
    await bench.fake.setStatus(status);
    await bench.machine().stop({ ...bench.act, force: true });
    expect(await bench.fake.status()).toBe('Stopped');
    expect(await bench.acts()).toEqual(['stop --force finch']);
  });

  test.each(['stop', 'remove'] as const)('%s by force asks nobody before', async (verb) => {
    await using bench = await limaBench();
    await bench.fake.setStatus('Running');
    const held = await bench.fake.hold('ls');
    await bench.machine()[verb]({ ...bench.act, force: true });
    await held.letGo();
    expect(await bench.fake.status()).toBe(verb === 'stop' ? 'Stopped' : undefined);
  });

  test('ends a broken one without being told to use force', async () => {
    await using bench = await limaBench();
    await bench.fake.setStatus('Broken');
    await bench.machine().stop({ ...bench.act, force: false });
    expect(await bench.fake.status()).toBe('Stopped');
  });

  test('says why it does not end', async () => {
    await using bench = await limaBench();
    await bench.fake.setStatus('Running');
    await bench.fake.fail('stop', 'it is busy\n');
    await expect(bench.machine().stop({ ...bench.act, force: false })).rejects.toMatchObject({
      code: 'VM',
      message: 'cannot stop the virtual machine: it is busy',
      hint: 'end it without waiting with: finch vm stop --force',
    });
  });

  test('removes it, and leaves the disk of its images to the next', async () => {
    await using bench = await limaBench();
    const machine = bench.machine();
    await machine.init(bench.act);
    await machine.stop({ ...bench.act, force: false });
    await machine.remove({ ...bench.act, force: false });
    expect(await machine.state()).toMatchObject({ status: 'Nonexistent' });
    expect(await machine.disk?.describe()).toHaveLength(2);
    await machine.init(bench.act);
    await machine.remove({ ...bench.act, force: true });
    await until(async () => !(await bench.hasRemains()));
    expect((await bench.acts()).filter((line) => line.startsWith('disk create'))).toHaveLength(1);
  });
});

describe.skipIf(isWindows)("a command in Lima's machine", () => {
  test('is run as root, where it was called, with its variables and no others', async () => {
    await using bench = await limaBench();
    await bench.fake.setStatus('Running');
    await bench.fake.addProgram('nerdctl', '#!/bin/sh\npwd; echo "$1 $A"; env | grep -c SECRET\n');
    const { program, args, env, cwd } = bench
      .machine({ env: { SECRET_KEY: CANARY } })
      .command(['nerdctl', "it's $HOME"], {
        ...{ env: { A: 'b c' }, cwd: bench.home },
      });
    const ran = Bun.spawnSync([program, ...args], { env, cwd });
    expect(ran.stdout.toString()).toBe(`${bench.home}\nit's $HOME b c\n0\n`);
    expect(args.slice(0, 5)).toEqual(['shell', 'finch', 'sudo', '-E', 'env']);
    expect(args).toContain(`FINCH_SOCKET=/run/user/${process.getuid?.()}/finch-creds.sock`);
  });
});

test('a machine without Lima does not exist, and says how to install it', async () => {
  const machine = missingLima('darwin');
  expect(await machine.state()).toMatchObject({
    status: 'Nonexistent',
    reason: 'limactl is not installed',
    hint: 'install Lima with: brew install lima',
  });
  await expect(machine.init({ onStage: () => {} })).rejects.toMatchObject({
    code: 'VM',
    message: 'there is no virtual machine: limactl is not installed',
    hint: 'registries and images need none; to build and run containers, install Lima with: brew install lima',
  });
});
