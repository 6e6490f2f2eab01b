import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finchBinary, finchEnvironment } from '../e2e/support/finch.ts';
import { firstLine } from '../e2e/support/first-line.ts';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { temporaryFolder } from '../support/temporary.ts';
import type { Load } from './server-load.ts';

// A crowd at `finch registry serve` and at docker-registry, in turns on the same machine: 1,000 clients
// that pull a blob of 1 MiB at once, and 100 that push an image each. `bun test/bench/server.ts [ROUNDS]`.

const ROUNDS = Number(process.argv[2] ?? 5);
const CROWDS = [
  { what: 'pull, connections kept', clients: 1000 },
  { what: 'pull, fresh connections', clients: 1000 },
  { what: 'push', clients: 100 },
] as const;
const MIB = 1024 * 1024;

interface Server {
  readonly name: string;
  readonly host: string;
  readonly pid: number;
}

await using folder = await temporaryFolder();
const child = Bun.spawn([finchBinary, 'registry', 'serve', '--listen', '127.0.0.1:0'], {
  env: finchEnvironment(join(folder.path, 'home')),
  ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' },
});
const host = (await firstLine(child.stdout)).replace('listening on http://', '');
await using docker = await startDockerRegistry({ fastOn: freePort() });
const servers: readonly Server[] = [
  { name: 'finch', host, pid: child.pid },
  { name: 'docker-registry', host: docker.host, pid: docker.pid },
];
for (const server of servers) await load(server, 'seed', 1);
let failed = 0;
for (const { what, clients } of CROWDS) await compare(what, clients);
child.kill();
await child.exited;
process.exitCode = failed > 0 ? 1 : 0;

function freePort(): number {
  using listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  return listener.port;
}

async function compare(what: string, clients: number): Promise<void> {
  say(`${what}, ${clients} at once, ${ROUNDS} rounds:`);
  const speeds = new Map<Server, number[]>(servers.map((server) => [server, []]));
  const peaks = new Map<Server, number>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
      await resetPeak(server);
      const { errors, bytes, seconds } = await load(server, what, clients);
      failed += errors.length;
      if (errors.length > 0) say(`  ${server.name}: ${errors.length} ERRORS, first: ${errors[0]}`);
      speeds.get(server)?.push(bytes / MIB / seconds);
      peaks.set(server, Math.max(peaks.get(server) ?? 0, await memory(server, 'VmHWM')));
    }
  }
  for (const server of servers) {
    const speed = median(speeds.get(server) ?? [])
      .toFixed(0)
      .padStart(6);
    const rss = (await memory(server, 'VmRSS')).toFixed(0);
    const peak = (peaks.get(server) ?? 0).toFixed(0);
    say(`  ${server.name.padEnd(16)}${speed} MiB/s, ${peak} MiB at its peak, ${rss} MiB after`);
  }
  const [ours, theirs] = servers.map((server) => median(speeds.get(server) ?? []));
  say(`  finch has ${((ours ?? 0) / (theirs ?? 1)).toFixed(2)} times docker-registry's throughput`);
}

async function load(server: Server, what: string, clients: number): Promise<Load> {
  const program = join(import.meta.dir, 'server-load.ts');
  const client = Bun.spawn([process.execPath, program, server.host, what, `${clients}`], {
    ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' },
  });
  return JSON.parse(await client.stdout.text()) as Load;
}

/** https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html */
async function resetPeak({ pid }: Server): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

/** MiB. */
async function memory({ pid }: Server, field: 'VmHWM' | 'VmRSS'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s*(\\d+)`).exec(status)?.[1]) / 1024;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
