import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AbortOptions } from '../content.ts';
import { hasCode } from '../errors.ts';
import { findHelper } from './find-helper.ts';
import type { LoginStores } from './login-stores.ts';
import type { Environment } from './places.ts';

/** How long the helper has to show that it works. */
const PROBE_MS = 3000;

/**
 * The name of the helper that keeps passwords in the operating system's own store, when it is installed and
 * answers: the login keychain on macOS, the credential manager on Windows, the Secret Service on Linux.
 *
 * A helper and not `Bun.secrets`, which reaches the same stores: docker, nerdctl, skopeo and crane then
 * share the login; a keyring that waits for somebody who is not there can be killed; and the
 * keychain of macOS, which gives a password to the program that stored it, does not ask again after each
 * update of finch.
 */
export async function platformHelper(
  stores: LoginStores,
  { signal }: AbortOptions = {},
): Promise<string | undefined> {
  const { env, home, platform, trace } = stores.options;
  const name = nameOn(platform, env);
  if (name === undefined) return undefined;
  try {
    if ((await findHelper(name, { env, home, platform })) === undefined) return undefined;
    await stores.helper(name, { timeoutMs: PROBE_MS }).list({ signal });
    return name;
  } catch (error) {
    if (!hasCode(error, 'CREDENTIAL_STORE')) throw error;
    trace(`the credential helper of this system is not used: ${error.message}`);
    return undefined;
  }
}

function nameOn(platform: NodeJS.Platform, env: Environment): string | undefined {
  switch (platform) {
    case 'darwin':
      return 'osxkeychain';
    case 'win32':
      return 'wincred';
    case 'linux':
      return hasSessionBus(env) ? 'secretservice' : undefined;
    default:
      return undefined;
  }
}

/** Whether there may be a Secret Service: without a session bus nobody can answer. */
function hasSessionBus(env: Environment): boolean {
  if (env['DBUS_SESSION_BUS_ADDRESS']) return true;
  const folder = env['XDG_RUNTIME_DIR'];
  return folder !== undefined && folder !== '' && existsSync(join(folder, 'bus'));
}
