import type { Credential } from './credential.ts';

/** What the user guide says about credential helpers. */
const GUIDE = 'https://runfinch.com/docs/container-images/authentication/';

/** What the user is told of a login that went into a file. */
export function unencrypted({ kind }: Credential, path: string): string {
  const what = kind === 'password' ? 'password' : 'token';
  return `warning: the ${what} is kept unencrypted in ${path}; a credential helper keeps it safe, see ${GUIDE}`;
}
