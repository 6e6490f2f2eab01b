import { expect, test } from 'bun:test';
import { closeSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { platformOf } from '../../src/host/process-host.ts';

const CHILD = [process.execPath, join(import.meta.dir, 'host-child.ts')];
const isWindows = process.platform === 'win32';

/** Runs the child in a shell command, in which `finch` stands for it. */
async function shell(command: string) {
  const script = `finch() { ${CHILD.map((word) => `'${word}'`).join(' ')} "$@"; }; ${command}`;
  const child = Bun.spawn(['/bin/sh', '-c', script], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { stdout, stderr, status: await child.exited };
}

async function home(env: Record<string, string>) {
  const child = Bun.spawn([...CHILD, 'home'], { env, stdout: 'pipe', stderr: 'pipe' });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return stdout + stderr;
}

test('home is FINCH_HOME, made absolute', async () => {
  expect(await home({ FINCH_HOME: '/somewhere', HOME: '/home/me' })).toBe(resolve('/somewhere'));
  expect(await home({ FINCH_HOME: 'here', HOME: '/home/me' })).toBe(resolve('here'));
});

test('home is .finch in the home folder when FINCH_HOME is not set or empty', async () => {
  expect(await home({ HOME: '/home/me' })).toBe(resolve('/home/me/.finch'));
  expect(await home({ FINCH_HOME: '', HOME: '/home/me' })).toBe(resolve('/home/me/.finch'));
});

test('home is a clear error when nothing says where it is, but only when it is asked for', async () => {
  expect(await home({ HOME: '' })).toBe('USAGE there is no home folder: HOME is not set\n');
});

test('platformOf() gives Go names for what Node.js names otherwise', () => {
  expect(platformOf('x64')).toEqual({ os: 'linux', architecture: 'amd64' });
  expect(platformOf('arm64')).toEqual({ os: 'linux', architecture: 'arm64' });
  expect(platformOf('arm')).toEqual({ os: 'linux', architecture: 'arm', variant: 'v7' });
  expect(platformOf('ia32')).toEqual({ os: 'linux', architecture: '386' });
  expect(platformOf('s390x')).toEqual({ os: 'linux', architecture: 's390x' });
});

test('stdin can be read to its end', async () => {
  const child = Bun.spawn([...CHILD, 'count'], {
    stdin: Buffer.alloc(300_000, 'x'),
    stdout: 'pipe',
  });
  expect(await child.stdout.text()).toBe('300000');
});

test.skipIf(isWindows)('nothing is lost when the program ends right after writing', async () => {
  const { stdout } = await shell('finch lines 20000 | cat');
  expect(stdout.split('\n').length).toBe(20_001);
  expect(stdout).toEndWith('line 20000\n');
});

test.skipIf(isWindows)('a reader that goes away is no error', async () => {
  const { stdout, stderr } = await shell('{ finch lines 20000; echo status $? >&2; } | head -n 1');
  expect(stdout).toBe('line 1\n');
  expect(stderr).toBe('written\nstatus 0\n');
});

test.skipIf(process.platform !== 'linux')(
  'a stdout that cannot be written is an error, and a stderr is not',
  async () => {
    const full = await shell('finch lines 3 > /dev/full');
    expect(full.stderr).toBe('IO cannot write stdout: no space left on the disk\n');
    const quiet = await shell('finch lines 3 2> /dev/full');
    expect(quiet).toEqual({ stdout: 'line 1\nline 2\nline 3\n', stderr: '', status: 0 });
  },
);

test.skipIf(isWindows)('a terminal tells its size', async () => {
  let screen = '';
  const child = Bun.spawn([...CHILD, 'size'], {
    terminal: {
      cols: 91,
      rows: 33,
      data(_, bytes) {
        screen += new TextDecoder().decode(bytes);
      },
    },
  });
  await child.exited;
  child.terminal?.close();
  const output = { isTerminal: true, columns: 91, rows: 33 };
  expect(JSON.parse(screen)).toEqual([true, output, output]);
});

test('what is no terminal is 80 columns wide', async () => {
  const nothing = openSync(isWindows ? 'NUL' : '/dev/null', 'r');
  const child = Bun.spawn([...CHILD, 'size'], { stdio: [nothing, 'pipe', 'pipe'] });
  const output = { isTerminal: false, columns: 80, rows: 24 };
  expect(await child.stdout.json()).toEqual([false, output, output]);
  closeSync(nothing);
});
