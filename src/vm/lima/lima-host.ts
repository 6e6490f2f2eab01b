/** On what the machine is made. */
export interface LimaHost {
  readonly os: 'linux' | 'darwin' | 'win32';
  /** As Node.js names it. */
  readonly arch: string;
  /** The user's home folder. */
  readonly home: string;
  /** Finch's own folder. */
  readonly finchHome: string;
  /** The socket on which finch answers the machine's questions for credentials. */
  readonly socket: string;
}

/** By it programs of a machine that Lima runs reach this one's loopback. https://lima-vm.io/docs/config/network/user */
export const HOST_ADDRESS = '192.168.5.2';
