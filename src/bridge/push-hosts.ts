import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../host/atomic-file.ts';
import { ioError } from '../host/io-error.ts';
import { bridgeRepository } from '../oci/bridge-repository.ts';
import { machineFolder } from '../vm/machine-folder.ts';
import type { Bridge } from './bridge.ts';
import { hostsFile } from './hosts-file.ts';

/** For what {@link writePushHosts} writes a file. */
export interface PushHostsOptions {
  /** Of the images that are pushed, as `host[:port]`. */
  readonly registry: string;
  readonly bridge: Bridge;
  /** The address by which programs in the machine reach the bridge. */
  readonly hostAddress: string;
  /** The path of the bridge's registry below which they come. Default: that of their own registry. */
  readonly below?: string;
}

/**
 * Writes the `hosts.toml` by which the engine pushes images of a registry into the store of this machine under their
 * own names: `nerdctl --hosts-dir FOLDER push NAME`. Each registry has a file, because containerd does not say in a
 * push which one it means: so it is in the path.
 * https://github.com/containerd/containerd/blob/v2.2.1/core/remotes/docker/pusher.go
 * @returns the folder
 * @throws FinchError `IO`
 */
export async function writePushHosts(
  home: string,
  { registry, bridge: { port, token }, hostAddress, below = hostPath(registry) }: PushHostsOptions,
): Promise<string> {
  const { push } = machineFolder(home);
  // A port is written so where it is looked for: https://github.com/containerd/containerd/blob/v2.2.1/docs/hosts.md
  const folder = join(push, registry.replace(/:(\d+)$/, '_$1_'));
  const text = hostsFile(`http://${hostAddress}:${port}/v2/${below}`, {
    ...{ capabilities: ['push', 'pull', 'resolve'], token },
  });
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw ioError(error, 'write', folder);
  }
  await writeFileAtomic(join(folder, 'hosts.toml'), new TextEncoder().encode(text), {
    mode: 0o600,
  });
  return push;
}

function hostPath(registry: string): string {
  return bridgeRepository({ registry, repository: '' }).replace(/\/$/, '');
}
