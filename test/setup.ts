// Installs the programs that the tests put beside finch, where there is apt. Runs before the packages
// of this project are there, so it imports nothing but what Bun and this project itself have.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { pythonPrograms, pythonVersions } from './support/aws/python-programs.ts';
import { buildGoModules } from './support/build-go-modules.ts';
import { cniFolder, engineModules, enginePath } from './support/engine/programs.ts';
import { go } from './support/go-modules.ts';
import { registryModules } from './support/registry-programs.ts';

/** A program that the tests run, Debian's package of it, and where it is if not on PATH. */
const wanted = [
  ['docker-registry', 'docker-registry'],
  ['skopeo', 'skopeo'],
  ['umoci', 'umoci'],
  ['buildah', 'buildah'],
  ['htpasswd', 'apache2-utils'],
  ['openssl', 'openssl'],
  // What asks the bridge in a virtual machine.
  ['curl', 'curl'],
  ['strace', 'strace'],
  ['git', 'git'],
  ['hyperfine', 'hyperfine'],
  ['docker-credential-pass', 'golang-docker-credential-helpers'],
  ['docker-credential-secretservice', 'golang-docker-credential-helpers'],
  ['docker-credential-ecr-login', 'amazon-ecr-credential-helper'],
  ['pass', 'pass'],
  ['gpg-agent', 'gnupg'],
  ['gnome-keyring-daemon', 'gnome-keyring'],
  ['dbus-run-session', 'dbus'],
  // For its command line alone: no test needs the daemon.
  ['docker', 'docker.io'],
  ['aws', 'awscli'],
  ['containerd', 'containerd'],
  ['runc', 'runc', enginePath],
  ['bridge', 'containernetworking-plugins', cniFolder],
  ['iptables', 'iptables', enginePath],
  ['busybox', 'busybox-static'],
] as const;

/** What makes a virtual environment for programs of Python. */
const hasVenv = await isGood('python3', '-c', 'import ensurepip, venv');

/** A registry client that some tests hold finch against; it comes from source, so only where Go is. */
const CRANE = 'github.com/google/go-containerregistry/cmd/crane@v0.20.7';

const missing = [
  ...wanted.filter(([program, , PATH]) => Bun.which(program, PATH ? { PATH } : {}) === null),
  ...(hasVenv ? [] : [['python3 -m venv', 'python3-venv'] as const]),
];
const isRoot = process.getuid?.() === 0;

if (missing.length === 0) {
  say('every program that the tests use is here');
} else if (Bun.which('apt-get') === null || (!isRoot && Bun.which('sudo') === null)) {
  const names = missing.map(([program]) => program).join(', ');
  say(`cannot install ${names}: the tests that use them are skipped`);
} else {
  await apt('update');
  await apt('install', '--yes', '--no-install-recommends', ...missing.map(([, name]) => name));
}

const hasCrane = Bun.which('crane') ?? Bun.which('crane', { PATH: join(homedir(), 'go/bin') });
if (hasCrane === null && go !== null) {
  const installed = await run([go, 'install', CRANE]);
  if (installed !== 0) say('no crane: the tests that use it are skipped');
}

const { folder, python, aws, moto } = pythonPrograms;
if (Bun.which(aws) === null || Bun.which(moto) === null) {
  const quiet = ['--quiet', '--disable-pip-version-check'];
  const pip = [python, '-m', 'pip', 'install', ...quiet];
  const hasPython = Bun.which('python3') !== null;
  const isMade = hasPython && (await run(['python3', '-m', 'venv', folder])) === 0;
  const installed = isMade && (await run([...pip, ...pythonVersions])) === 0;
  if (!installed) say(`no ${pythonVersions.join(', ')}: the tests that use them are skipped`);
}

await buildGoModules([...engineModules, ...registryModules], say);

async function apt(...args: readonly string[]): Promise<void> {
  const quiet = ['DEBIAN_FRONTEND=noninteractive', 'apt-get', '--quiet', ...args];
  const command = [...(isRoot ? [] : ['sudo']), 'env', ...quiet];
  const status = await run(command);
  if (status !== 0) process.exit(status);
}

async function isGood(...command: readonly string[]): Promise<boolean> {
  const [program = ''] = command;
  if (Bun.which(program) === null) return false;
  const child = Bun.spawn([...command], { stdout: 'ignore', stderr: 'ignore' });
  return (await child.exited) === 0;
}

async function run(command: readonly string[]): Promise<number> {
  say(command.join(' '));
  const child = Bun.spawn([...command], { stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' });
  return child.exited;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
