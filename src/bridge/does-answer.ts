import type { AbortOptions } from '../content.ts';
import type { Bridge } from './bridge.ts';

/** How long a bridge that lives may take: it is on this machine, and may be busy. */
const PATIENCE_MS = 3000;

/** Whether a bridge answers at its socket, and is the one that it is said to be. */
export async function doesAnswer(
  { socket, port, token }: Bridge,
  { signal }: AbortOptions = {},
): Promise<boolean> {
  const late = AbortSignal.timeout(PATIENCE_MS);
  try {
    const response = await fetch('http://localhost/get', {
      method: 'POST',
      body: `127.0.0.1:${port}`,
      unix: socket,
      signal: signal === undefined ? late : AbortSignal.any([late, signal]),
    });
    return response.ok && (await response.text()).includes(token);
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}
