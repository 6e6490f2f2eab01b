import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type RunOptions, runProgram } from '../../src/host/run-program.ts';
import { temporaryFolder } from '../support/temporary.ts';

const env = { PATH: process.env['PATH'] };

/** Runs a line of shell, because a shell can do all that a program can. */
async function run(line: string, options: Partial<RunOptions> = {}) {
  const given = { stdin: bytes('typed'), env, timeoutMs: 20_000, ...options };
  const { stdout, stderr, ...rest } = await runProgram('/bin/sh', ['-c', line], given);
  return { stdout: text(stdout), stderr: text(stderr), ...rest };
}

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

function text(content: Uint8Array): string {
  return new TextDecoder().decode(content);
}

/** Whether a process is there; one that has ended and waits for its parent to notice is not. */
async function isAlive(pid: string): Promise<boolean> {
  const child = Bun.spawn(['ps', '-o', 'stat=', '-p', pid], { stdout: 'pipe' });
  return /^[^Z\s]/.test(await child.stdout.text());
}

async function untilGone(pid: string): Promise<void> {
  while (await isAlive(pid)) await Bun.sleep(5);
}

describe.skipIf(process.platform === 'win32')('runProgram()', () => {
  test('gives each line of stderr as soon as it is whole', async () => {
    const lines: string[] = [];
    const seen = Promise.withResolvers<void>();
    const onErrorLine = (line: string) => {
      lines.push(line);
      seen.resolve();
    };
    await using folder = await temporaryFolder();
    const go = join(folder.path, 'go');
    const line = `printf 'fir' >&2; printf 'st\\nsec' >&2; until [ -e ${go} ]; do sleep 0.01; done; printf 'ond\\nrest' >&2`;
    const running = run(line, { onErrorLine });
    await seen.promise;
    expect(lines).toEqual(['first']);
    await Bun.write(go, '');
    expect((await running).stderr).toBe('first\nsecond\nrest');
    expect(lines).toEqual(['first', 'second']);
  });

  test('gives what the program wrote and how it ended', async () => {
    expect(await run('cat; echo "not well" >&2; exit 3')).toEqual({
      status: 3,
      stdout: 'typed',
      stderr: 'not well\n',
      fault: undefined,
    });
  });

  test('passes arguments as they are, to no shell, and only the environment that it is given', async () => {
    const args = ['$HOME; `id`', '*', ''];
    const { stdout } = await runProgram('/usr/bin/env', ['printf', '<%s>', ...args], {
      stdin: bytes(''),
      env,
      timeoutMs: 20_000,
    });
    expect(text(stdout)).toBe(args.map((arg) => `<${arg}>`).join(''));
    expect((await run('env', { env: { A: 'b' } })).stdout).toMatch(/^A=b$/m);
    expect((await run('env', { env: { A: 'b' } })).stdout).not.toContain('HOME=');
  });

  test('a program that never reads its stdin is no failure', async () => {
    const { status, fault } = await run('exit 0', { stdin: new Uint8Array(8 * 1024 * 1024) });
    expect({ status, fault }).toEqual({ status: 0, fault: undefined });
  });

  test('gives all of the output up to the limit', async () => {
    const { stdout, fault } = await run('head -c 1048576 /dev/zero');
    expect({ length: stdout.length, fault }).toEqual({ length: 1048576, fault: undefined });
  });

  test.each(['', ' >&2'])('ends a program that writes without end: yes%s', async (where) => {
    const { status, fault, stdout, stderr } = await run(`yes${where}`);
    expect({ status, fault }).toEqual({
      status: undefined,
      fault: 'wrote more than 1048576 bytes',
    });
    expect(stdout.length + stderr.length).toBeLessThanOrEqual(1048576);
  });

  test('ends a program that takes too long, with what it started', async () => {
    await using folder = await temporaryFolder();
    const pids = join(folder.path, 'pids');
    const line = `sleep 100 & echo $! > ${pids}; echo $$ >> ${pids}; wait`;
    const { status, fault } = await run(line, { timeoutMs: 1000 });
    expect({ status, fault }).toEqual({ status: undefined, fault: 'did not end within 1 s' });
    for (const pid of (await Bun.file(pids).text()).trim().split('\n')) await untilGone(pid);
  });

  test('kills a program that does not end when it is told to', async () => {
    const { fault } = await run('trap "" TERM; while :; do sleep 0.01; done', { timeoutMs: 300 });
    expect(fault).toBe('did not end within 0.3 s');
  });

  test('does not wait for a child that the program left behind with its output', async () => {
    await using folder = await temporaryFolder();
    const left = join(folder.path, 'left');
    const { stdout, status } = await run(`sleep 100 & echo $! > ${left}; echo done`);
    expect({ stdout, status }).toEqual({ stdout: 'done\n', status: 0 });
    process.kill(Number(await Bun.file(left).text()));
  });

  test('does not wait either for such a child that goes on writing', async () => {
    await using folder = await temporaryFolder();
    const left = join(folder.path, 'left');
    const writing = 'while :; do echo again; sleep 0.02; done >&2';
    const { stdout, status, fault } = await run(`(${writing}) & echo $! > ${left}; echo done`);
    expect({ stdout, status, fault }).toEqual({ stdout: 'done\n', status: 0, fault: undefined });
    process.kill(Number(await Bun.file(left).text()));
  });

  test('ends the program when the signal fires, and throws its reason', async () => {
    await using folder = await temporaryFolder();
    const pid = join(folder.path, 'pid');
    const stop = new AbortController();
    const running = run(`echo $$ > ${pid}; exec sleep 100`, { signal: stop.signal });
    while (!(await Bun.file(pid).exists()) || (await Bun.file(pid).text()) === '')
      await Bun.sleep(5);
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    await untilGone((await Bun.file(pid).text()).trim());
    await expect(run('true', { signal: stop.signal })).rejects.toThrow('enough');
  });

  test('says when a signal of somebody else ended the program', async () => {
    expect(await run('kill -9 $$')).toMatchObject({
      status: undefined,
      fault: 'was ended by SIGKILL',
    });
  });

  test('says why a file cannot be run', async () => {
    await using folder = await temporaryFolder();
    const plain = join(folder.path, 'plain');
    await Bun.write(plain, 'no program');
    const faults = [join(folder.path, 'nothing'), plain, folder.path].map(async (path) => {
      const options = { stdin: bytes(''), env, timeoutMs: 20_000 };
      return (await runProgram(path, [], options)).fault;
    });
    expect(await Promise.all(faults)).toEqual([
      'cannot be started: no such file',
      'cannot be started: permission denied',
      'cannot be started: permission denied',
    ]);
  });
});
