import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the containerd of the system listens. */
const SYSTEM_SOCKET = '/run/containerd/containerd.sock';

/** Options of {@link containerdAddress}. */
export interface AddressOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The numeric user for whom it is; 0 is root. */
  readonly uid: number;
}

/**
 * The path of containerd's socket, as nerdctl finds it: `CONTAINERD_ADDRESS`; for who is not root, that of a
 * rootless containerd, if one runs; else the system's.
 * https://github.com/containerd/nerdctl/blob/v2.2.2/pkg/rootlessutil/parent_linux.go
 */
export function containerdAddress({ env, uid }: AddressOptions): string {
  const named = env['CONTAINERD_ADDRESS'];
  if (named) return named.replace(/^unix:\/\//, '');
  const root = uid === 0 ? undefined : rootlessRoot(env);
  return root === undefined ? SYSTEM_SOCKET : join(root, SYSTEM_SOCKET);
}

/** The root folder of a rootless containerd, as it sees it; undefined when none runs. */
function rootlessRoot(env: AddressOptions['env']): string | undefined {
  const runtime = env['XDG_RUNTIME_DIR'];
  const state =
    env['ROOTLESSKIT_STATE_DIR'] || (runtime ? join(runtime, 'containerd-rootless') : undefined);
  if (state === undefined) return undefined;
  try {
    const pid = readFileSync(join(state, 'child_pid'), 'utf8').trim();
    return /^\d{1,10}$/.test(pid) ? `/proc/${pid}/root` : undefined;
  } catch {
    return undefined;
  }
}
