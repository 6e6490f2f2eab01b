import { homedir } from 'node:os';
import { join } from 'node:path';
import { runLog } from '../../support/run-log.ts';
import type { Finished } from './finch.ts';

/** How {@link runProgram} runs a program. */
export interface ProgramOptions {
  /** Environment variables beside `PATH` and `HOME`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs another program than finch to its end. */
export async function runProgram(
  command: readonly string[],
  { env = {}, cwd }: ProgramOptions = {},
): Promise<Finished> {
  const child = Bun.spawn([...command], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...runLog, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    ...(cwd !== undefined && { cwd }),
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, exitCode };
}

/** {@link runProgram} that must succeed; gives its stdout. */
export async function runOk(
  command: readonly string[],
  options: ProgramOptions = {},
): Promise<string> {
  const { stdout, stderr, exitCode } = await runProgram(command, options);
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}\n${stderr}`);
  return stdout;
}

/** The path of Go's registry client, where there is one. */
export const crane: string | null =
  Bun.which('crane') ?? Bun.which('crane', { PATH: join(homedir(), 'go/bin') });

/** Whether every one of these programs is on this machine. */
export function areHere(...programs: readonly string[]): boolean {
  return programs.every((program) => Bun.which(program) !== null);
}

/** Whether docker's command line is here and shows manifests of OCI images, which older ones do not. */
export function showsOci(): boolean {
  return areHere('docker') && dockerVersion() >= 23;
}

function dockerVersion(): number {
  const { stdout } = Bun.spawnSync(['docker', '--version']);
  return Number(/version (\d+)/.exec(stdout.toString())?.[1] ?? 0);
}
