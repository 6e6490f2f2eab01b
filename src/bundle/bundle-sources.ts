import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { finchYamlPath } from '../config/finch-yaml.ts';
import type { AbortOptions } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import { plainEnvironment } from '../host/plain-environment.ts';
import { runProgram } from '../host/run-program.ts';
import { excerpt } from '../text.ts';
import type { Machine, MachineState } from '../vm/machine.ts';
import { machineFolder } from '../vm/machine-folder.ts';
import { readTail } from './read-tail.ts';
import { holdsLogins, isSecretFile } from './secret-file.ts';

/** A text that goes into a bundle. */
export interface BundleSource {
  /** How the user knows it: a path, `vm:PATH`, `service:NAME`. */
  readonly label: string;
  /** Where it is in the bundle. */
  readonly folder: 'logs' | 'logs/journalctl' | 'configs' | 'misc';
  /** @throws FinchError when it cannot be had, or is a file of logins */
  read(options: AbortOptions): Promise<string>;
}

/** Around which sources are found. */
export interface SourcesOptions {
  readonly home: string;
  /** Undefined when it cannot be told where it is. */
  readonly machine: Machine | undefined;
  /** Undefined when it is not known. */
  readonly state: MachineState | undefined;
  /** Lines of a service's journal. */
  readonly lines: number;
}

/** The most of one file that goes into a bundle: its end, 1 MiB. */
const MAX_FILE_BYTES = 1024 * 1024;

const JOURNAL_MS = 20_000;

const SERVICES = ['containerd', 'buildkit', 'soci'];

/** What Lima writes of its machine. */
const LIMA_LOG = /^(?:ha\.std(?:err|out)|serial\w*)\.log$/;
const MAX_LIMA_LOGS = 10;

/** What every bundle has: logs of Lima, of the bridge and of the services in the machine, and configurations. */
export async function usualSources(options: SourcesOptions): Promise<readonly BundleSource[]> {
  const { home, machine, state } = options;
  const details = machine?.kind === 'lima' ? state?.details : undefined;
  const folder = typeof details?.['Dir'] === 'string' ? details['Dir'] : undefined;
  const canAsk = machine?.kind === 'native' || state?.status === 'Running';
  return [
    ...(folder === undefined ? [] : await limaSources(folder)),
    ...[machineFolder(home).log].filter(existsSync).map((path) => fileSource(path, 'logs')),
    ...(canAsk ? SERVICES : []).map((name) => serviceSource(name, options)),
    finchYamlSource(home),
  ];
}

async function limaSources(folder: string): Promise<readonly BundleSource[]> {
  const names = await readdir(folder).catch(() => []);
  const logs = names.filter((name) => LIMA_LOG.test(name)).sort();
  return [
    ...logs.slice(0, MAX_LIMA_LOGS).map((name) => fileSource(join(folder, name), 'logs')),
    fileSource(join(folder, 'lima.yaml'), 'configs'),
  ];
}

/** What the user asked for besides: a file, `vm:PATH` in the machine, or `service:NAME`. */
export function includedSource(label: string, options: SourcesOptions): BundleSource {
  const [, kind, rest = ''] = /^(vm|service):(.+)$/.exec(label) ?? [];
  if (kind === 'service') return serviceSource(rest, options);
  if (kind === 'vm') return machineSource(rest, options);
  return { ...fileSource(resolve(label), 'misc'), label };
}

function fileSource(path: string, folder: BundleSource['folder']): BundleSource {
  return {
    label: path,
    folder,
    async read() {
      if (isSecretFile(path)) throw secretFile();
      // A link may have any name.
      const target = await realpath(path).catch(() => path);
      if (isSecretFile(target)) throw secretFile();
      return withoutLogins(await readTail(path, MAX_FILE_BYTES));
    },
  };
}

/** What the user has noted in it, whose accounts it names and what finch does not know are nobody's business. */
function finchYamlSource(home: string): BundleSource {
  const path = finchYamlPath(home);
  return {
    label: path,
    folder: 'configs',
    async read() {
      const { readTextFile } = await import('../config/text-file.ts');
      const { maskedYaml } = await import('../config/masked-yaml.ts');
      const { configKeys } = await import('../config/keys.ts');
      const shown = configKeys.map((key) => String(key.path[0]));
      const text = await readTextFile(path);
      if (text === undefined) return '# there is no finch.yaml\n';
      try {
        return maskedYaml(text, { shown });
      } catch (error) {
        if (hasCode(error, 'CONFIG_INVALID')) return `# it is not YAML: ${error.message}\n`;
        throw error;
      }
    },
  };
}

function serviceSource(name: string, { machine, lines }: SourcesOptions): BundleSource {
  const words = ['journalctl', '--no-pager', '-n', String(lines), '-xu', name];
  return {
    label: `service:${name}`,
    folder: 'logs/journalctl',
    read: (abort) => outputOf(machine, words, abort),
  };
}

function machineSource(path: string, { machine }: SourcesOptions): BundleSource {
  return {
    label: `vm:${path}`,
    folder: 'misc',
    async read(abort) {
      if (isSecretFile(path)) throw secretFile();
      const words = ['tail', '-c', String(MAX_FILE_BYTES), '--', path];
      return withoutLogins(await outputOf(machine, words, abort));
    },
  };
}

/** What a program in the machine writes. */
async function outputOf(
  machine: Machine | undefined,
  words: readonly string[],
  abort: AbortOptions,
): Promise<string> {
  if (machine === undefined) throw new FinchError('VM', 'there is no machine to ask');
  const settings = { env: {}, cwd: process.cwd() };
  const { program, args, env } = machine.command(words, settings);
  const run = await runProgram(program, args, {
    ...{
      env: plainEnvironment(env),
      stdin: new Uint8Array(),
      timeoutMs: JOURNAL_MS,
      maxBytes: 4 * MAX_FILE_BYTES,
    },
    ...abort,
  });
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (run.status === 0) return text(run.stdout);
  const why = run.fault ?? (excerpt(text(run.stderr)) || `ended with exit status ${run.status}`);
  throw new FinchError('VM', `${basename(words[0] ?? '')}: ${why}`);
}

function withoutLogins(text: string): string {
  if (holdsLogins(text)) throw secretFile();
  return text;
}

function secretFile(): FinchError {
  return new FinchError('IO', 'files of logins and keys are never part of a bundle');
}
