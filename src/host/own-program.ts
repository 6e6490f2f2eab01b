import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What Linux adds to the path of a program that another file has taken the place of. */
const REPLACED = / \(deleted\)$/;

/**
 * This program as a file, also when another version has taken its place while it runs: then that. Undefined when it
 * is run from its source by Bun.
 */
export function ownProgram(): string | undefined {
  const path = process.execPath.replace(REPLACED, '');
  return /^bun(?:\.exe)?$/.test(basename(path)) ? undefined : path;
}

/** The words by which this program is run again: the executable, or what runs its source. */
export function ownCommand(): readonly string[] {
  const program = ownProgram();
  return program === undefined
    ? [process.execPath, join(import.meta.dir, '../main.ts')]
    : [program];
}

/** The folder that has `bin/finch`; undefined when that is no more. */
export function installFolder(): string | undefined {
  try {
    return dirname(dirname(realpathSync(ownProgram() ?? process.execPath)));
  } catch {
    return undefined;
  }
}
