import { FinchError } from '../errors.ts';
import { quote } from '../text.ts';

/** https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2 */
const NAME = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;

/** Whatever ends a line, or is no byte: with it a value could say more than one header. */
const UNSENDABLE = /[^\t\u0020-\u007e\u00a0-\u00ff]/;

/**
 * Makes sure that each header of a request is one header.
 * @throws FinchError `REGISTRY` naming the header, never with its value
 */
export function assertSendable(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (NAME.test(name) && !UNSENDABLE.test(value)) continue;
    throw new FinchError('REGISTRY', `the header ${quote(name)} cannot be sent`, {
      hint: 'log in again, and check the headers that config.json and hosts.toml name',
    });
  }
}
