import { describe, expect, test } from 'bun:test';
import { mkdir, readdir, readFile, rm, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CANARY } from '../support/canary.ts';
import { fakeLimactl } from '../support/fake-limactl.ts';
import { expectError } from './support/expectations.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const NASTY = ['', 'two words', "it's", '"', '$HOME', '*', '--', '-h', '--debug', '\n', 'é'];

/** Writes down how it was called, and does what a test says. */
const NERDCTL = (folder: string) => `#!/bin/sh
[ "$1" = --hosts-dir ] && shift 2
printf '%s\\0' "$@" > '${folder}/args'
env -0 > '${folder}/environment'
pwd -P > '${folder}/cwd'
[ ! -e '${folder}/act' ] || . '${folder}/act'
`;

/** A workbench with a virtual machine that runs, and a nerdctl in it. */
async function limaBench() {
  const bench = await workbench();
  const lima = await fakeLimactl(bench.home);
  await lima.addProgram('nerdctl', NERDCTL(bench.folder));
  const env = {
    PATH: `${lima.folder}:/usr/bin:/bin`,
    HOME: bench.folder,
    LIMA_HOME: lima.limaHome,
  };
  const withLima = (options: Parameters<Workbench['run']>[1] = {}) => ({
    ...options,
    env: { ...env, ...options.env },
  });
  const words = async (name: string) =>
    (await readFile(bench.path(name), 'utf8')).split('\0').slice(0, -1);
  return {
    ...{ bench, lima, words },
    run: (line: string | readonly string[], options?: Parameters<Workbench['run']>[1]) =>
      bench.run(line, withLima(options)),
    start: (words: readonly string[]) =>
      Bun.spawn([finchBinary, ...words], {
        env: finchEnvironment(bench.home, env),
        ...{ cwd: bench.folder, stdin: 'ignore', stdout: 'pipe', stderr: 'ignore', detached: true },
      }),
    fails: (line: string, options?: Parameters<Workbench['run']>[1]) =>
      bench.fails(line, withLima(options)),
    async [Symbol.asyncDispose]() {
      await bench.run('vm stop --force', withLima());
      await bench[Symbol.asyncDispose]();
    },
  };
}

/** Waits until a process lives no more; one that nobody has asked about since does not count. */
async function expectGone(pid: number): Promise<void> {
  const stateOf = async () => {
    const { stdout } = Bun.spawn(['ps', '-o', 'stat=', '-p', `${pid}`], { stdout: 'pipe' });
    return (await stdout.text()).trim();
  };
  for (const since = Date.now(); !/^(?:Z|$)/.test(await stateOf()); await Bun.sleep(20)) {
    if (Date.now() - since > 10_000) throw new Error(`process ${pid} lives on`);
  }
}

