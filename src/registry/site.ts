import type { TlsSettings } from '../http/tls-options.ts';
import { DEFAULT_REGISTRY } from '../oci/reference.ts';

/** What a host may be asked to do: hand out content, say what a tag names, take content. */
export type Capability = 'pull' | 'resolve' | 'push';

/** All there is; what a host has of which nothing is said. */
export const ALL_CAPABILITIES: readonly Capability[] = ['pull', 'resolve', 'push'];

/**
 * One way to a registry: the registry itself, or a mirror of it.
 * https://github.com/containerd/containerd/blob/v2.1.3/docs/hosts.md
 */
export interface Site {
  /** Whose login it takes, and how messages name it: the registry's own name, or a mirror's host. */
  readonly name: string;
  /** `host[:port]` of its address. */
  readonly host: string;
  /** How it is spoken to where somebody said so; else loopback hosts speak plain HTTP, all others TLS. */
  readonly protocol?: 'https:' | 'http:';
  /** The path of its API, without a slash at the end. */
  readonly root: string;
  readonly capabilities: readonly Capability[];
  /** Whether its certificate may be anybody's. */
  readonly skipVerify: boolean;
  readonly tls?: TlsSettings;
  /** Sent with every request to this site, and to nobody else. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds in which it must begin to answer, where that is less than the usual. */
  readonly patienceMs?: number;
  /** The registry whose content is asked for, where the site has another host: `ns` of each address. */
  readonly namespace?: string;
}

/** The way to a registry of which nothing is said anywhere. */
export function defaultSite(registry: string): Site {
  return {
    name: registry,
    host: registryHost(registry),
    root: '/v2',
    capabilities: ALL_CAPABILITIES,
    skipVerify: false,
    headers: {},
  };
}

/** `host[:port]` of a registry's API: Docker Hub's is not the name that users know. */
export function registryHost(registry: string): string {
  return registry === DEFAULT_REGISTRY ? 'registry-1.docker.io' : registry;
}

/** All ways to a registry. */
export interface Sites {
  /** Tried before the registry itself, in order. */
  readonly mirrors: readonly Site[];
  /** The registry itself, also at another address; its `name` differs where all registries have this server. */
  readonly server: Site;
  /** The file that says so, if one does. */
  readonly source?: string;
}
