/** A user of this machine. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Options of {@link runCommand}. */
export interface RunCommandOptions {
  readonly cwd?: string;
  /** Default: this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Whose process it is, which only root may say. Default: this process's own user. */
  readonly user?: User | undefined;
  readonly input?: string;
  /** What its stderr has to say for it to get SIGINT. Default: nothing, and no signal. */
  readonly interruptAt?: string | undefined;
  /** Default: a minute. */
  readonly timeoutMs?: number;
}

/** How a program ended. */
export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function runCommand(
  command: readonly string[],
  {
    cwd,
    env = process.env,
    user,
    input = '',
    interruptAt,
    timeoutMs = 60_000,
  }: RunCommandOptions = {},
): Promise<Ended> {
  // With the user's other groups too: one of them may be what lets it use /dev/kvm.
  const as = user && ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups'];
  const child = Bun.spawn([...(as ?? []), ...command], {
    ...{ env, stdin: new Blob([input]), stdout: 'pipe', stderr: 'pipe', timeout: timeoutMs },
    ...(cwd !== undefined && { cwd }),
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    readUntil(child.stderr, interruptAt, () => child.kill('SIGINT')),
    child.exited,
  ]);
  return { exitCode, stdout, stderr };
}

/**
 * Runs a program that must succeed.
 * @returns its stdout
 * @throws with the end of what it said
 */
export async function mustRun(
  command: readonly string[],
  options: RunCommandOptions = {},
): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(command, options);
  if (exitCode === 0) return stdout;
  throw new Error(
    `${command.join(' ')}\nended with ${exitCode}\n${(stdout + stderr).slice(-3000)}`,
  );
}

/** All that a program says; `act` is called when it has said `word`. */
async function readUntil(
  stream: ReadableStream<Uint8Array>,
  word: string | undefined,
  act: () => void,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) {
    const before = text;
    text += decoder.decode(chunk, { stream: true });
    if (word !== undefined && text.includes(word) && !before.includes(word)) act();
  }
  return text;
}
