import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { finchYamlPath } from '../../../src/config/finch-yaml.ts';
import { readMachineSettings } from '../../../src/config/read-machine-settings.ts';
import { limaMachine } from '../../../src/vm/lima/lima-machine.ts';
import type { Machine } from '../../../src/vm/machine.ts';
import { machineFolder } from '../../../src/vm/machine-folder.ts';
import { type FakeLimactl, fakeLimactl } from '../../support/fake-limactl.ts';
import { temporaryFolder } from '../../support/temporary.ts';

/** What {@link limaBench} may be told. */
export interface BenchOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly startMs?: number;
}

/** A home, a fake limactl that keeps its machine there, and finch's view of that machine. */
export interface LimaBench extends AsyncDisposable {
  readonly home: string;
  readonly fake: FakeLimactl;
  /** What was told of stages. */
  readonly told: string[];
  readonly act: { readonly onStage: (line: string) => void };
  machine(options?: BenchOptions): Machine;
  /** Writes `finch.yaml`. */
  settings(yaml: string): Promise<unknown>;
  /** The document of the machine; undefined where there is none. */
  document(): Promise<string | undefined>;
  /** The command lines of Lima that change something. */
  acts(): Promise<readonly string[]>;
  /** Whether anything is left of a machine: files or processes. */
  hasRemains(): Promise<boolean>;
}

export async function limaBench(): Promise<LimaBench> {
  const folder = await temporaryFolder();
  const home = folder.path;
  const fake = await fakeLimactl(home);
  const told: string[] = [];
  const instance = join(fake.limaHome, 'finch');
  return {
    ...{ home, fake, told },
    act: { onStage: (line) => void told.push(line) },
    machine({ env = {}, ...options } = {}) {
      const { socket } = machineFolder(home);
      const host = { os: 'linux', arch: 'x64', home, finchHome: home, socket } as const;
      return limaMachine({
        ...{ ...options, home, host },
        lima: { program: join(fake.folder, 'limactl'), home: fake.limaHome },
        env: { PATH: '/usr/bin:/bin', HOME: home, ...env },
        readSettings: () =>
          readMachineSettings(finchYamlPath(home), {
            ...{ os: 'linux', arch: 'x64', cpus: 4, memory: 8 * 1024 ** 3 },
          }),
      });
    },
    settings: (yaml) => Bun.write(finchYamlPath(home), yaml),
    async document() {
      const file = Bun.file(join(instance, 'lima.yaml'));
      return (await file.exists()) ? await file.text() : undefined;
    },
    async acts() {
      const calls = await fake.calls();
      return calls.filter((line) => !/^(?:ls|disk ls|validate|--version)/.test(line));
    },
    async hasRemains() {
      if (existsSync(instance) || existsSync(join(home, 'machine/making'))) return true;
      return Bun.spawnSync(['pgrep', '-f', fake.folder]).success;
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Waits for something to become so. */
export async function until(is: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await is())) await Bun.sleep(10);
}
