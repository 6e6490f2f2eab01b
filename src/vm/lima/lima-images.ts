/** A disk image that Lima may start a machine from. https://github.com/lima-vm/lima/blob/v2.1.3/templates/default.yaml */
export interface LimaImage {
  readonly location: string;
  readonly arch: string;
  readonly digest?: string;
}

const UBUNTU = 'https://cloud-images.ubuntu.com/releases/noble';

/**
 * Ubuntu 24.04, for virtual machines: one release by its digest, and what came after it for the time when that is
 * gone from the server. https://github.com/lima-vm/lima/blob/v2.1.3/templates/_images/ubuntu-24.04.yaml
 */
export const CLOUD_IMAGES: readonly LimaImage[] = [
  {
    location: `${UBUNTU}/release-20260518/ubuntu-24.04-server-cloudimg-amd64.img`,
    arch: 'x86_64',
    digest: 'sha256:53fdde898feed8b027d94baa9cfe8229867f330a1d9c49dc7d84465ee7f229f7',
  },
  {
    location: `${UBUNTU}/release-20260518/ubuntu-24.04-server-cloudimg-arm64.img`,
    arch: 'aarch64',
    digest: 'sha256:6a61b967ba4a27dd1966f835a67643073ed55c2860ce3dc1cb0517282e6b8bec',
  },
  { location: `${UBUNTU}/release/ubuntu-24.04-server-cloudimg-amd64.img`, arch: 'x86_64' },
  { location: `${UBUNTU}/release/ubuntu-24.04-server-cloudimg-arm64.img`, arch: 'aarch64' },
];

/**
 * Finch's root file system for the Linux of Windows.
 * https://github.com/lima-vm/lima/blob/v2.1.3/templates/experimental/wsl2.yaml
 */
export const WSL_IMAGES: readonly LimaImage[] = [
  {
    location:
      'https://deps.runfinch.com/common/x86-64/finch-rootfs-production-amd64-1771357941.tar.gz',
    arch: 'x86_64',
    digest: 'sha256:423d1a0f1cabeaea6801995c90ed896dccc091180068626430f19fd87853fdf3',
  },
];
