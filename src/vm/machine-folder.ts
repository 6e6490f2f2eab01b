import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the files lie that programs in the machine, and the bridge to it, work with. All are below one folder. */
export interface MachineFolder {
  /** `$FINCH_HOME/machine`, for its owner alone. */
  readonly path: string;
  /** What is known of the bridge that runs. */
  readonly state: string;
  /** Locked for as long as a bridge lives. */
  readonly lock: string;
  /** What bridges had to say. */
  readonly log: string;
  /**
   * The socket that gives credentials. In the folder where its path is not too long for a socket, else in one below
   * `/tmp` that is this user's alone. The same for all bridges of one home, whatever their environment.
   */
  readonly socket: string;
  /** The `hosts.toml` files by which the engine's pulls ask the store of this machine first: for `--hosts-dir`. */
  readonly hosts: string;
  /** Those by which the engine pushes into the store of this machine, one folder a registry. */
  readonly push: string;
  /** `DOCKER_CONFIG` of programs in the machine. */
  readonly dockerConfig: string;
  /** Stands first in PATH of programs in the machine: the credential helper of a machine that is this Linux itself. */
  readonly nativeBin: string;
  /** The same in a virtual machine. */
  readonly guestBin: string;
}

/** The most bytes that a path of a socket may have: 104 on macOS with its end, 108 on Linux. */
const MAX_SOCKET_PATH = 103;

/** The files of the machine of one home, an absolute path. Nothing is made. */
export function machineFolder(home: string): MachineFolder {
  const path = join(home, 'machine');
  return {
    path,
    state: join(path, 'bridge.json'),
    lock: join(path, 'bridge.lock'),
    log: join(path, 'bridge.log'),
    socket: socketPath(path),
    hosts: join(path, 'hosts.d'),
    push: join(path, 'push.d'),
    dockerConfig: join(path, 'docker'),
    nativeBin: join(path, 'bin'),
    guestBin: join(path, 'guest'),
  };
}

function socketPath(folder: string): string {
  const near = join(folder, 'creds.sock');
  if (Buffer.byteLength(near) <= MAX_SOCKET_PATH) return near;
  const hash = new Bun.CryptoHasher('sha256').update(folder).digest('hex').slice(0, 16);
  const name = join(`finch-${process.getuid?.() ?? 'user'}-${hash}`, 'creds.sock');
  return join(process.platform === 'win32' ? tmpdir() : '/tmp', name);
}
