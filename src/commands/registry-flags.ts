import type { Flag, Invocation } from './command.ts';

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

/** For commands that talk to a registry: {@link hostsDirs} reads it. */
export const hostsDirFlag: Flag = {
  name: 'hosts-dir',
  value: 'DIR',
  summary: 'folder of hosts.toml files and certificates by registry; may be repeated',
};

/** The folders of {@link hostsDirFlag}; undefined for the usual ones. */
export function hostsDirs({ list }: Invocation): readonly string[] | undefined {
  const given = list('hosts-dir');
  return given.length > 0 ? given : undefined;
}
