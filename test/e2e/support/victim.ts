import { expect } from 'bun:test';
import { readFileSync } from 'node:fs';
import { writeHelloFinch } from '../../demo/hello-finch.ts';
import { expectError } from './expectations.ts';
import { finchBinary, finchEnvironment } from './finch.ts';
import { filesIn } from './home-contents.ts';
import { type Workbench, workbench } from './workbench.ts';

/** What no output may show: the password that finch is given, and what bad servers put into their answers. */
export const SECRET = 'hush';

/** The most memory that a run may take against a server that sends without end, in MB; quiet runs take about 60. */
const MOST_MB = 200;

/** The messages that are expected, after `finch: `; a missing one means that the command is not tried. */
export interface Expected {
  readonly pull?: string | RegExp;
  readonly push?: string | RegExp;
  readonly login?: string | RegExp;
}

/** The same message of all three commands. */
export function all(message: string | RegExp): Expected {
  return { pull: message, push: message, login: message };
}

/** A home with an image in it, and commands in it that must fail against bad servers and leave no trace. */
export interface Victim extends AsyncDisposable {
  readonly bench: Workbench;
  /**
   * Tries pull, push and login, side by side: each must say one error, in which `HOST` stands for the
   * server, and one hint.
   */
  fails(
    server: { readonly host: string },
    expected: Expected,
    env?: Readonly<Record<string, string>>,
  ): Promise<void>;
}

/** A {@link Victim} that has `hello-finch:latest`. */
export async function victim(): Promise<Victim> {
  const bench = await workbench();
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -q -i hello-finch.tar');
  return {
    bench,
    async fails({ host }, expected, env = {}) {
      const name = `${host}/app:1`;
      await bench.ok(`tag hello-finch ${name}`);
      const before = await filesIn(bench.home);
      const lines = {
        pull: ['pull', name],
        push: ['push', name],
        login: ['login', '-u', 'me', '--password-stdin', host],
      };
      const attempts = (['pull', 'push', 'login'] as const).map(async (command) => {
        const message = expected[command];
        if (message === undefined) return;
        await expectFailure(lines[command], { home: bench.home, message, host, env });
      });
      await Promise.all(attempts);
      expect(await filesIn(bench.home)).toEqual(before);
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

/** One error, one hint, no secret, no control characters, and little memory. */
async function expectFailure(
  args: readonly string[],
  {
    home,
    message,
    host,
    env,
  }: {
    home: string;
    message: string | RegExp;
    host: string;
    env: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const child = Bun.spawn([finchBinary, ...args], {
    // With all that finch knows of the error, which must not be more than anyone may know.
    env: finchEnvironment(home, { FINCH_DEBUG: '1', ...env }),
    stdin: new TextEncoder().encode(SECRET),
    stdout: 'pipe',
    stderr: 'pipe',
    detached: true,
  });
  const memory = watchMemory(child.pid);
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const exitCode = await child.exited;
  const peak = memory.stop();
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expectError(stderr.replaceAll(host, 'HOST'), message, /./);
  expect(stderr).not.toContain(SECRET);
  expect(stderr.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(peak).toBeLessThan(MOST_MB);
}

/**
 * Looks again and again at the most memory that a process has had, in MB; 0 where the system does not tell.
 * Not by its resource usage when it ends, which begins with what the process that started it had.
 */
function watchMemory(pid: number): { stop(): number } {
  let peak = 0;
  const look = () => {
    const status = readIfThere(`/proc/${pid}/status`);
    const kibibytes = Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0);
    peak = Math.max(peak, (kibibytes * 1024) / 1e6);
  };
  const timer = setInterval(look, 10);
  return {
    stop() {
      clearInterval(timer);
      return peak;
    },
  };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
