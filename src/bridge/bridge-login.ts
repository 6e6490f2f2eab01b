import { goJson } from '../credentials/helper-protocol.ts';
import { parseAsked } from '../credentials/helper-request.ts';
import { BRIDGE_USER } from './bridge.ts';
import type { BridgeState } from './bridge-state.ts';

/**
 * What a credential helper answers about the registry of a bridge: by whatever name of this machine it is called, its
 * login is that of {@link BRIDGE_USER}. Undefined for every other server.
 */
export function bridgeLogin(
  text: string,
  { port, token, hostAddress }: Pick<BridgeState, 'port' | 'token' | 'hostAddress'>,
): string | undefined {
  const asked = text === '' ? undefined : parseAsked(text)?.server.registry;
  const names = ['127.0.0.1', 'localhost', '[::1]', hostAddress];
  if (!names.some((name) => asked === `${name}:${port}`)) return undefined;
  return goJson({ ServerURL: text, Username: BRIDGE_USER, Secret: token });
}
