import type { App } from '../app.ts';
import type { BundleSource, SourcesOptions } from '../bundle/bundle-sources.ts';
import { FinchError } from '../errors.ts';
import { installFolder } from '../host/own-program.ts';
import { commit, version } from '../version.ts';
import type { Machine, MachineState } from '../vm/machine.ts';
import type { Command, Invocation } from './command.ts';

/** `finch support-bundle generate`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Writes finch-support-YYYYMMDDhhmmss.zip into this folder: logs of Lima, of the services in the machine and of the bridge, finch.yaml, and versions. Secrets, keys, addresses, ports and your user name are taken out; logins and the files that hold them are never part of it.',
  flags: [
    {
      name: 'include',
      value: 'FILE',
      summary: 'one more file, vm:FILE of the machine, or service:NAME for a journal',
    },
    {
      name: 'exclude',
      value: 'FILE',
      summary: 'leave out a file, by path or base name, service:NAME, or service:all',
    },
    {
      name: 'num-lines',
      short: 'n',
      value: 'COUNT',
      summary: 'how many lines of the journal of each service (default 100)',
    },
  ],
  examples: [
    { line: 'finch support-bundle generate', what: 'collect what a report needs' },
    {
      line: 'finch support-bundle generate --include service:sshd --exclude lima.yaml',
      what: 'with one journal more, and without one file',
    },
  ],
  async run(app, invocation) {
    const { signal } = invocation;
    const { host, talk } = app;
    const lines = lineCount(invocation);
    const { machine, state } = await machineOf(app, invocation);
    if (machine?.kind === 'lima' && state?.status === 'Nonexistent') throw noMachine();
    const { usualSources, includedSource } = await import('../bundle/bundle-sources.ts');
    const { collectFiles } = await import('../bundle/collect-files.ts');
    const { writeBundle } = await import('../bundle/write-bundle.ts');
    talk.note('Generating support bundle...');
    const options: SourcesOptions = { home: host.home, machine, state, lines };
    const sources: readonly BundleSource[] = [
      ...(await usualSources(options)),
      ...invocation.list('include').map((label) => includedSource(label, options)),
    ];
    const redact = await redactor();
    const files = await collectFiles(sources, {
      ...{ exclude: invocation.list('exclude'), redact, signal },
      report: (line) => talk.note(line),
    });
    const isUp = state?.status === 'Running';
    const versions = await versionsOf(app, { signal, isUp, redact });
    const about = [
      ['platform.yaml', await platformYaml()],
      ['version-output.txt', versions],
    ] as const;
    const now = host.now();
    const name = await writeBundle([...about, ...files], { folder: process.cwd(), now, signal });
    talk.note('Files posted on a Github issue can be read by anyone.');
    talk.note('Please ensure there is no sensitive information in the bundle before uploading.');
    talk.note('By default, this bundle contains basic logs and configs for Finch.');
    return { kind: 'lines', lines: [`Bundle created: ${name}`] };
  },
};

function lineCount({ text }: Invocation): number {
  const given = text('num-lines') ?? '100';
  const count = /^-?\d{1,9}$/.test(given) ? Number(given) : undefined;
  const hint = 'say for example: finch support-bundle generate --num-lines 500';
  if (count === undefined) throw new FinchError('USAGE', '--num-lines is not a number', { hint });
  if (count >= 0) return count;
  const message = `num-lines cannot be less than zero (provided value: ${count})`;
  throw new FinchError('USAGE', message, { hint });
}

/** A machine of which nobody knows how it is has logs that tell why; and so has a finch.yaml that is wrong. */
async function machineOf(
  app: App,
  { signal }: Invocation,
): Promise<{ readonly machine: Machine | undefined; readonly state: MachineState | undefined }> {
  let machine: Machine | undefined;
  try {
    machine = await app.machine();
    return { machine, state: await machine.state({ signal }) };
  } catch (error) {
    if (!(error instanceof FinchError)) throw error;
    signal.throwIfAborted();
    app.talk.note(`the state of the machine is not known: ${error.message}`);
    return { machine, state: undefined };
  }
}

function noMachine(): FinchError {
  const message =
    'cannot create support bundle for nonexistent VM, run `finch vm init` to create a new instance';
  return new FinchError('VM', message, { hint: 'make the virtual machine with: finch vm init' });
}

async function redactor(): Promise<(text: string) => string> {
  const { bundleRedactor } = await import('../bundle/redact-bundle.ts');
  const { homedir, hostname, userInfo } = await import('node:os');
  const { basename } = await import('node:path');
  let user = basename(homedir());
  try {
    user = userInfo().username;
  } catch {
    // This user has a number alone.
  }
  return bundleRedactor({ install: installFolder(), user, hostName: hostname() });
}

async function platformYaml(): Promise<string> {
  const { release } = await import('node:os');
  return `os: ${process.platform} ${release()}\narch: ${process.arch}\nfinch: v${version}\n`;
}

interface VersionsOptions extends Pick<Invocation, 'signal'> {
  readonly isUp: boolean;
  readonly redact: (text: string) => string;
}

/** What `finch version` says, and nerdctl in a machine that is up. */
async function versionsOf(app: App, { signal, isUp, redact }: VersionsOptions): Promise<string> {
  const own = `finch version v${version}\ncommit ${commit}\n`;
  if (!isUp) return `${own}the machine is not running\n`;
  try {
    const run = await (await app.engine()).capture(['version'], { signal, timeoutMs: 20_000 });
    const [out, err] = [run.stdout, run.stderr].map((bytes) => new TextDecoder().decode(bytes));
    return own + redact(`${out}${err}`);
  } catch (error) {
    if (!(error instanceof FinchError)) throw error;
    return `${own}${redact(error.message)}\n`;
  }
}
