import { type FinchOptions, type Finished, finchBinary, finchEnvironment } from './finch.ts';

/**
 * Runs finch while the system answers some calls with an error.
 * @param injections what strace's `inject` takes: `fcntl:error=ENOLCK`
 */
export async function finchWith(
  injections: readonly string[],
  args: readonly string[],
  { home }: Pick<FinchOptions, 'home'>,
): Promise<Finished> {
  const calls = injections.map((injection) => injection.split(':')[0]).join(',');
  const child = Bun.spawn(
    [
      ...['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`],
      ...injections.flatMap((injection) => ['-e', `inject=${injection}`]),
      ...[finchBinary, ...args],
    ],
    { env: finchEnvironment(home), stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
  );
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, exitCode };
}

/** Whether the system's answers can be changed here. */
export function mayInject(): boolean {
  const probe = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'inject=sync:error=EIO', 'true'];
  return Bun.which('strace') !== null && Bun.spawnSync(probe).success;
}
