import { chmod, mkdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../host/atomic-file.ts';
import { ioError } from '../host/io-error.ts';
import type { MachineFolder } from '../vm/machine-folder.ts';
import { guestHelper } from './guest-helper.ts';
import { hostsFile } from './hosts-file.ts';

/** What programs in the machine are told of the bridge. */
export interface MachineFilesOptions {
  /** Of its registry, as they reach it. */
  readonly url: string;
  readonly token: string;
  /** This program; undefined when it runs from its source and is no file of its own. */
  readonly program: string | undefined;
}

/** The program in both folders that asks for logins. */
export const HELPER = 'docker-credential-finch';

/**
 * Writes what lets programs in the machine use the bridge: the registry as a mirror of all others for pulls, and
 * finch as the credential helper. What is there as it should be stays untouched.
 * @throws FinchError `IO`
 */
export async function writeMachineFiles(
  folder: MachineFolder,
  { url, token, program }: MachineFilesOptions,
): Promise<void> {
  const { hosts, push, dockerConfig, nativeBin, guestBin } = folder;
  const mirror = hostsFile(url, { capabilities: ['pull', 'resolve'], token });
  try {
    for (const path of [join(hosts, '_default'), push, dockerConfig, nativeBin, guestBin]) {
      await mkdir(path, { recursive: true, mode: 0o700 });
    }
    await keep(join(hosts, '_default', 'hosts.toml'), mirror, 0o600);
    await keep(join(dockerConfig, 'config.json'), '{"credsStore":"finch"}\n', 0o600);
    await keep(join(guestBin, HELPER), guestHelper, 0o755);
    if (program !== undefined) await keepLink(join(nativeBin, HELPER), program);
  } catch (error) {
    throw ioError(error, 'write', folder.path);
  }
}

async function keep(path: string, text: string, mode: number): Promise<void> {
  const found = await readFile(path, 'utf8').catch(() => undefined);
  if (found !== text) await writeFileAtomic(path, new TextEncoder().encode(text), { mode });
  else await chmod(path, mode);
}

async function keepLink(path: string, target: string): Promise<void> {
  if ((await readlink(path).catch(() => undefined)) === target) return;
  const link = join(dirname(path), `.${HELPER}.new`);
  await rm(link, { force: true });
  await symlink(target, link);
  await rename(link, path);
}
