import { type Built, buildImage } from '../images.ts';
import { tarFile } from '../tar.ts';

/** What busybox is called in {@link busyboxImage}, all in `/bin`. */
const NAMES = [
  'sh',
  'cat',
  'echo',
  'env',
  'false',
  'httpd',
  'id',
  'ls',
  'nc',
  'sleep',
  'stty',
  'true',
  'wget',
];

/** Options of {@link busyboxImage}. */
export interface BusyboxOptions {
  /** What it prints when it is run without a command. Default: `hello`. */
  readonly says?: string;
}

/**
 * An image for this machine's platform that runs without anything from elsewhere: Debian's busybox, which needs no
 * library, by some of its names, and `/hello`, which is run by itself.
 */
export async function busyboxImage({ says = 'hello' }: BusyboxOptions = {}): Promise<Built> {
  const program = Bun.which('busybox');
  if (program === null) throw new Error('busybox is not installed');
  const folders = ['bin/', 'dev/', 'etc/', 'proc/', 'sys/', 'tmp/'];
  const base = tarFile([
    ...folders.map((name) => ({ name, type: '5', mode: 0o755 }) as const),
    { name: 'bin/busybox', bytes: await Bun.file(program).bytes(), mode: 0o755 },
    ...NAMES.map((name) => ({ name: `bin/${name}`, type: '2', linkName: 'busybox' }) as const),
  ]);
  // nerdctl now and then loses what a container says that ends in the same moment: 3 of 125 runs of a bare `echo`.
  const script = `#!/bin/sh\necho '${says}'\nsleep 0.1\n`;
  const own = tarFile([{ name: 'hello', bytes: script, mode: 0o755 }]);
  return buildImage({ platform: { os: 'linux', architecture: ARCHITECTURE }, layers: [base, own] });
}

/** This machine's, as images name it. */
const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;
