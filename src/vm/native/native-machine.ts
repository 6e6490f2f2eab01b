import type { AbortOptions } from '../../content.ts';
import { FinchError } from '../../errors.ts';
import { type ProgramRun, runProgram } from '../../host/run-program.ts';
import { excerpt } from '../../text.ts';
import type { Machine, MachineState, MachineStatus, StateOptions } from '../machine.ts';
import { noMachine } from '../no-machine.ts';
import { askSocket } from './ask-socket.ts';
import { containerdAddress } from './containerd-address.ts';
import { readChoice, writeChoice } from './native-choice.ts';
import { findNerdctl, findProgram, hasContainerd, type Nerdctl } from './native-programs.ts';

/** What {@link nativeMachine} goes to work with. */
export interface NativeOptions {
  /** finch's own folder. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The numeric user for whom it is. Default: that of this process. */
  readonly uid?: number;
}

const ASK_MS = 5_000;

/** The next step for a program that is missing. */
const STEPS = {
  nerdctl:
    'install it and BuildKit from https://github.com/containerd/nerdctl/releases (nerdctl-full)',
  containerd: 'install it, for example with: sudo apt-get install containerd',
} as const;

/**
 * This Linux as the machine: its containerd, by nerdctl. It is up while containerd answers and the user has not
 * stopped it; containerd itself, a service of the system, is left as it is. Nothing is asked or found before a
 * method is called.
 */
export function nativeMachine(options: NativeOptions): Machine {
  const { home, env, uid = process.getuid?.() ?? 0 } = options;
  const address = () => containerdAddress({ env, uid });
  const state = async ({ isDetailed = false, signal }: StateOptions = {}) => {
    const seen = await look({ ...{ home, env, uid }, address: address() });
    if (!isDetailed || seen.nerdctl === undefined) return seen.state;
    const more = await versions(seen.nerdctl, { ...{ env }, ...(signal && { signal }) });
    return { ...seen.state, details: { ...seen.state.details, ...more } };
  };
  /** Forgets what the user has done to it, once containerd answers. */
  const up = async () => {
    const before = await readChoice(home);
    const seen = await look({ ...{ home, env, uid }, address: address(), choice: undefined });
    if (seen.state.status !== 'Running') throw notUp(seen.state);
    if (before !== undefined) await writeChoice(home, undefined);
  };
  return {
    kind: 'native',
    hostAddress: '127.0.0.1',
    state,
    init: up,
    start: up,
    async stop() {
      if ((await readChoice(home)) === 'removed') throw noMachine();
      await writeChoice(home, 'stopped');
    },
    remove: () => writeChoice(home, 'removed'),
    command([name = '', ...args], { env: more, cwd }) {
      const nerdctl = name === 'nerdctl' ? findNerdctl(env) : undefined;
      const program = nerdctl?.program ?? findProgram(name, env);
      if (program === undefined) {
        throw new FinchError('VM', `${name} is not installed`, {
          hint: name === 'nerdctl' ? STEPS.nerdctl : `install ${name}, so that it is on PATH`,
        });
      }
      return { program, args, env: { ...env, ...nerdctl?.env, ...more }, cwd };
    },
    async isUp() {
      return (await readChoice(home)) === undefined && (await askSocket(address())) === 'answers';
    },
  };
}

interface LookOptions extends Required<NativeOptions> {
  readonly address: string;
  /** What the user has done, if it is to count as something else. Default: what was remembered. */
  readonly choice?: undefined;
}

interface Seen {
  readonly state: MachineState;
  readonly nerdctl: Nerdctl | undefined;
}

async function look(options: LookOptions): Promise<Seen> {
  const { home, env, uid, address } = options;
  const choice = 'choice' in options ? options.choice : await readChoice(home);
  const nerdctl = findNerdctl(env);
  const details = { Address: address, ...(nerdctl && { Nerdctl: nerdctl.program }) };
  const is = (status: MachineStatus, reason?: string, hint?: string): Seen => ({
    state: { status, reason, hint, details },
    nerdctl,
  });
  const lacks = (name: keyof typeof STEPS) =>
    is('Nonexistent', `${name} is not installed`, STEPS[name]);
  if (choice === 'removed') return is('Nonexistent');
  if (nerdctl === undefined) return lacks('nerdctl');
  const answer = await askSocket(address);
  if (answer === 'denied') {
    return is('Broken', `you may not use ${address}`, `run finch with sudo, ${ROOTLESS}`);
  }
  if (answer === 'silent' && !hasContainerd(env)) return lacks('containerd');
  if (choice === 'stopped') return is('Stopped');
  if (answer === 'answers') return is('Running');
  const start = 'start it with: sudo systemctl start containerd';
  const next = uid === 0 ? start : `${start}, and run finch with sudo, ${ROOTLESS}`;
  return is('Stopped', `containerd does not answer at ${address}`, next);
}

const ROOTLESS = 'or set up your own with: containerd-rootless-setuptool.sh install';

/** The error for a machine that cannot be brought up. */
function notUp({ reason = 'containerd is not there', hint }: MachineState): FinchError {
  return new FinchError('VM', reason, hint === undefined ? {} : { hint });
}

/** What the programs say of themselves; nothing of those that do not answer. */
async function versions(
  { program, env: settings }: Nerdctl,
  { env, ...abort }: AbortOptions & { readonly env: NativeOptions['env'] },
): Promise<Readonly<Record<string, string>>> {
  const containerd = findProgram('containerd', env);
  const ask = async (name: string, path: string | undefined) => {
    if (path === undefined) return {};
    const run = await runProgram(path, ['--version'], {
      ...{ env: { ...env, ...settings }, stdin: new Uint8Array(), timeoutMs: ASK_MS },
      ...abort,
    });
    const version = versionIn(run);
    return version === undefined ? {} : { [name]: version };
  };
  const [first, second] = await Promise.all([
    ask('NerdctlVersion', program),
    ask('ContainerdVersion', containerd),
  ]);
  return { ...first, ...second };
}

/** In `nerdctl version 2.2.2`, and in `containerd github.com/containerd/containerd 1.6.20 …`. */
function versionIn({ status, stdout }: ProgramRun): string | undefined {
  if (status !== 0) return undefined;
  return /\bv?(\d+\.\d+[^\s]*)/.exec(excerpt(new TextDecoder().decode(stdout)))?.[1];
}
