import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cniFolder, enginePath, enginePrograms } from './programs.ts';

/** What of the system is run beside {@link enginePrograms}. */
const SYSTEM = ['containerd', 'containerd-shim-runc-v2', 'ctr', 'runc', 'iptables', 'busybox'];

/**
 * Makes a container as containerd would: its files are an overlay, it has cgroups and namespaces of its own. Then
 * the rules of a packet filter are read as the plugins for networks do. All of it in namespaces of mounts and
 * networks that go away.
 */
const PROBE = `set -e
mkdir lower upper work rootfs
cp "$(command -v busybox)" lower/busybox
mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay rootfs
runc spec
sed -i -e 's/"terminal": true/"terminal": false/' -e 's/"sh"/"\\/busybox", "true"/' config.json
runc --root "$PWD/state" run "finch-probe-$$"
iptables --table nat --list --numeric
`;

/** Whether containers can be run and built here: by root, with all of {@link enginePrograms} that it takes, and a kernel that lets us. */
export const canRunEngine: boolean = hasPrograms() && isAllowed();

function hasPrograms(): boolean {
  const isThere = (name: string, path: string) => Bun.which(name, { PATH: path }) !== null;
  return (
    process.getuid?.() === 0 &&
    SYSTEM.every((name) => isThere(name, enginePath)) &&
    ['nerdctl', 'buildctl', 'buildkitd'].every((name) => isThere(name, enginePath)) &&
    isThere('bridge', cniFolder)
  );
}

function isAllowed(): boolean {
  const cwd = mkdtempSync(join(tmpdir(), 'finch-test-'));
  try {
    return Bun.spawnSync(['unshare', '--mount', '--net', 'sh', '-c', PROBE], {
      ...{ cwd, env: { PATH: enginePath }, timeout: 10_000 },
    }).success;
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}
