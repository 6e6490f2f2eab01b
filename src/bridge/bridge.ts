/**
 * The bridge between this machine and the virtual one: a process of finch that serves credentials over a socket of
 * the user's own, and the store as a registry on loopback. This is how a running one is reached.
 */
export interface Bridge {
  readonly pid: number;
  /** Of finch that it is. One of another version gives way. */
  readonly version: string;
  /** The port of the registry on 127.0.0.1. */
  readonly port: number;
  /** The password of {@link BRIDGE_USER} at the registry. It ends with the bridge. */
  readonly token: string;
  /** The path of the socket that answers `get`. */
  readonly socket: string;
}

/** Who clients of the bridge's registry are. */
export const BRIDGE_USER = 'finch';
