import { describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CANARY } from '../support/canary.ts';
import { finchOnTerminal } from './support/dialogue.ts';
import { expectError } from './support/expectations.ts';
import { type EngineBench, engineBench } from './support/fake-engine.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';

/** Words that shells, parsers of flags and careless programs change. */
const NASTY = [
  ...['', ' ', 'two words', "it's", '"', '\\', '\\n', 'line\nfeed', '\t', '$HOME', '$(id)', '`id`'],
  ...['*', '?', '~', '!', '#', ';', '&', '|', '>', '<', '(', '{a,b}', '--', '-', '-h', '--help'],
  ...['--debug', '--version', '-x=1', '--a=b=c', '%s', 'é', '日本', '😀', '\u0001', '\u001b[31m'],
];

/** finch on no terminal, still running. */
function started(bench: EngineBench, args: readonly string[]) {
  return Bun.spawn([finchBinary, ...args], {
    env: finchEnvironment(bench.home, bench.env),
    ...{ cwd: bench.folder, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', detached: true },
  });
}

/** What a program writes, piece by piece. */
function pieces(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader();
  return {
    async next(): Promise<string> {
      return new TextDecoder().decode((await reader.read()).value);
    },
  };
}

describe('finch run and its like', () => {
  test('give nerdctl every word as it was written', async () => {
    await using bench = await engineBench();
    for (const words of [
      ['run', ...NASTY],
      ['compose', ...NASTY],
      ['image', 'inspect', ...NASTY],
    ]) {
      await bench.ok(words);
      expect(await bench.args()).toEqual(words);
    }
    await bench.ok(['--debug', 'exec', 'web', '--', 'ls', '-la']);
    expect(await bench.args()).toEqual(['exec', 'web', '--', 'ls', '-la']);
  });

  test('end with the exit status of nerdctl, and say nothing of their own', async () => {
    await using bench = await engineBench();
    for (const [script, exitCode] of [
      ['exit 0', 0],
      ['exit 1', 1],
      ['exit 3', 3],
      ['exit 255', 255],
      ['kill -KILL $$', 137],
      ['kill -TERM $$', 143],
      ['kill -INT $$', 130],
    ] as const) {
      await bench.act(`echo out; echo err >&2; ${script}`);
      const ended = await bench.run('run app');
      expect([script, ended]).toEqual([script, { stdout: 'out\n', stderr: 'err\n', exitCode }]);
    }
  });

  test('leave stdin and stdout to nerdctl, byte for byte', async () => {
    await using bench = await engineBench();
    await bench.act('cat');
    const bytes = randomBytes(8 * 1024 * 1024);
    const child = Bun.spawn([finchBinary, 'run', '-i', 'app', 'cat'], {
      ...{ env: finchEnvironment(bench.home, bench.env), stdin: new Blob([bytes]) },
      ...{ stdout: 'pipe', stderr: 'ignore', detached: true },
    });
    expect(Buffer.compare(Buffer.from(await child.stdout.bytes()), bytes)).toBe(0);
    expect(await child.exited).toBe(0);
  });

  test('work in the folder of the user', async () => {
    await using bench = await engineBench();
    await bench.act('pwd -P');
    expect(await bench.ok('compose ps', { cwd: bench.home })).toBe(`${bench.home}\n`);
  });

  test('give nerdctl the namespace, the logins and the images of finch', async () => {
    await using bench = await engineBench();
    const env = { DOCKER_CONFIG: bench.path('docker'), AWS_PROFILE: 'team' };
    await bench.ok('ps', { env });
    const machine = join(bench.home, 'machine');
    const got = await bench.environment();
    expect(got).toMatchObject({
      ...{ CONTAINERD_NAMESPACE: 'finch', DOCKER_CONFIG: join(machine, 'docker') },
      ...{ FINCH_DOCKER_CONFIG: env.DOCKER_CONFIG, FINCH_HOME: bench.home, AWS_PROFILE: 'team' },
    });
    expect(got['PATH']).toStartWith(`${machine}/bin:`);
  });

  test('ask registries, and not finch, for what is to be pulled again', async () => {
    await using bench = await engineBench();
    await bench.act('tr "\\0" " " < /proc/$$/cmdline');
    const mirror = join(bench.home, 'machine/hosts.d');
    for (const line of [
      'run app',
      'create --pull missing app',
      'compose up',
      'run app --pull=always',
    ]) {
      expect([line, await bench.ok(line)]).toEqual([line, expect.stringContaining(mirror)]);
    }
    for (const line of ['run --pull=always app', 'compose pull', 'compose -f x up --pull always']) {
      expect([line, await bench.ok(line)]).toEqual([line, expect.not.stringContaining(mirror)]);
    }
  });

  test('understand what docker calls a build', async () => {
    await using bench = await engineBench();
    await bench.ok('build --load .');
    expect(await bench.args()).toEqual(['build', '.']);
    await bench.ok('inspect -f x --type volume data');
    expect(await bench.args()).toEqual(['volume', 'inspect', '-f', 'x', 'data']);
    expectError(
      await bench.fails('build --push .'),
      'an image without a name cannot be pushed',
      'give it one with: --tag NAME',
    );
    for (const line of ['build --push -t a --output type=local,dest=o .', 'build -o o --push .']) {
      expectError(
        await bench.fails(line),
        'what --output writes elsewhere cannot be pushed',
        'leave --push or --output out',
      );
    }
    expectError(await bench.fails('buildx build .'), 'unknown command: buildx');
    await bench.ok('config set dockercompat true');
    const { stderr, exitCode } = await bench.run('buildx build --load --no-cache .');
    expect([stderr, exitCode]).toEqual([
      'buildx is not supported. using standard buildkit instead...\n',
      0,
    ]);
    expect(await bench.args()).toEqual(['build', '--no-cache', '.']);
    await bench.ok('build --load=true --push=false .');
    expect(await bench.args()).toEqual(['build', '.']);
    expectError(
      await bench.fails('build --push=true .'),
      'an image without a name cannot be pushed',
      'give it one with: --tag NAME',
    );
  });

  test('show the help of a build also behind what only docker knows', async () => {
    await using bench = await engineBench();
    await bench.act('echo "Usage: nerdctl build"');
    for (const line of ['build --push --help', 'build --load -h', 'buildx build --help']) {
      const { stdout, stderr, exitCode } = await bench.run(line);
      expect([line, stdout, stderr, exitCode]).toEqual([line, 'Usage: finch build\n', '', 0]);
      expect(await bench.args()).toEqual(['build', '--help']);
    }
  });

  test('build nothing that is to be pushed where there is no bridge', async () => {
    await using bench = await engineBench();
    await mkdir(join(bench.home, 'machine', 'bridge.lock'), { recursive: true });
    const { stderr, exitCode } = await bench.run('build --push -t app .');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('finch: what is built cannot be pushed without the bridge');
    expect(stderr).toMatch(
      /\nhint: see .*bridge\.log; then run finch vm stop and finch vm start\n$/,
    );
    expect(await Bun.file(bench.path('args')).exists()).toBe(false);
    expect((await bench.run('build -t app .')).exitCode).toBe(0);
  });

  test('hand a Dockerfile on stdin on to nerdctl', async () => {
    await using bench = await engineBench();
    await bench.act('cat');
    expect(await bench.ok('build -f - .', { stdin: 'FROM scratch\n' })).toBe('FROM scratch\n');
    const stdin = '#'.repeat(1024 * 1024 + 1);
    expectError(
      await bench.fails('build -f - .', { stdin }),
      'the Dockerfile on stdin has more than 1 MiB',
    );
  });

  test('write no secret that stands among the arguments into a log', async () => {
    await using bench = await engineBench();
    const log = bench.path('log');
    const env = { FINCH_DEBUG: log };
    await bench.ok(['run', '-e', `PASSWORD=${CANARY}`, 'app'], { env });
    expect((await Bun.file(log).exists()) ? await Bun.file(log).text() : '').not.toContain(CANARY);
  });
});

describe('on a terminal', () => {
  test('nerdctl has it, with its size', async () => {
    await using bench = await engineBench();
    await bench.act('for fd in 0 1 2; do test -t $fd && echo "terminal $fd"; done; stty size');
    const run = await finchOnTerminal(['run', '-it', 'app'], { home: bench.home, env: bench.env });
    expect(run.screen).toBe('terminal 0\r\nterminal 1\r\nterminal 2\r\n24 160\r\n');
    expect(run.exitCode).toBe(0);
  });

  test('ctrl-C is for nerdctl alone, however often', async () => {
    await using bench = await engineBench();
    await bench.act(
      `n=0; trap 'n=$((n+1)); echo "caught $n"' INT; echo ready; while [ $n -lt 3 ]; do sleep 0.02; done; exit 42`,
    );
    const answers = ['ready', 'caught 1', 'caught 2'].map((when) => ({ when, type: '\u0003' }));
    const run = await finchOnTerminal(['run', 'app'], {
      ...{ home: bench.home, env: bench.env, answers },
    });
    expect(run.screen).toContain('caught 3');
    expect(run.screen).not.toContain('finch:');
    expect(run.exitCode).toBe(42);
  });

  test('what nerdctl does to it stays until nerdctl undoes it', async () => {
    await using bench = await engineBench();
    await bench.act('stty -echo; printf "name: "; read name; stty echo; echo; echo "hello $name"');
    const run = await finchOnTerminal(['exec', '-it', 'web'], {
      ...{ home: bench.home, env: bench.env, answers: [{ when: 'name: ', type: 'me\r' }] },
    });
    expect(run.screen).toBe('name: \r\nhello me\r\n');
    expect([run.echoed, run.echoesAfter]).toEqual([[false], true]);
  });
});

test.skipIf(Bun.which('bash') === null)(
  'ctrl-Z stops finch and nerdctl, and fg goes on with both',
  async () => {
    await using bench = await engineBench();
    await bench.act('echo ready; read line; echo "got $line"; exit 5');
    const shell = 'set -m; "$@"; echo "left $?"; fg; exit $?';
    const run = await finchOnTerminal(['run', 'app'], {
      ...{ home: bench.home, env: bench.env, under: ['bash', '--norc', '-ic', shell, 'bash'] },
      answers: [
        { when: 'ready', type: '\u001a' },
        { when: 'left 148', type: 'hello\r' },
      ],
    });
    expect(run.screen).toContain('got hello\r\n');
    expect(run.exitCode).toBe(5);
  },
);

describe('signals to finch alone', () => {
  for (const name of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const) {
    test(`${name} goes on to nerdctl, and finch waits for it`, async () => {
      await using bench = await engineBench();
      const short = name.slice(3);
      await bench.act(
        `trap 'echo farewell; exit 7' ${short}; echo ready; while :; do sleep 0.02; done`,
      );
      await using child = started(bench, ['run', 'app']);
      const stdout = pieces(child.stdout);
      expect(await stdout.next()).toBe('ready\n');
      child.kill(name);
      expect(await child.exited).toBe(7);
      expect(await stdout.next()).toBe('farewell\n');
      expect(await child.stderr.text()).toBe('');
    });
  }

  test.skipIf(Bun.which('bash') === null)(
    'SIGINT goes on to nerdctl also on a terminal, where finch is in the background',
    async () => {
      await using bench = await engineBench();
      await bench.act(`trap 'echo farewell; exit 7' INT; echo ready; while :; do sleep 0.02; done`);
      const shell = 'set -m; "$@" & read line; kill -INT $!; wait $!; exit $?';
      const run = await finchOnTerminal(['run', 'app'], {
        ...{ home: bench.home, env: bench.env, under: ['bash', '--norc', '-c', shell, 'bash'] },
        answers: [{ when: 'ready', type: '\r' }],
      });
      expect(run.screen).toContain('farewell');
      expect(run.exitCode).toBe(7);
    },
  );

  test('that end nerdctl end finch with 128 and their number', async () => {
    await using bench = await engineBench();
    await bench.act('echo ready; exec sleep 60');
    await using child = started(bench, ['run', 'app']);
    expect(await pieces(child.stdout).next()).toBe('ready\n');
    child.kill('SIGTERM');
    expect(await child.exited).toBe(143);
  });
});

describe('a machine that does not run', () => {
  test('is started first, with a word on stderr', async () => {
    await using bench = await engineBench();
    await bench.ok('ps');
    await bench.ok('vm stop');
    const { stdout, stderr, exitCode } = await bench.run('ps');
    expect([stdout, exitCode]).toEqual(['', 0]);
    expect(stderr).toContain('Starting existing Finch virtual machine...\n');
    expect(stderr).toContain('Finch virtual machine started successfully\n');
  });

  test('is an error when finch.yaml says that it is not to be started', async () => {
    await using bench = await engineBench();
    await bench.ok('vm stop');
    await Bun.write(join(bench.home, 'finch.yaml'), 'vmType: native\nauto_vm_start: false\n');
    expectError(
      await bench.fails('ps'),
      'instance "finch" is stopped',
      'run `finch vm start` to start the instance',
    );
    await bench.ok('vm start');
    await bench.ok('vm stop');
    await bench.ok('vm remove');
    expectError(
      await bench.fails('ps'),
      'instance "finch" does not exist',
      'run `finch vm init` to create a new instance',
    );
    expect(await bench.ok('vm status')).toContain('Nonexistent');
  });
});

describe('help', () => {
  test('is that of nerdctl, in the name of finch', async () => {
    await using bench = await engineBench();
    await bench.act('echo "Usage: nerdctl $1 [flags]"');
    for (const line of ['run --help', 'run -h', 'help run']) {
      expect(await bench.ok(line)).toBe('Usage: finch run [flags]\n');
      expect(await bench.args()).toEqual(['run', '--help']);
    }
    expect(await bench.ok('compose')).toBe('Usage: finch compose [flags]\n');
    expect(await bench.args()).toEqual(['compose', '--help']);
  });

  test('lists what nerdctl does', async () => {
    await using bench = await engineBench();
    expect(await bench.ok('--help')).toMatch(/^ {2}compose +Run what a compose file describes$/m);
    expect(await bench.ok('image')).toMatch(/^ {2}inspect +Show all that is known of images$/m);
  });

  test('says where it is when nerdctl cannot be asked', async () => {
    await using bench = await engineBench();
    await bench.act('exit 1');
    expect(await bench.ok('stats --help')).toMatch(/^finch stats: .*\n\n.* finch vm start\n$/);
  });
});
