import { isAbsolute } from 'node:path';

const wanted = process.env['FINCH_DEBUG'] ?? '';

/**
 * The environment variable by which every finch of a run of the whole suite writes what it does to one log
 * (`test/run-all.ts`), which is then searched for the tests' password. Empty when there is no such log.
 */
export const runLog: Readonly<Record<string, string>> = isAbsolute(wanted)
  ? { FINCH_DEBUG: wanted }
  : {};
