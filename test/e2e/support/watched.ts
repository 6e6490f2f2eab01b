import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { formsIn } from '../../canary/forms.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { type FinchOptions, type Finished, finchBinary, finchEnvironment } from './finch.ts';

/** The system calls that can take a password out of a process, and the one that makes files. */
const CALLS =
  'execve,execveat,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,openat';

/** How {@link watched} runs finch. */
export interface WatchOptions extends FinchOptions {
  /** The program, where it is not finch under its own name. */
  readonly program?: string;
  /** What strace's `inject` takes: `fsync:error=EIO`. */
  readonly injections?: readonly string[];
  /** Gets a way to send a signal to finch while it runs. */
  readonly during?: (kill: (signal: NodeJS.Signals) => void) => Promise<void>;
}

/** How finch ended, and where the tests' password was meanwhile. */
export interface Watched extends Finished {
  /**
   * Every place that finch brought the password to, once, sorted: `socket`, `pipe`, `config.json` (or its
   * temporary file, for this user only), `stdout`, `stderr`, `terminal`, `argv of PROGRAM` and `env of
   * PROGRAM` of what finch ran, else the path of a file. finch's own arguments and environment are those of
   * the test.
   */
  readonly places: readonly string[];
  /** The programs that finch ran, and those that they ran. */
  readonly programs: readonly string[];
}

/** Runs finch to its end, and writes down with strace what it does with the tests' password. */
export async function watched(args: readonly string[], options: WatchOptions): Promise<Watched> {
  const { program = finchBinary, home, stdin, env, cwd = home, injections = [] } = options;
  await using traces = await temporaryFolder();
  const child = Bun.spawn([...tracer(traces.path, injections), program, ...args], {
    env: finchEnvironment(home, env),
    stdin: new Response(stdin ?? '').body ?? 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    detached: true,
    cwd,
  });
  await options.during?.((signal) => process.kill(onlyChild(child.pid), signal));
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, exitCode, ...(await readTraces(traces.path, { program, home })) };
}

function onlyChild(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}

/** The beginning of a command line that writes what the rest of it does into a folder. */
export function tracer(folder: string, injections: readonly string[] = []): readonly string[] {
  const calls = [CALLS, ...injections.map((injection) => injection.split(':')[0])].join(',');
  return [
    // One file a thread, every text in hexadecimal and in full, and what is behind a descriptor.
    ...['strace', '-ff', '-qq', '-y', '-v', '-xx', '-s', '1000000', '-o', join(folder, 'trace')],
    // Stops at these calls only, which is three times as fast, but then no signal can be injected.
    ...(injections.length === 0 ? ['--seccomp-bpf'] : []),
    ...['-e', `trace=${calls}`, '-e', 'signal=none'],
    ...injections.flatMap((injection) => ['-e', `inject=${injection}`]),
  ];
}

/** What {@link tracer} has written of a `program` in a `home`. */
export async function readTraces(
  folder: string,
  { program = finchBinary, home }: { readonly program?: string; readonly home: string },
): Promise<Pick<Watched, 'places' | 'programs'>> {
  const places = new Set<string>();
  const programs = new Set<string>();
  let calls = 0;
  for (const name of await readdir(folder)) {
    const lines = (await readFile(join(folder, name), 'latin1')).split('\n');
    const runs = lines.filter((line) => line.startsWith('exec'));
    const own = runs.length === 0 || textsOf(runs[0] ?? '')[0] === program;
    for (const line of own ? runs.slice(1) : runs) {
      const [path = '', ...words] = textsOf(line);
      programs.add(basename(path));
      // The environment begins with the second list.
      const env = new Set(textsOf(line.slice(line.indexOf('], ['))));
      for (const word of words.filter(holdsPassword)) {
        places.add(`${env.has(word) ? 'env' : 'argv'} of ${basename(path)}`);
      }
    }
    calls += lines.length;
    if (!own) continue;
    for (const line of lines) {
      const place = placeOf(line, home);
      if (place !== undefined) places.add(place);
    }
  }
  if (calls < 10) throw new Error('strace saw next to nothing');
  return { places: [...places].sort(), programs: [...programs].sort() };
}

/** Where one call brings the password to, if it does. */
function placeOf(line: string, home: string): string | undefined {
  const [, call = '', rest = ''] = /^(\w+)\((.*)$/s.exec(line) ?? [];
  if (call === 'openat') return madeForOthers(rest);
  const [, descriptor, hex = ''] = /^(\d+)<([^>]*)>/.exec(rest) ?? [];
  if (descriptor === undefined || !holdsPassword(textsOf(rest).join(''))) return undefined;
  const target = decode(hex);
  const isPipe = /^(?:pipe|socket):|^\/memfd:/.test(target);
  if (isPipe && descriptor === '1') return 'stdout';
  if (isPipe && descriptor === '2') return 'stderr';
  if (isPipe) return target.startsWith('socket:') ? 'socket' : 'pipe';
  if (/^\/dev\/(?:pts\/|tty)/.test(target)) return 'terminal';
  const file = relative(home, target);
  return /^(?:config\.json|\.finch-login-[\w-]+\.tmp)$/.test(file) ? 'config.json' : target;
}

/** A temporary file of a login that is not for its owner alone. */
function madeForOthers(rest: string): string | undefined {
  const mode = /O_CREAT[A-Z_|]*, (0\d*)/.exec(rest)?.[1];
  const path = textsOf(rest)[0] ?? '';
  if (mode === undefined || !/\/\.finch-login-[^/]*$/.test(path)) return undefined;
  return mode === '0600' ? undefined : `a temporary file of mode ${mode}`;
}

/** The texts in a line of strace. */
function textsOf(line: string): readonly string[] {
  return [...line.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => decode(hex));
}

/** Bytes in strace's notation, one character each. */
function decode(hex: string): string {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex').toString('latin1');
}

function holdsPassword(latin1: string): boolean {
  return formsIn(Buffer.from(latin1, 'latin1')).length > 0;
}

/** Whether programs can be watched here. */
export const mayWatch: boolean =
  Bun.which('strace') !== null &&
  Bun.spawnSync(['strace', '-ff', '--seccomp-bpf', '-qq', '-o', '/dev/null', 'true']).success;
