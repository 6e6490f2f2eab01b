import { join } from 'node:path';
import { runLog } from '../../support/run-log.ts';

/** The compiled program that end-to-end tests run: `FINCH_BINARY`, else the one that `bun build.ts` makes. */
export const finchBinary: string =
  process.env['FINCH_BINARY'] ??
  join(import.meta.dir, '../../../dist', process.platform === 'win32' ? 'finch.exe' : 'finch');

/** What a program left behind. */
export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Options of {@link finch}. */
export interface FinchOptions {
  /** The folder that `FINCH_HOME` names. */
  readonly home: string;
  /** What the program reads; nothing when left out. */
  readonly stdin?: string | Uint8Array | Blob;
  /** Further environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder it runs in. */
  readonly cwd?: string;
}

/**
 * Runs the compiled finch to its end, without a terminal and without what the developer's own
 * environment says about registries, proxies or finch.
 */
export async function finch(args: readonly string[], options: FinchOptions): Promise<Finished> {
  const child = Bun.spawn([finchBinary, ...args], {
    env: finchEnvironment(options.home, options.env),
    stdin: inputOf(options.stdin),
    stdout: 'pipe',
    stderr: 'pipe',
    // A session of its own has no terminal, also when the tests are run from one.
    detached: true,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, exitCode };
}

/** {@link finch} that must succeed; gives its stdout. */
export async function finchOk(args: readonly string[], options: FinchOptions): Promise<string> {
  const { stdout, stderr, exitCode } = await finch(args, options);
  if (exitCode !== 0) throw new Error(`finch ${args.join(' ')} ended with ${exitCode}\n${stderr}`);
  return stdout;
}

/**
 * The environment that finch gets: a home, a place for temporary files, the log of the whole run where there
 * is one (`test/run-all.ts`), and `extra`.
 */
export function finchEnvironment(
  home: string,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const kept = ['PATH', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  // Without a folder of the session, finch looks for podman's logins where the whole machine has them.
  const session = { HOME: home, FINCH_HOME: home, XDG_RUNTIME_DIR: home };
  return { ...Object.fromEntries(kept), ...session, ...runLog, ...extra };
}

function inputOf(stdin: FinchOptions['stdin']): 'ignore' | Uint8Array | Blob {
  if (stdin === undefined) return 'ignore';
  return typeof stdin === 'string' ? new TextEncoder().encode(stdin) : stdin;
}
