import { closeSync, openSync } from 'node:fs';
import { isatty, ReadStream } from 'node:tty';
import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { ioError } from './io-error.ts';
import { TypedLine } from './typed-line.ts';
import { writeAll } from './write-all.ts';

/** Options of {@link promptLine}. */
export interface PromptOptions extends AbortOptions {
  /** What is typed is not shown. Default: false. */
  readonly secret?: boolean;
}

/** What was typed behind the end of a line, for the next question. */
let typedAhead: Uint8Array = new Uint8Array();

/**
 * Asks on the terminal and gives the line that is typed, without its end. The terminal is the one that
 * the program was started from, wherever stdin, stdout and stderr lead. When a secret is asked for it
 * echoes nothing, and it echoes again however this ends.
 * @throws FinchError `USAGE` when there is no terminal or the input ends (ctrl-D), `CANCELLED` when
 *   the user interrupts (ctrl-C) or `signal` fires
 */
export async function promptLine(question: string, options: PromptOptions = {}): Promise<string> {
  const { secret = false, signal } = options;
  if (signal?.aborted) throw interrupted();
  const terminal = openTerminal(secret);
  try {
    terminal.write(question);
  } catch (error) {
    terminal.close();
    throw ioError(error, 'write', 'the terminal');
  }
  const line = await readLine(terminal, signal);
  if (line !== undefined) return line;
  throw new FinchError('USAGE', `nothing was typed for ${JSON.stringify(question.trim())}`, {
    hint: 'use --username and --password-stdin',
  });
}

interface Terminal {
  readonly input: ReadStream;
  write(text: string): void;
  /** Makes the terminal as it was. A second call does nothing. */
  close(): void;
}

function openTerminal(secret: boolean): Terminal {
  const fd = openControllingTerminal();
  if (fd === undefined && !isatty(0)) {
    throw new FinchError('USAGE', 'stdin is not a terminal', {
      hint: 'use --username and --password-stdin',
    });
  }
  const input = fd === undefined ? process.stdin : new ReadStream(fd);
  const write = (text: string) => writeAll(fd ?? 2, text);
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    process.off('exit', close);
    if (secret) stopSecret({ input, write });
    if (fd === undefined) input.pause().unref();
    else input.destroy();
  };
  process.once('exit', close);
  if (secret) input.setRawMode(true);
  return { input, write, close };
}

function stopSecret({ input, write }: Pick<Terminal, 'input' | 'write'>): void {
  try {
    input.setRawMode(false);
    write('\n');
  } catch {
    // The terminal is gone. What happened before is what matters.
  }
}

function openControllingTerminal(): number | undefined {
  try {
    const fd = openSync('/dev/tty', 'r+');
    if (isatty(fd)) return fd;
    closeSync(fd);
  } catch {
    // No such device (Windows), or no terminal behind it (a service, CI).
  }
  return undefined;
}

/** The next line; undefined when the input ends before one. Closes the terminal. */
function readLine(
  { input, close }: Terminal,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const line = new TypedLine();
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  // What is typed is read on a thread that cannot be called back. Closing at once, not when the promise
  // settles, keeps it from reading what the next question, or the shell, should get.
  const stop = () => {
    signal?.removeEventListener('abort', onAbort);
    input.off('data', take).off('end', onEnd).off('error', onError);
    close();
  };
  const take = (bytes: Uint8Array) => {
    try {
      const end = line.type(bytes);
      if (end === undefined) return;
      stop();
      typedAhead = bytes.slice(end.length);
      if (end.by === 'interrupt') reject(interrupted());
      else resolve(end.by === 'line' ? line.text : undefined);
    } catch (error) {
      onError(error);
    }
  };
  const onEnd = () => {
    stop();
    resolve(undefined);
  };
  const onError = (error: unknown) => {
    stop();
    reject(error);
  };
  const onAbort = () => onError(interrupted());
  const ahead = typedAhead;
  typedAhead = new Uint8Array();
  signal?.addEventListener('abort', onAbort);
  input.on('data', take).on('end', onEnd).on('error', onError);
  take(ahead);
  return promise;
}

function interrupted(): FinchError {
  return new FinchError('CANCELLED', 'interrupted');
}
