import { mkdir } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

/**
 * Writes what nerdctl calls its default network into `folder`, with a bridge and addresses that no other engine of
 * this machine has: nerdctl itself would always take the same.
 * @returns the name of the bridge, which is there from the first container on
 */
export async function writeNetwork(folder: string): Promise<string> {
  const number = freeNumber();
  const bridge = `finch-test${number}`;
  const range = { subnet: `10.4.${number}.0/24`, gateway: `10.4.${number}.1` };
  await mkdir(folder, { recursive: true });
  await Bun.write(
    join(folder, 'nerdctl-bridge.conflist'),
    JSON.stringify({
      cniVersion: '1.0.0',
      name: 'bridge',
      nerdctlID: new Bun.CryptoHasher('sha256').update(bridge).digest('hex'),
      nerdctlLabels: { 'nerdctl/default-network': 'true' },
      plugins: [
        {
          ...{ type: 'bridge', bridge, isGateway: true, ipMasq: true, hairpinMode: true },
          ipam: {
            ...{ type: 'host-local', dataDir: join(folder, 'addresses') },
            ...{ ranges: [[range]], routes: [{ dst: '0.0.0.0/0' }] },
          },
        },
        { type: 'portmap', capabilities: { portMappings: true } },
        { type: 'firewall', ingressPolicy: 'same-bridge' },
        { type: 'tuning' },
      ],
    }),
  );
  return bridge;
}

/** Removes a bridge, if it is there. */
export function removeBridge(name: string): void {
  Bun.spawnSync(['busybox', 'ip', 'link', 'delete', name], { stderr: 'ignore' });
}

/** One from 1 to 254 whose addresses nobody on this machine has. */
function freeNumber(): number {
  const taken = Object.values(networkInterfaces())
    .flat()
    .map((one) => /^10\.4\.(\d+)\./.exec(one?.address ?? '')?.[1]);
  const free = Array.from({ length: 254 }, (_, i) => i + 1).filter(
    (number) => !taken.includes(`${number}`),
  );
  return free[Math.floor(Math.random() * free.length)] ?? 1;
}
