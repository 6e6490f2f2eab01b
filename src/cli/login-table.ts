import { TOKEN_USER } from '../credentials/credential.ts';
import type { ListedLogin } from '../credentials/logins.ts';
import { formatAge } from '../humanize.ts';
import { printable } from '../text.ts';
import { formatRows, type Row } from './rows.ts';

/** How {@link formatLogins} shows logins. */
export interface LoginView {
  /** `json`, `table`, a Go template, or `table` and a Go template. Default: `table`. */
  readonly format?: string | undefined;
  /** The moment from which the time to the end is counted. */
  readonly now: Date;
}

/** The fields that a template sees, all of them strings, in the order of `json`. */
const HEADERS = {
  Server: 'SERVER',
  Username: 'USERNAME',
  Store: 'STORE',
  Expires: 'EXPIRES',
  ExpiresAt: 'EXPIRES AT',
} as const;

/**
 * What `finch login --list` prints, each line with its line feed: never a secret. A table without
 * logins is its header.
 * @throws FinchError `TEMPLATE_INVALID`
 */
export function formatLogins(logins: readonly ListedLogin[], { format, now }: LoginView): string {
  return formatRows(
    logins.map((login) => fieldsOf(login, now)),
    {
      headers: HEADERS,
      columns: ['Server', 'Username', 'Store', 'Expires'],
      format: format?.trim(),
    },
  );
}

function fieldsOf(
  { registry, username, place, expires }: ListedLogin,
  now: Date,
): Row<keyof typeof HEADERS> {
  return {
    Server: printable(registry),
    // As docker's credential helpers name the user of a token.
    Username: printable(username ?? TOKEN_USER),
    Store: printable(place),
    Expires: expires === undefined ? '' : formatEnd(expires.getTime() - now.getTime()),
    ExpiresAt: expires?.toISOString() ?? '',
  };
}

/** @param ms milliseconds from now to the end */
function formatEnd(ms: number): string {
  if (ms <= 0) return 'expired';
  return `in ${formatAge(ms).replace(/^[AL]/, (letter) => letter.toLowerCase())}`;
}