describe('finch run and its like, in a virtual machine', () => {
  test('give nerdctl every word as it was written, and its exit status back', async () => {
    await using place = await limaBench();
    await place.lima.setStatus('Running');
    await Bun.write(place.bench.path('act'), 'echo out; exit 3\n');
    const { stdout, exitCode } = await place.run(['exec', 'web', ...NASTY]);
    expect([stdout, exitCode]).toEqual(['out\n', 3]);
    expect(await place.words('args')).toEqual(['exec', 'web', ...NASTY]);
  });

  test('bring no key of AWS and no password into it, nor into a command line', async () => {
    await using place = await limaBench();
    await place.lima.setStatus('Running');
    const secrets = Object.fromEntries(
      ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'COSIGN_PASSWORD'].map((name) => [
        name,
        CANARY,
      ]),
    );
    const env = { ...secrets, AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', COMPOSE_FILE: 'web.yaml' };
    expect((await place.run('compose ps', { env })).exitCode).toBe(0);
    const inside = (await place.words('environment')).join('\n');
    expect(inside).toContain('COMPOSE_FILE=web.yaml');
    expect(inside).toContain('CONTAINERD_NAMESPACE=finch');
    expect(inside).toContain(`DOCKER_CONFIG=${join(place.bench.home, 'machine/docker')}`);
    expect(inside).not.toMatch(/^(?:AWS_|COSIGN)/m);
    expect(`${inside}${(await place.lima.calls()).join('\n')}`.includes(CANARY)).toBe(false);
  });

  test('end with all that they started when somebody ends finch', async () => {
    await using place = await limaBench();
    await place.lima.setStatus('Running');
    const pids = place.bench.path('pids');
    // As ssh below limactl, which passes nothing on.
    await Bun.write(
      place.bench.path('act'),
      `sleep 60 & echo "$!" > '${pids}'; echo ready; trap 'wait' TERM; wait; wait\n`,
    );
    await using child = place.start(['run', 'app']);
    const { value } = await child.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toBe('ready\n');
    const sleeper = Number(await readFile(pids, 'utf8'));
    child.kill('SIGTERM');
    await child.exited;
    // It had the signal when finch ended, and goes in its own time.
    await expectGone(sleeper);
  });

  test('refuse to work on files where the machine does not see the folder of the user', async () => {
    await using place = await limaBench();
    await place.lima.setStatus('Running');
    for (const line of [
      ...['build .', 'image build -t x .', 'compose up', 'run -v .:/w app', 'run -itv ./a:/a app'],
      ...['container create --volume=../a:/a app', 'run --env-file here app', 'cp web:/x .'],
      ...[
        'container cp web:/x here',
        'export -o web.tar web',
        'import app.tar',
        'run --cidfile=x app',
      ],
      ...['run --mount type=bind,src=a,target=/a app', 'exec --env-file=x web ls'],
    ]) {
      const stderr = await place.fails(line, { cwd: '/' });
      expectError(
        stderr,
        'the virtual machine does not see /',
        /^hint: add it to additional_directories in .*, then run finch vm stop and finch vm start/,
      );
    }
    expect(await Bun.file(place.bench.path('args')).exists()).toBe(false);
    for (const line of [
      ...['ps', 'run app ls .', 'run -v data:/d -v /abs:/a -e A=./b app cat ./x', 'export web'],
      ...['cp web:/x /home/x', 'exec web ls .', 'logs web'],
    ]) {
      const { exitCode, stderr } = await place.run(line, { cwd: '/' });
      expect([line, exitCode, stderr.includes('does not see')]).toEqual([line, 0, false]);
    }
    expect((await place.run('build .', { cwd: place.bench.folder })).exitCode).toBe(0);
  });

  test('work in the folder of the user, also where the home folder is a link', async () => {
    await using place = await limaBench();
    await place.lima.setStatus('Running');
    const link = `${place.bench.folder}-link`;
    const project = place.bench.path('project');
    await mkdir(project);
    await symlink(place.bench.folder, link);
    try {
      const { exitCode } = await place.run('build .', { cwd: project, env: { HOME: link } });
      expect(exitCode).toBe(0);
      expect((await place.lima.environment())['PWD']).toBe(`${link}/project`);
    } finally {
      await unlink(link);
    }
  });

  test('give a container the variables that are only named, by a file that nobody else can read', async () => {
    await using place = await limaBench();
    await place.lima.setStatus('Running');
    const { folder } = place.bench;
    await Bun.write(
      place.bench.path('act'),
      `while [ $# -gt 0 ]; do [ "$1" != --env-file ] || { cp "$2" '${folder}/given'; stat -c %a "$2"; }; shift; done\n`,
    );
    const env = { TOKEN: CANARY, OTHER: 'two words', LINES: 'a\nb' };
    const words = [
      'run',
      '-e',
      'TOKEN',
      '-ite',
      'OTHER',
      '--env=A=1',
      '-eNONE',
      'app',
      '-e',
      'TOKEN',
    ];
    expect((await place.run(words, { env })).stdout).toBe('600\n');
    const args = await place.words('args');
    const path = args[5] ?? '';
    expect(args.toSpliced(5, 1)).toEqual([
      ...['run', '-it', '--env=A=1', '-eNONE', '--env-file', 'app', '-e', 'TOKEN'],
    ]);
    const given = await readFile(place.bench.path('given'), 'utf8');
    expect(given === `TOKEN=${CANARY}\nOTHER=two words\n`).toBe(true);
    await rm(place.bench.path('given'));
    expect(await Bun.file(path).exists()).toBe(false);
    expect((await place.lima.calls()).join('\n').includes(CANARY)).toBe(false);
    expectError(
      await place.fails('exec -e LINES web env', { env }),
      /^finch: cannot give LINES to the container: /,
    );
  });

  test('let a variable that is named go over the files of the user and what was given before', async () => {
    await using place = await limaBench();
    await place.lima.setStatus('Running');
    await Bun.write(
      place.bench.path('act'),
      'while [ $# -gt 0 ]; do [ "$1" != --env-file ] || [ "$2" = /own ] || cat "$2"; shift; done\n',
    );
    const written = async (line: string, env: Record<string, string>) => {
      const { stdout } = await place.run(line, { env });
      const args = await place.words('args');
      return [stdout, args.map((word) => (word.includes('environment-') ? 'FILE' : word))];
    };
    const env = { A: 'here', B: 'here' };
    expect(await written('run --env-file /own -e A --rm -- app -e B', env)).toEqual([
      'A=here\n',
      ['run', '--env-file', '/own', '--rm', '--env-file', 'FILE', '--', 'app', '-e', 'B'],
    ]);
    expect(await written('exec -e A=2 -eA=3 -e A -e B -e B=2 web', env)).toEqual([
      'A=here\n',
      ['exec', '-e', 'B', '-e', 'B=2', '--env-file', 'FILE', 'web'],
    ]);
    const long = 'é'.repeat(32_766);
    expect((await written('run -e A app', { A: `${long}a` }))[0]).toBe(`A=${long}a\n`);
    expectError(
      await place.fails('run -e A app', { env: { A: `${long}aa` } }),
      /^finch: cannot give A to the container: /,
    );
  });

  test('name the file of variables so that nerdctl reads one also where its path has a comma', async () => {
    await using place = await limaBench();
    await place.lima.setStatus('Running');
    const env = { FINCH_HOME: place.bench.path('a,b'), A: 'here' };
    try {
      expect((await place.run('run -e A app', { env })).exitCode).toBe(0);
      expect((await place.words('args'))[2]).toMatch(/^".*\/a,b\/machine\/environment-[^"]*"$/);
    } finally {
      await place.run('vm stop --force', { env });
    }
  });

  test('remove the variables that a process left when it was killed', async () => {
    await using place = await limaBench();
    await place.lima.setStatus('Running');
    const machine = join(place.bench.home, 'machine');
    const left = async () =>
      (await readdir(machine)).filter((name) => name.startsWith('environment-'));
    const end = place.bench.path('end');
    await Bun.write(
      place.bench.path('act'),
      `[ "$1" != exec ] || { echo ready; until [ -e '${end}' ]; do sleep 0.05; done; }\n`,
    );
    const child = place.start(['exec', '-e', 'HOME', 'web']);
    try {
      await child.stdout.getReader().read();
      await place.run('ps');
      expect(await left()).toHaveLength(1);
    } finally {
      child.kill('SIGKILL');
      await child.exited;
      await Bun.write(end, '');
    }
    await place.run('ps');
    expect(await left()).toEqual([]);
  });

  test('start one that is stopped, and one that there is not', async () => {
    await using place = await limaBench();
    await place.lima.setStatus('Stopped');
    const started = await place.run('ps');
    expect(started.stderr).toContain('Starting existing Finch virtual machine...');
    expect([started.exitCode, await place.lima.status()]).toEqual([0, 'Running']);
    await place.run('vm stop');
    await place.run('vm remove');
    const made = await place.run('ps');
    expect(made.stderr).toContain('Initializing and starting Finch virtual machine...');
    expect([made.exitCode, await place.lima.status()]).toEqual([0, 'Running']);
  });

  test('leave it as it is with auto_vm_start: false', async () => {
    await using place = await limaBench();
    await Bun.write(join(place.bench.home, 'finch.yaml'), 'auto_vm_start: false\n');
    expectError(
      await place.fails('ps'),
      'instance "finch" does not exist',
      'run `finch vm init` to create a new instance',
    );
    expect(await place.lima.status()).toBeUndefined();
    await place.lima.setStatus('Stopped');
    expectError(
      await place.fails('ps'),
      'instance "finch" is stopped',
      'run `finch vm start` to start the instance',
    );
    expect(await place.lima.status()).toBe('Stopped');
  });

  test('do not touch one that is broken', async () => {
    await using place = await limaBench();
    await place.lima.setStatus('Broken');
    expectError(await place.fails('ps'), /^finch: instance "finch" is broken: /);
    expect(await place.lima.status()).toBe('Broken');
  });

  test('have a help without it', async () => {
    await using place = await limaBench();
    const { stdout, stderr, exitCode } = await place.run('run --help');
    expect([stderr, exitCode]).toEqual(['', 0]);
    expect(stdout).toMatch(/^finch run: Run a command in a new container\n\n.* finch vm start\n$/);
    expect(await place.lima.status()).toBeUndefined();
  });
});
