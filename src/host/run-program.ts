import type { AbortOptions } from '../content.ts';
import { systemCode } from '../errors.ts';

/** How {@link runProgram} runs a program. */
export interface RunOptions extends AbortOptions {
  /** What the program reads, and then the end. */
  readonly stdin: Uint8Array;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long it may take. */
  readonly timeoutMs: number;
  /** The most it may write to stdout, and to stderr. Default: 1 MiB. */
  readonly maxBytes?: number;
  /** Takes each line that it writes to stderr as soon as that is whole, without its end. */
  readonly onErrorLine?: (line: string) => void;
  /** Takes the number of its process, which is also that of its group but on Windows. */
  readonly onStart?: ((pid: number) => void) | undefined;
}

/** What came of a program. */
export interface ProgramRun {
  /** Its exit status; undefined when it had none, because it was not started or a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** Why it did not run to its end: the end of a sentence about it. Undefined when it did. */
  readonly fault: string | undefined;
}

/** How {@link ProgramRun.fault} begins for a program that did not run at all. */
export const NOT_STARTED = 'cannot be started';

/** How long a program that is told to end may take for it, before it is killed. */
const FAREWELL_MS = 500;

/**
 * How often a pipe is looked at after the end of its program. What the program wrote is in the pipe by then;
 * only a child that it left behind could write more, and for as long as it likes.
 */
const LAST_TICKS = 4;
const TICK_MS = 25;

const DEFAULT_MAX_BYTES = 1024 * 1024;

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  ENOENT: 'no such file',
  ENOEXEC: 'it is no program of this system',
  ETXTBSY: 'somebody is writing it',
};

/**
 * Runs a program to its end, without a shell and without a terminal. With all that it has started it is
 * ended when its time is over, when it writes too much and when `signal` fires. It never waits for
 * what a child of the program, left behind, may still write.
 * @param path an absolute path
 * @throws the signal's reason, once the program has ended or has not listened for a second
 */
export async function runProgram(
  path: string,
  args: readonly string[],
  { stdin, env, timeoutMs, maxBytes = DEFAULT_MAX_BYTES, onErrorLine, onStart, signal }: RunOptions,
): Promise<ProgramRun> {
  signal?.throwIfAborted();
  const empty = new Uint8Array();
  let child: Bun.Subprocess<Uint8Array, 'pipe', 'pipe'>;
  try {
    // A session of its own is also a group, which can be ended as a whole.
    const detached = process.platform !== 'win32';
    child = Bun.spawn([path, ...args], {
      ...{ stdin, stdout: 'pipe', stderr: 'pipe', env, detached, windowsHide: true },
    });
  } catch (error) {
    const code = systemCode(error) ?? 'unknown error';
    const fault = `${NOT_STARTED}: ${REASONS[code] ?? code}`;
    return { status: undefined, stdout: empty, stderr: empty, fault };
  }
  onStart?.(child.pid);
  const stopped = new AbortController();
  const ended = Promise.withResolvers<void>();
  void child.exited.then(() => ended.resolve());
  let fault: string | undefined;
  const stop = (why?: string) => {
    if (stopped.signal.aborted) return;
    fault = why;
    stopped.abort();
    endGroup(child, { giveUp: ended.resolve });
  };
  const onAbort = () => stop();
  signal?.addEventListener('abort', onAbort);
  const timer = setTimeout(() => stop(`did not end within ${timeoutMs / 1000} s`), timeoutMs);
  const output: OutputOptions = {
    ended: ended.promise,
    maxBytes,
    onFlood: () => stop(`wrote more than ${maxBytes} bytes`),
    signal: stopped.signal,
  };
  try {
    const [stdout, stderr] = await Promise.all([
      readOutput(child.stdout, output),
      readOutput(child.stderr, {
        ...output,
        ...(onErrorLine !== undefined && { onPiece: linesOf(onErrorLine) }),
      }),
      ended.promise,
    ]);
    signal?.throwIfAborted();
    if (child.signalCode !== null) fault ??= `was ended by ${child.signalCode}`;
    const status = fault === undefined ? (child.exitCode ?? undefined) : undefined;
    return { status, stdout, stderr, fault };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Asks the program and all that it has started to end, and ends them if they do not. */
function endGroup(child: Bun.Subprocess, { giveUp }: { readonly giveUp: () => void }): void {
  sendTo(child, 'SIGTERM');
  const last = setTimeout(() => {
    sendTo(child, 'SIGKILL');
    // One that runs as another user does not end for this one.
    setTimeout(giveUp, FAREWELL_MS).unref();
  }, FAREWELL_MS);
  void child.exited.then(() => {
    clearTimeout(last);
    sendTo(child, 'SIGKILL');
  });
}

function sendTo(child: Bun.Subprocess, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (process.platform === 'win32') child.kill(name);
    else process.kill(-child.pid, name);
  } catch {
    // Nobody is left in the group, or nobody who listens to this user.
  }
}

interface OutputOptions {
  /** The end of the program. */
  readonly ended: Promise<void>;
  readonly maxBytes: number;
  readonly onFlood: () => void;
  /** Fires when nobody wants the rest. */
  readonly signal: AbortSignal;
  readonly onPiece?: (piece: Uint8Array) => void;
}

/** Takes pieces of text, and gives each line that is whole. */
function linesOf(onLine: (line: string) => void): (piece: Uint8Array) => void {
  const decoder = new TextDecoder();
  let rest = '';
  return (piece) => {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
}

/** What comes until the end of the stream, or until shortly after the end of the program. */
async function readOutput(
  stream: ReadableStream<Uint8Array>,
  { ended, maxBytes, onFlood, signal, onPiece }: OutputOptions,
): Promise<Uint8Array> {
  const reader = stream.getReader();
  // A pending read ends when its stream is cancelled.
  const leave = () => void reader.cancel().catch(() => {});
  signal.addEventListener('abort', leave);
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  let ticks = 0;
  // Ticks and not a time: between two of them the pipe is looked at, however slow the machine is.
  const clock = setInterval(() => {
    if (hasEnded && ++ticks > LAST_TICKS) leave();
  }, TICK_MS);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return Buffer.concat(pieces);
      length += value.length;
      onPiece?.(value);
      if (length > maxBytes) onFlood();
      else pieces.push(value);
    }
  } finally {
    clearInterval(clock);
    signal.removeEventListener('abort', leave);
  }
}
