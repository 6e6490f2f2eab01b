import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** A `limactl` that runs no machine but knows what state one is in. */
export interface FakeLimactl {
  /** The folder it is in, for PATH. */
  readonly folder: string;
  /** The command lines it was called with, in order. */
  calls(): Promise<readonly string[]>;
  /** The variables that it was called with last. */
  environment(): Promise<Readonly<Record<string, string>>>;
  /** What it says of its machine; undefined when there is none. */
  status(): Promise<string | undefined>;
  setStatus(status: string): Promise<void>;
  /** From now on `verb` ends with status 1 after it has written `text`. */
  fail(verb: 'ls' | 'stop' | 'start', text: string): Promise<void>;
  /** Takes back what `fail` said of a verb. */
  mend(verb: 'ls' | 'stop' | 'start'): Promise<void>;
}

/** As Lima 2.1 answers: https://github.com/lima-vm/lima/blob/v2.1.3/cmd/limactl/list.go */
const SCRIPT = `#!/bin/sh
state="$(dirname "$0")/../state"
printf '%s\\n' "$*" >> "$state/calls"
env > "$state/environment"
if [ -f "$state/fail-$1" ]; then cat "$state/fail-$1" >&2; exit 1; fi
case "$1" in
ls)
  if [ ! -f "$state/status" ]; then
    echo 'time="2026-08-20T15:40:09-07:00" level=warning msg="No instance matching finch found."' >&2
    echo 'time="2026-08-20T15:40:09-07:00" level=fatal msg="unmatched instances"' >&2
    exit 1
  fi
  cat "$state/status" ;;
stop) echo Stopped > "$state/status" ;;
start) echo Running > "$state/status" ;;
*) echo "unknown command $1" >&2; exit 1 ;;
esac
`;

/** Puts one into a folder, below `bin`, with its state beside it. */
export async function fakeLimactl(folder: string): Promise<FakeLimactl> {
  const state = join(folder, 'state');
  await mkdir(state, { recursive: true });
  const bin = join(folder, 'bin');
  await Bun.write(join(bin, 'limactl'), SCRIPT);
  await chmod(join(bin, 'limactl'), 0o755);
  const read = async (name: string) => {
    const file = Bun.file(join(state, name));
    return (await file.exists()) ? await file.text() : undefined;
  };
  return {
    folder: bin,
    async calls() {
      return ((await read('calls')) ?? '').split('\n').filter((line) => line !== '');
    },
    async environment() {
      const lines = ((await read('environment')) ?? '').split('\n').filter((line) => line !== '');
      return Object.fromEntries(
        lines.map((line) => [line.replace(/=.*/, ''), line.replace(/^[^=]*=/, '')]),
      );
    },
    status: async () => (await read('status'))?.trim(),
    async setStatus(status) {
      await Bun.write(join(state, 'status'), `${status}\n`);
    },
    async fail(verb, text) {
      await Bun.write(join(state, `fail-${verb}`), text);
    },
    mend: (verb) => rm(join(state, `fail-${verb}`)),
  };
}
