import type { Flag } from '../commands/command.ts';

/** Flags that every command has. */
export const commonFlags: readonly Flag[] = [
  { name: 'help', short: 'h', summary: 'show this help' },
  { name: 'debug', summary: 'tell of each request, and what lies behind an error' },
];
