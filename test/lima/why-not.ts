import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { finchBinary } from '../e2e/support/finch.ts';
import { go } from '../support/go-modules.ts';

/** The programs that a run wants, and the package of Debian's that has each. */
const PROGRAMS = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  'mkfs.ext4': 'e2fsprogs',
  ssh: 'openssh-client',
  sshfs: undefined,
} as const;

/** Why a run cannot be made here, as the end of a sentence; undefined when it can. */
export function whyNot(cache: string | undefined, user: string | undefined): string | undefined {
  const isRoot = process.getuid?.() === 0;
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return 'it is made for Linux on x86-64';
  if (cache === undefined) return 'say where to keep what is built: bun test/lima/run.ts CACHE';
  if (isRoot && user === undefined) return 'limactl does nothing for root: name a user with --user';
  if (!isRoot && user !== undefined) return 'only root may name another user with --user';
  if (!existsSync(finchBinary)) return 'finch is not built: bun build.ts';
  for (const [program, name] of Object.entries(PROGRAMS)) {
    if (name !== undefined && !has(program)) return `${program} is not installed: package ${name}`;
  }
  if (go === null) return 'Go is not installed';
  if (existsSync(join(cache, 'image/disk.qcow2'))) return undefined;
  if (!isRoot) return 'root has to make the disk image first, by running this once with --user';
  return has('debootstrap') ? undefined : 'debootstrap is not installed: package debootstrap';
}

function has(program: string): boolean {
  return Bun.which(program, { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` }) !== null;
}
