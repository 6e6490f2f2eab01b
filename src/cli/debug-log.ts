import { isAbsolute } from 'node:path';
import type { Host } from '../host/host.ts';
import { redactText } from '../http/redact.ts';
import { printable } from '../text.ts';

/** Where `--debug` goes. */
export interface DebugLog {
  /** Takes one line of what is being done. */
  trace(line: string): void;
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
  const write = (prefix: string) => (line: string) => {
    if (!isAsked && path === undefined) return;
    const text = `${prefix}${redactText(printable(line))}\n`;
    if (isAsked) stderr.write(text);
    if (path !== undefined) append(path, `${now().toISOString()} ${process.pid} ${text}`);
  };
  return { trace: write('debug: '), explain: write('') };
}

type DebugHost = Pick<Host, 'env' | 'now' | 'stderr'>;

function append(path: string, text: string): void {
  const { appendFileSync } = process.getBuiltinModule('node:fs');
  try {
    appendFileSync(path, text, { mode: 0o600 });
  } catch {
    // Who looks for mistakes must not meet one more.
  }
}
