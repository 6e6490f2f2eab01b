import type { Flag } from './command.ts';

/** For commands that talk to a registry. */
export const insecureFlag: Flag = {
  name: 'insecure-registry',
  summary: 'accept an invalid certificate, or plain HTTP, from this registry',
};

/** For commands that show a copy and end with a line about it. */
export const quietFlag: Flag = {
  name: 'quiet',
  short: 'q',
  summary: 'no progress; print only the name',
};
