import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from './run-command.ts';

/** A disk of Debian 12, and what boots it without a boot loader. */
export interface GuestImage {
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** What the image has of Debian: a system with systemd, what Lima asks of a guest, and an engine. */
const PACKAGES = [
  ...['systemd', 'systemd-sysv', 'libpam-systemd', 'dbus', 'dbus-user-session', 'udev'],
  ...['systemd-resolved', 'netplan.io', 'iproute2', 'netbase', 'openssh-server', 'sudo'],
  ...['linux-image-amd64', 'initramfs-tools', 'kmod', 'procps', 'e2fsprogs', 'fdisk'],
  ...['cloud-init', 'cloud-guest-utils', 'isc-dhcp-client', 'sshfs', 'fuse3', 'uidmap', 'rsync'],
  ...['curl', 'ca-certificates', 'iptables', 'containerd', 'runc', 'containernetworking-plugins'],
];

/** Only what Lima's document for cloud-init has in it: each module more is seconds of an emulated machine. */
const CLOUD_INIT = `datasource_list: [NoCloud, None]
system_info: {network: {renderers: [netplan]}}
ssh_genkeytypes: [ed25519]
cloud_init_modules: [seed_random, write-files, growpart, resizefs, mounts, set_hostname, update_hostname, ca-certs, users-groups, ssh]
cloud_config_modules: [timezone, runcmd]
cloud_final_modules: [write-files-deferred, scripts-per-boot, final-message]
`;

/** What of Debian's own housekeeping is left out. */
const MASKED = [
  ...['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'fstrim.timer'],
  ...['e2scrub_all.timer', 'e2scrub_reap.service', 'systemd-networkd-wait-online.service'],
];

/** The modules that the disk and the file system need, and no others: a small initrd unpacks quickly. */
const BOOT_MODULES = ['virtio_pci', 'virtio_blk', 'virtio_scsi', 'virtio_net', 'ext4'];

/**
 * Makes the image in `folder`, unless it is there: from the Debian mirror that this machine's own apt uses.
 * Wants root, and two minutes.
 */
export async function buildImage(folder: string): Promise<GuestImage> {
  const paths = { disk: 'disk.qcow2', kernel: 'vmlinuz', initrd: 'initrd' };
  const image = {
    disk: join(folder, paths.disk),
    kernel: join(folder, paths.kernel),
    initrd: join(folder, paths.initrd),
  };
  if (existsSync(image.disk)) return image;
  const root = join(folder, 'root');
  await rm(root, { recursive: true, force: true });
  await mkdir(root, { recursive: true });
  const mirror = await debianMirror();
  const long = { timeoutMs: 900_000, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  await mustRun(['nice', 'debootstrap', '--variant=minbase', 'bookworm', root, mirror], long);
  const inside = (...command: string[]) => mustRun(['nice', 'chroot', root, ...command], long);
  // Packages' own scripts want it, and apt knows which other packages these want, as debootstrap does not.
  await mustRun(['mount', '-t', 'proc', 'proc', join(root, 'proc')]);
  try {
    await cp('/etc/resolv.conf', join(root, 'etc/resolv.conf'), { dereference: true });
    await mkdir(join(root, 'etc/initramfs-tools'), { recursive: true });
    await inside('apt-get', 'update');
    await inside('apt-get', 'install', '-y', '--no-install-recommends', ...PACKAGES);
    await configure(root, inside);
  } finally {
    await mustRun(['umount', join(root, 'proc')]);
  }
  await writeDisk(root, image);
  return image;
}

async function configure(
  root: string,
  inside: (...command: string[]) => Promise<string>,
): Promise<void> {
  const put = (path: string, text: string) => writeFile(join(root, path), text);
  await put('etc/fstab', 'LABEL=root / ext4 defaults 0 1\n');
  await put('etc/fuse.conf', 'user_allow_other\n');
  await put('etc/machine-id', '');
  await put('etc/cloud/cloud.cfg.d/99-finch.cfg', CLOUD_INIT);
  await put('etc/initramfs-tools/modules', `${BOOT_MODULES.join('\n')}\n`);
  await put('etc/initramfs-tools/conf.d/finch', 'MODULES=list\n');
  await inside('update-initramfs', '-u');
  // Lima itself says when the engine starts.
  await inside('systemctl', 'disable', 'containerd');
  await inside('systemctl', 'enable', 'systemd-networkd', 'systemd-resolved', 'ssh');
  await inside('systemctl', 'mask', ...MASKED);
  await inside('apt-get', 'clean');
  await inside('sh', '-c', 'rm -f /etc/ssh/ssh_host_* && rm -rf /var/lib/apt/lists/*');
  await inside('ln', '-sf', '/run/systemd/resolve/stub-resolv.conf', '/etc/resolv.conf');
}

/** Files become a file system without being mounted, and that a disk. */
async function writeDisk(root: string, { disk, kernel, initrd }: GuestImage): Promise<void> {
  const boot = join(root, 'boot');
  const files = await readdir(boot);
  const newest = (prefix: string) =>
    join(
      boot,
      files
        .filter((name) => name.startsWith(prefix))
        .sort()
        .at(-1) ?? prefix,
    );
  await cp(newest('vmlinuz-'), kernel);
  await cp(newest('initrd.img-'), initrd);
  const raw = `${disk}.raw`;
  await mustRun(['truncate', '-s', '3G', raw]);
  await mustRun(['nice', 'mkfs.ext4', '-q', '-F', '-L', 'root', '-d', root, raw], {
    timeoutMs: 600_000,
  });
  const unfinished = `${disk}.new`;
  await mustRun(['nice', 'qemu-img', 'convert', '-O', 'qcow2', raw, unfinished], {
    timeoutMs: 600_000,
  });
  await rename(unfinished, disk);
  await rm(raw);
  await rm(root, { recursive: true, force: true });
}

/** The first mirror of this machine's own apt. */
async function debianMirror(): Promise<string> {
  const folder = '/etc/apt/sources.list.d';
  const names = existsSync(folder) ? await readdir(folder) : [];
  const paths = ['/etc/apt/sources.list', ...names.sort().map((name) => join(folder, name))];
  for (const path of paths.filter((one) => existsSync(one))) {
    const text = await readFile(path, 'utf8');
    const found = /^(?:URIs:|deb)\s+(?:\[[^\]]*\]\s*)?(\S*debian\/?)(?:\s|$)/m.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error('no Debian mirror in the sources of apt');
}
