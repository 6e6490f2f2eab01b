import { delimiter, join } from 'node:path';
import { stopBridge } from '../../../src/bridge/stop-bridge.ts';
import { type FakeLimactl, fakeLimactl } from '../../support/fake-limactl.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { type Finished, finch, finchBinary, finchEnvironment } from './finch.ts';

/** A home with a fake limactl, and finch beside it. */
export interface LimaShell extends AsyncDisposable {
  readonly home: string;
  readonly fake: FakeLimactl;
  readonly env: Readonly<Record<string, string>>;
  /** Runs finch with the words of a line. */
  run(line: string): Promise<Finished>;
  /** Runs it, and does not wait for its end. */
  start(line: string): Bun.Subprocess<'ignore', 'pipe', 'pipe'>;
  /** What `finch vm status` says. */
  status(): Promise<string>;
  /** The command lines of Lima that change something. */
  acts(): Promise<readonly string[]>;
}

/** A home whose machine is in a state, or that has none. Its processes end with `await using`. */
export async function limaShell(state?: string): Promise<LimaShell> {
  const folder = await temporaryFolder();
  const home = folder.path;
  const fake = await fakeLimactl(home);
  if (state !== undefined) await fake.setStatus(state);
  const env = { PATH: `${fake.folder}${delimiter}/usr/bin${delimiter}/bin` };
  const run: LimaShell['run'] = (line) => finch(line.split(' '), { home, env });
  return {
    ...{ home, fake, env, run },
    start: (line) =>
      Bun.spawn([finchBinary, ...line.split(' ')], {
        ...{ env: finchEnvironment(home, env), detached: true },
        ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
      }),
    async status() {
      const { stdout, stderr, exitCode } = await run('vm status');
      return exitCode === 0 ? stdout.trim() : stderr;
    },
    async acts() {
      const calls = await fake.calls();
      const told = calls.map((line) => line.replace(join(home, ''), ''));
      return told.filter((line) => !/^(?:ls|disk ls|validate|--version)/.test(line));
    },
    async [Symbol.asyncDispose]() {
      await stopBridge(home);
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The lines of a text without those of Lima's stages. */
export function withoutStages(stderr: string): string {
  return stderr.replace(/^(?:booting|getting .*|waiting for .*)\n/gm, '');
}
