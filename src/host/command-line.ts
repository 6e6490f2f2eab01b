import { readFile } from 'node:fs/promises';
import { systemCode } from '../errors.ts';
import { runProgram } from './run-program.ts';

/**
 * The words by which a process was started, with a space between them: a number alone may be another's by now. Empty
 * when there is no such process, or it has only just begun; undefined where the system does not tell.
 */
export async function commandLine(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') return await inProc(pid);
  if (process.platform === 'win32') return undefined;
  // Twice w, or it is cut where a terminal would end.
  const { status, stdout, stderr } = await runProgram(
    '/bin/ps',
    ['-ww', '-o', 'args=', '-p', String(pid)],
    { env: {}, stdin: new Uint8Array(), timeoutMs: 5_000 },
  );
  const isAnswer = status === 0 || (status === 1 && stderr.length === 0);
  return isAnswer ? new TextDecoder().decode(stdout).trim() : undefined;
}

async function inProc(pid: number): Promise<string | undefined> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
  } catch (error) {
    const hasEnded = systemCode(error) === 'ENOENT' || systemCode(error) === 'ESRCH';
    return hasEnded ? '' : undefined;
  }
}
