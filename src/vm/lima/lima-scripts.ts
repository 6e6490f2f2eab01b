import type { Snapshotter } from '../../config/finch-yaml-shape.ts';

/** A script that Lima runs in the machine whenever that boots. */
export interface LimaScript {
  readonly mode: 'system';
  readonly script: string;
}

/** Folders of the data disk, and where the engine expects what is in them. Finch's disks have been laid out so. */
const FOLDERS = [
  ['containerd', '/var/lib/containerd'],
  ['nerdctl', '/var/lib/nerdctl'],
  ['buildkit', '/var/lib/buildkit'],
  ['cni', '/var/lib/cni'],
  ['cni-config', '/etc/cni'],
  ['soci-snapshotter-grpc', '/var/lib/soci-snapshotter-grpc'],
];

/**
 * Puts what the engine keeps on the data disk. Each boot begins without these mounts, and the engine is up before
 * the script is run. Addresses that containers had before are free again: none of them runs.
 */
export const DATA_DISK_SCRIPT: LimaScript = {
  mode: 'system',
  script: `#!/bin/sh
set -eu
disk=/mnt/lima-finch
mountpoint -q "$disk"
mountpoint -q /var/lib/containerd && exit 0
systemctl stop buildkit stargz-snapshotter containerd || true
while read -r folder target; do
  mkdir -p "$disk/$folder" "$target"
  mountpoint -q "$target" || mount --bind "$disk/$folder" "$target"
done <<'END'
${FOLDERS.map((pair) => pair.join(' ')).join('\n')}
END
rm -rf /var/lib/cni/networks/*/[0-9]* /var/lib/cni/results/*
systemctl start containerd buildkit
`,
};

/** What a bridge of containers needs of the kernel. */
export const NETWORK_SCRIPT: LimaScript = {
  mode: 'system',
  script: `#!/bin/sh
set -eu
modprobe br_netfilter
cat > /etc/sysctl.d/99-finch.conf <<'END'
net.bridge.bridge-nf-call-iptables = 1
net.bridge.bridge-nf-call-ip6tables = 1
net.ipv4.ip_forward = 1
END
sysctl --system
`,
};

/** The SOCI snapshotter that is installed, by its checksums. https://github.com/awslabs/soci-snapshotter/releases/tag/v0.5.0 */
const SOCI = {
  version: '0.5.0',
  amd64: '768f73dbd2c772386df1d12d0a371e9cbcefebea4856623335a2e8ea5170691c',
  arm64: '9238e00426ec67a725d511e232476248f2379d66a4ccab224a50ad4c56a0292e',
};

const SOCI_SCRIPT: LimaScript = {
  mode: 'system',
  script: `#!/bin/sh
set -eu
case "$(uname -m)" in
x86_64) arch=amd64 sum=${SOCI.amd64} ;;
*) arch=arm64 sum=${SOCI.arm64} ;;
esac
if [ ! -x /usr/local/bin/soci-snapshotter-grpc ]; then
  folder="$(mktemp -d)"
  trap 'rm -rf "$folder"' EXIT
  name="soci-snapshotter-${SOCI.version}-linux-$arch.tar.gz"
  curl -fsSL --retry 2 --retry-max-time 120 -o "$folder/$name" \\
    "https://github.com/awslabs/soci-snapshotter/releases/download/v${SOCI.version}/$name"
  echo "$sum  $folder/$name" | sha256sum -c
  tar -C /usr/local/bin -xzf "$folder/$name" ./soci ./soci-snapshotter-grpc
fi
cat > /etc/systemd/system/soci-snapshotter.service <<'END'
[Unit]
After=network.target
PartOf=containerd.service
[Service]
ExecStart=/usr/local/bin/soci-snapshotter-grpc
Restart=always
[Install]
WantedBy=multi-user.target
END
mkdir -p /etc/containerd/conf.d
cat > /etc/containerd/conf.d/finch-soci.toml <<'END'
version = 2
[proxy_plugins.soci]
  type = "snapshot"
  address = "/run/soci-snapshotter-grpc/soci-snapshotter-grpc.sock"
END
grep -qs conf.d /etc/containerd/config.toml ||
  sed -i "1i imports = ['/etc/containerd/conf.d/*.toml']" /etc/containerd/config.toml
systemctl daemon-reload
systemctl enable --now soci-snapshotter
systemctl restart containerd
`,
};

/** BuildKit is to use the first snapshotter. Lima tells it only once, when it makes the machine. */
function buildkitScript(snapshotter: Snapshotter): LimaScript {
  return {
    mode: 'system',
    script: `#!/bin/sh
set -eu
file=/etc/buildkit/buildkitd.toml
[ -e "$file" ] || exit 0
grep -q '^ *snapshotter = "${snapshotter}"$' "$file" && exit 0
sed -i 's/^\\( *snapshotter = \\).*/\\1"${snapshotter}"/' "$file"
systemctl restart buildkit
`,
  };
}

/** The scripts that install snapshotters, of which the engine brings `overlayfs` itself, and choose the first. */
export function snapshotterScripts(snapshotters: readonly Snapshotter[]): readonly LimaScript[] {
  const installs = snapshotters.includes('soci') ? [SOCI_SCRIPT] : [];
  return [...installs, buildkitScript(snapshotters[0] ?? 'overlayfs')];
}
