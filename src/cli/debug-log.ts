import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { Host, Output } from '../host/host.ts';
import { redactText } from '../http/redact.ts';
import { printable } from '../text.ts';

/** Where `--debug` goes. */
export interface DebugLog {
  /** Takes one line of what is being done, or what makes one where it is wanted. */
  trace(line: string | (() => string)): void;
  /** Takes one line of what lies behind the error that ended the command. */
  explain(line: string): void;
}

/**
 * What `--debug`, wherever it stands, or FINCH_DEBUG asks for, on stderr. Is FINCH_DEBUG the absolute path of
 * a file, it is appended to that instead, each line with its time; the file is made for the user alone, and
 * when it cannot be written the command goes on without it. No line holds a secret.
 */
export function openDebugLog(argv: readonly string[], { env, now, stderr }: DebugHost): DebugLog {
  const wanted = env['FINCH_DEBUG'] ?? '';
  const path = isAbsolute(wanted) ? wanted : undefined;
  const isAsked = argv.includes('--debug') || (path === undefined && !['', '0'].includes(wanted));
  let file: number | undefined;
  const append = (to: string, text: string) => {
    try {
      file ??= openLog(to);
      writeSync(file, text);
    } catch {
      // Who looks for mistakes must not meet one more.
    }
  };
  const write = (prefix: string) => (line: string | (() => string)) => {
    if (!isAsked && path === undefined) return;
    const made = typeof line === 'string' ? line : line();
    const text = `${prefix}${redactText(printable(made))}\n`;
    if (isAsked) stderr.write(text);
    if (path !== undefined) append(path, `${now().toISOString()} ${process.pid} ${text}`);
  };
  return { trace: write('debug: '), explain: write('') };
}

type DebugHost = Pick<Host, 'env' | 'now'> & { readonly stderr: Pick<Output, 'write'> };

/** Opens a file, and nothing else: a pipe that nobody reads would hold the command up. */
function openLog(path: string): number {
  const { O_APPEND, O_CREAT, O_NOCTTY = 0, O_NONBLOCK = 0, O_WRONLY } = constants;
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK, 0o600);
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw new Error('not a file');
}
