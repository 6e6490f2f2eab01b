import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { type ProgramRun, runProgram } from '../host/run-program.ts';
import { redactText } from '../http/redact.ts';
import { excerpt, printable } from '../text.ts';

/** Around which the virtual machine is looked for. */
export interface LimaOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes a line for the user. */
  readonly report: (line: string) => void;
  /** Where Finch may be installed. Default: around this program, and where its installers put it. */
  readonly installs?: readonly string[];
}

/** Finch's virtual machine, which Lima runs. */
export interface LimaVm {
  /**
   * What Lima says of it: `Running`, `Stopped`, `Broken`; undefined when there is none.
   * @throws FinchError `VM` when Lima does not answer
   */
  status(options?: AbortOptions): Promise<string | undefined>;
  /** @throws FinchError `VM`, after the end of what Lima said was reported */
  stop(options?: AbortOptions): Promise<void>;
  /** @throws FinchError `VM`, as `stop` does */
  start(options?: AbortOptions): Promise<void>;
}

/** One `limactl`, and the folder in which it keeps its machines. */
interface Lima {
  readonly program: string;
  readonly home: string;
}

/** What Finch calls its machine. */
const INSTANCE = 'finch';

const ASK_MS = 30_000;
const STOP_MS = 180_000;
/** Lima itself waits ten minutes for a machine. */
const START_MS = 660_000;

/** How many lines of what Lima said are shown when it fails. */
const TAIL_LINES = 10;

const NO_INSTANCE = /No instance matching|unmatched instances/i;

/**
 * Finch's virtual machine; undefined when there is no Lima, and so none. Finch's own Lima is asked first, then
 * that of PATH, each for the machines of `LIMA_HOME` where that is set.
 */
export function findLima(options: LimaOptions): LimaVm | undefined {
  const limas = limasOf(options);
  if (limas.length === 0) return undefined;
  const find = async (abort: AbortOptions) => {
    for (const lima of limas) {
      const status = await statusOf(lima, options, abort);
      if (status !== undefined) return { lima, status };
    }
    return undefined;
  };
  const existing = async (abort: AbortOptions): Promise<Lima> => {
    const found = await find(abort);
    if (found !== undefined) return found.lima;
    throw new FinchError('VM', 'there is no virtual machine of Finch');
  };
  return {
    async status(abort = {}) {
      return (await find(abort))?.status;
    },
    async stop(abort = {}) {
      await act(await existing(abort), ['stop', INSTANCE], {
        ...{ ...options, ...abort, timeoutMs: STOP_MS },
      });
    },
    async start(abort = {}) {
      await act(await existing(abort), ['start', '--tty=false', INSTANCE], {
        ...{ ...options, ...abort, timeoutMs: START_MS },
      });
    },
  };
}

function limasOf({ env, installs = usualInstalls() }: LimaOptions): readonly Lima[] {
  const file = process.platform === 'win32' ? 'limactl.exe' : 'limactl';
  const own = installs.map((folder) => ({
    program: join(folder, 'lima/bin', file),
    home: env['LIMA_HOME'] || join(folder, 'lima/data'),
  }));
  const user = env['HOME'] || env['USERPROFILE'] || homedir();
  const others = (env['PATH'] ?? '')
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => ({
      program: join(folder, file),
      home: env['LIMA_HOME'] || join(user, '.lima'),
    }));
  const first = others.find(({ program }) => isProgram(program));
  return [...own.filter(({ program }) => isProgram(program)), ...(first ? [first] : [])];
}

/** The folders that have `bin/finch` and `lima/bin/limactl`. */
function usualInstalls(): readonly string[] {
  const own = dirname(dirname(realpathSync(process.execPath)));
  if (process.platform === 'darwin') return [own, '/Applications/Finch'];
  if (process.platform === 'win32') return [own, 'C:\\Program Files\\Finch'];
  return [own];
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

async function statusOf(
  lima: Lima,
  { env }: LimaOptions,
  abort: AbortOptions,
): Promise<string | undefined> {
  const args = ['ls', '-f', '{{.Status}}', INSTANCE];
  const run = await runLima(lima, args, { env, timeoutMs: ASK_MS, ...abort });
  const said = excerpt(new TextDecoder().decode(run.stdout));
  if (run.status === 0) return said === '' ? undefined : said;
  if (NO_INSTANCE.test(new TextDecoder().decode(run.stderr))) return undefined;
  throw new FinchError('VM', `cannot ask Lima for the virtual machine: ${endOf(lima, run)}`, {
    hint: `see what it says to: LIMA_HOME=${lima.home} ${lima.program} ls`,
  });
}

interface ActOptions extends LimaOptions, AbortOptions {
  readonly timeoutMs: number;
}

async function act(lima: Lima, args: readonly string[], options: ActOptions): Promise<void> {
  const run = await runLima(lima, args, options);
  if (run.status === 0) return;
  const tail = new TextDecoder().decode(run.stderr).trimEnd().split('\n').slice(-TAIL_LINES);
  for (const line of tail.filter((text) => text.trim() !== '')) {
    options.report(`limactl: ${redactText(printable(line))}`);
  }
  const [verb] = args;
  throw new FinchError('VM', `cannot ${verb} the virtual machine: ${endOf(lima, run)}`, {
    hint: `see ${join(lima.home, INSTANCE, 'ha.stderr.log')}, and then try: finch vm ${verb}`,
  });
}

function runLima(
  { program, home }: Lima,
  args: readonly string[],
  { env, ...options }: { env: LimaOptions['env']; timeoutMs: number } & AbortOptions,
): Promise<ProgramRun> {
  const path = [dirname(program), env['PATH']].filter(Boolean).join(delimiter);
  // The machine's processes outlive this one, and have no use for the user's keys.
  const kept = Object.entries(env).filter(([name]) => !/^AWS_|SECRET|PASSWORD|TOKEN/i.test(name));
  return runProgram(program, args, {
    ...options,
    env: { ...Object.fromEntries(kept), PATH: path, LIMA_HOME: home },
    stdin: new Uint8Array(),
  });
}

function endOf({ program }: Lima, { status, fault }: ProgramRun): string {
  return `${program} ${fault ?? `ended with exit status ${status}`}`;
}
