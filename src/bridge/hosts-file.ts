import { BRIDGE_USER } from './bridge.ts';

/** What a `hosts.toml` of the bridge says. */
export interface HostsFile {
  /** What of the registry's work the bridge does. */
  readonly capabilities: readonly ('pull' | 'resolve' | 'push')[];
  readonly token: string;
}

/**
 * The text of a `hosts.toml` that sends a client of containerd's kind to the bridge.
 * @param url of the bridge; with a path, it is that of the API
 * https://github.com/containerd/containerd/blob/v2.2.1/docs/hosts.md
 */
export function hostsFile(url: string, { capabilities, token }: HostsFile): string {
  const login = Buffer.from(`${BRIDGE_USER}:${token}`).toString('base64');
  const hasPath = new URL(url).pathname !== '/';
  return [
    '# Written by finch, for as long as its bridge lives.',
    `[host."${url}"]`,
    `  capabilities = ${JSON.stringify(capabilities)}`,
    ...(hasPath ? ['  override_path = true'] : []),
    `  [host."${url}".header]`,
    `    authorization = "Basic ${login}"`,
    '',
  ].join('\n');
}
