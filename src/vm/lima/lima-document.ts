import { stringify } from 'yaml';
import type { MachineSettings, VmType } from '../../config/machine-settings.ts';
import { DOCUMENT_HEAD } from './document-head.ts';
import { DATA_DISK } from './lima-disk.ts';
import type { LimaHost } from './lima-host.ts';
import { CLOUD_IMAGES, WSL_IMAGES } from './lima-images.ts';
import { limaMounts } from './lima-mounts.ts';
import { DATA_DISK_SCRIPT, NETWORK_SCRIPT, snapshotterScripts } from './lima-scripts.ts';
import { limaSize } from './lima-size.ts';

/** What Lima is told of a machine, by its own names. https://github.com/lima-vm/lima/blob/v2.1.3/templates/default.yaml */
export type LimaDocument = Readonly<Record<string, unknown>>;

/**
 * What `finch.yaml` may change of a machine that is there, whenever it starts. The rest is as it was made: its
 * image, its kind, its file sharing, Rosetta.
 */
export const STARTED_WITH = [
  ...['cpus', 'memory', 'disk', 'mounts', 'mountInotify', 'env', 'networks'],
  ...['additionalDisks', 'portForwards', 'provision'],
] as const;

const MOUNT_TYPES: Readonly<Record<VmType, string>> = {
  vz: 'virtiofs',
  qemu: 'reverse-sshfs',
  wsl2: 'wsl2',
};

/** The socket of the machine on which credentials are asked for; only its user's, and root's. */
const GUEST_SOCKET = '/run/user/{{.UID}}/finch-creds.sock';

/** What Lima is told of finch's machine. The same settings on the same host give the same. */
export function limaDocument(settings: MachineSettings, host: LimaHost): LimaDocument {
  const { vmType, cpus, memory, bootDisk, snapshotters } = settings;
  const isWsl = vmType === 'wsl2';
  return {
    vmType,
    arch: host.arch === 'arm64' ? 'aarch64' : 'x86_64',
    images: isWsl ? WSL_IMAGES : CLOUD_IMAGES,
    cpus,
    memory: limaSize(memory),
    disk: limaSize(bootDisk),
    mountType: MOUNT_TYPES[vmType],
    mounts: limaMounts(settings, host),
    mountInotify: settings.mountInotify,
    rosetta: { enabled: settings.rosetta, binfmt: settings.rosetta },
    networks: networksOf(settings),
    additionalDisks: isWsl ? [] : [{ name: DATA_DISK }],
    containerd: { system: true, user: false },
    ssh: {
      ...{ localPort: 0, loadDotSSHPubKeys: false, forwardAgent: false },
      ...(vmType === 'vz' && { overVsock: false }),
    },
    env: {
      // The one that BuildKit is set up with, and what the engine is asked to use.
      CONTAINERD_NAMESPACE: 'finch',
      CONTAINERD_SNAPSHOTTER: snapshotters[0] ?? 'overlayfs',
    },
    provision: [
      NETWORK_SCRIPT,
      ...(isWsl ? [] : [DATA_DISK_SCRIPT]),
      ...snapshotterScripts(snapshotters),
    ],
    portForwards: isWsl
      ? []
      : [{ guestSocket: GUEST_SOCKET, hostSocket: host.socket, reverse: true }],
  };
}

function networksOf({ vmnet, vmType }: MachineSettings): readonly object[] {
  if (!vmnet) return [];
  if (vmType === 'vz') return [{ vzNAT: true }];
  return vmType === 'qemu' ? [{ lima: 'shared' }] : [];
}

/** A document as the text of a file. */
export function limaText(document: LimaDocument): string {
  return DOCUMENT_HEAD + stringify(document, { lineWidth: 0 });
}
