import { chmod, copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DOCUMENT_HEAD } from '../../src/vm/lima/document-head.ts';

/** What a fake `limactl` can be told to do other than well; `disk-create` is its `disk create`. */
export type FakeVerb =
  | 'version'
  | 'validate'
  | 'ls'
  | 'start'
  | 'start-early'
  | 'stop'
  | 'stop-force'
  | 'delete'
  | 'shell'
  | 'disk-create'
  | 'disk-ls'
  | 'disk-resize'
  | 'disk-unlock';

/**
 * A `limactl` that runs no machine, and else does what Lima does: files, processes and answers. What is run in
 * its machine is run here, without the caller's environment.
 */
export interface FakeLimactl {
  /** The folder it is in, for PATH. */
  readonly folder: string;
  /** The `LIMA_HOME` that its machine is in, by default `lima` in its folder: as finch asks for, whose home the folder is. */
  readonly limaHome: string;
  /** Programs that are here are found first by what is run in its machine. */
  readonly guest: string;
  /** The command lines it was called with, in order. */
  calls(): Promise<readonly string[]>;
  /** The variables that it was called with last. */
  environment(): Promise<Readonly<Record<string, string>>>;
  /** What it says of its machine; undefined when there is none. */
  status(): Promise<string | undefined>;
  /** Makes a machine that is so; a `Broken` one has lost its host agent, and its QEMU still runs. */
  setStatus(status: string): Promise<void>;
  /** The process of its host agent; undefined where none runs. */
  hostAgent(): Promise<number | undefined>;
  /** From now on it says that it is of this version. */
  setVersion(version: string): Promise<void>;
  /** From now on `verb` ends with status 1 after it has written `text`. */
  fail(verb: FakeVerb, text: string): Promise<void>;
  /** Takes back what `fail` said of a verb. */
  mend(verb: FakeVerb): Promise<void>;
  /** From now on `verb` does not get on until it is let go. */
  hold(verb: FakeVerb): Promise<{ letGo(): Promise<void> }>;
  /** Puts a shell script into its machine. */
  addProgram(name: string, script: string): Promise<void>;
}

/** What a user of the machine may do as root. */
const SUDO = `#!/bin/sh
while :; do case "$1" in -E | -n | --) shift ;; *=*) export "$1"; shift ;; *) break ;; esac; done
SUDO_UID="$(id -u)" SUDO_USER=lima exec "$@"
`;

/** The document of a machine that finch has made at some time, which sees a folder. */
function documentWith(folder: string): string {
  return `${DOCUMENT_HEAD}vmType: qemu\ncpus: 2\nmemory: 2GiB\ndisk: 100GiB\nmounts:\n  - location: ${folder}\n    writable: true\n`;
}

/** Puts one into a folder, below `bin`, with its state beside it. Its processes end with its folder. */
export async function fakeLimactl(
  folder: string,
  { limaHome = join(folder, 'lima') }: { readonly limaHome?: string } = {},
): Promise<FakeLimactl> {
  const state = join(folder, 'state');
  const bin = join(folder, 'bin');
  const guest = join(state, 'guest');
  await mkdir(join(guest, 'sudo'), { recursive: true });
  await mkdir(bin, { recursive: true });
  const program = join(bin, 'limactl');
  await copyFile(join(import.meta.dir, 'fake-limactl.sh'), program);
  await chmod(program, 0o755);
  const addProgram = async (name: string, script: string) => {
    await Bun.write(join(guest, name), script);
    await chmod(join(guest, name), 0o755);
  };
  await addProgram('sudo/sudo', SUDO);
  const read = async (name: string) => {
    const file = Bun.file(join(state, name));
    return (await file.exists()) ? await file.text() : undefined;
  };
  /** Itself, without a line among the calls. */
  const act = async (...args: string[]) => {
    const [calls, environment] = [await read('calls'), await read('environment')];
    const child = Bun.spawn([program, ...args], {
      ...{ env: { PATH: '/usr/bin:/bin', LIMA_HOME: limaHome }, stdin: 'ignore' },
      ...{ stdout: 'pipe', stderr: 'ignore' },
    });
    const [stdout, exitCode] = await Promise.all([child.stdout.text(), child.exited]);
    await Bun.write(join(state, 'calls'), calls ?? '');
    await Bun.write(join(state, 'environment'), environment ?? '');
    return { stdout, exitCode };
  };
  const hostAgent = async () => {
    try {
      return Number(await readFile(join(limaHome, 'finch/ha.pid'), 'utf8'));
    } catch {
      return undefined;
    }
  };
  return {
    ...{ folder: bin, limaHome, guest, hostAgent, addProgram },
    async calls() {
      return ((await read('calls')) ?? '').split('\n').filter((line) => line !== '');
    },
    async environment() {
      const lines = ((await read('environment')) ?? '').split('\n').filter((line) => line !== '');
      return Object.fromEntries(
        lines.map((line) => [line.replace(/=.*/, ''), line.replace(/^[^=]*=/, '')]),
      );
    },
    async status() {
      const { stdout, exitCode } = await act('ls', '-f', '{{.Status}}', 'finch');
      return exitCode === 0 ? stdout.trim() : undefined;
    },
    async setStatus(status) {
      await act('stop', '--force', 'finch');
      const document = join(limaHome, 'finch/lima.yaml');
      if (!(await Bun.file(document).exists())) await Bun.write(document, documentWith(folder));
      if (status === 'Running' || status === 'Broken') await act('start', 'finch');
      const agent = await hostAgent();
      if (status !== 'Broken' || agent === undefined) return;
      process.kill(agent, 'SIGKILL');
      while ((await hostAgent()) !== undefined) await act('ls', 'finch');
    },
    async setVersion(version) {
      await Bun.write(join(state, 'version'), version);
    },
    async fail(verb, text) {
      await Bun.write(join(state, `fail-${verb}`), text);
    },
    mend: (verb) => rm(join(state, `fail-${verb}`)),
    async hold(verb) {
      const path = join(state, `hold-${verb}`);
      await Bun.write(path, '');
      return { letGo: () => rm(path, { force: true }) };
    },
  };
}
