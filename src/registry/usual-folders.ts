import { join } from 'node:path';

/** Where `hosts.toml` files and certificates of registries are; the first folder counts most. */
export function usualFolders(home: string): readonly string[] {
  return [join(home, 'certs.d'), '/etc/containerd/certs.d', '/etc/docker/certs.d'];
}
