import { excerpt } from '../../text.ts';
import { unusableIdentity } from '../identity-errors.ts';
import type { KeyContext } from './key-context.ts';
import type { RoleSource } from './key-source.ts';

/**
 * The code of the MFA device that a role wants, from the user; undefined when it wants none.
 * @throws FinchError `AWS_IDENTITY` where nobody can be asked
 */
export async function mfaCode(
  { profile, mfaSerial }: RoleSource,
  { surroundings: { askCode }, signal }: KeyContext,
): Promise<string | undefined> {
  if (mfaSerial === undefined) return undefined;
  const question = `MFA code for ${excerpt(mfaSerial)}: `;
  const code = await askCode?.(question, { ...(signal && { signal }) });
  if (code?.trim()) return code.trim();
  if (code !== undefined) {
    throw unusableIdentity(
      `no MFA code was typed, which AWS profile "${profile}" needs (${mfaSerial})`,
      'run it again, and type the code that the device shows',
    );
  }
  throw unusableIdentity(
    `AWS profile "${profile}" needs an MFA code (${mfaSerial})`,
    'run this in a terminal, or put temporary keys into the environment',
  );
}
