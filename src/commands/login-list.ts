import type { App } from '../app.ts';
import { FinchError } from '../errors.ts';
import type { Invocation, Result } from './command.ts';

/** The flags of `finch login` that only say how to log in. */
const LOGIN_SWITCHES = ['password-stdin', 'insecure-registry'];
const LOGIN_VALUES = ['username', 'password', 'trust-realm', 'hosts-dir'];

/** `finch login --list`: asks no registry, and shows no secret. */
export async function listLogins(app: App, invocation: Invocation): Promise<Result> {
  const logins = await app.logins();
  const rows = await logins.list({ signal: invocation.signal });
  return { kind: 'logins', rows, format: invocation.text('format') };
}

/**
 * Checks that nothing stands beside `--list` but `--format`, and that `--format` does not stand alone.
 * @throws FinchError `USAGE`
 */
export function checkListFlags({ args, on, text }: Invocation): void {
  if (!on('list')) {
    if (text('format') === undefined) return;
    throw new FinchError('USAGE', '--format is for --list', {
      hint: 'show the logins with: finch login --list --format FORMAT',
    });
  }
  const beside =
    args.length > 0
      ? 'SERVER'
      : [...LOGIN_SWITCHES.filter(on), ...LOGIN_VALUES.filter((flag) => text(flag) !== undefined)]
          .map((flag) => `--${flag}`)
          .at(0);
  if (beside === undefined) return;
  throw new FinchError('USAGE', `--list and ${beside} are mutually exclusive`, {
    hint: 'show all logins with: finch login --list',
  });
}
