import { finchBinary, finchEnvironment, finchOk } from '../e2e/support/finch.ts';
import { startUploadLink } from '../soak/upload-link.ts';
import type { Sample } from './measure.ts';
import { type Peer, peers } from './peers.ts';
import type { RowResult } from './results.ts';
import type { Stage } from './stage.ts';

const MIB = 1024 * 1024;

/** Fast enough to take no time, slow enough that the kill comes in the middle. */
const BYTES_PER_SECOND = 400e6;

/**
 * What is sent again when a push of the big image was killed half-way: all that both runs sent, less what the
 * image has. The time is that of the second run.
 */
export async function killed(stage: Stage): Promise<RowResult> {
  const { layers, folder, bytes } = await stage.image('big');
  const half = (layers[0]?.size ?? 0) / 2;
  const registry = await stage.server('registry http');
  const names = ['finch', 'crane', 'oras', 'regctl', 'skopeo'] as const;
  const samples: Record<string, Sample> = {};
  for (const name of names) {
    let first: Bun.Subprocess | undefined;
    await using link = startUploadLink(registry.host, {
      bytesPerSecond: BYTES_PER_SECOND,
      onBytes: (total) => {
        if (total >= half) first?.kill('SIGKILL');
      },
    });
    const { command, env } = await commandOf(name, link.host);
    const run = () =>
      Bun.spawn([...command], { env, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
    first = run();
    await first.exited;
    first = undefined;
    await link.idle();
    const start = performance.now();
    const status = await run().exited;
    if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status} after a kill`);
    const wallMs = performance.now() - start;
    const again = Math.max(0, link.bytesUp - bytes);
    samples[name] = { wallMs, cpuMs: Number.NaN, rssBytes: Number.NaN, bytes: again };
  }
  return {
    ...{ id: 'killed', what: 'big → registry, killed half-way: bytes sent again', samples },
    // A chunk, and what HTTP adds to all that is sent.
    targets: [{ figure: 'bytes', atMost: 16 * MIB + 256 * 1024 }],
  };

  async function commandOf(name: 'finch' | Peer['name'], host: string) {
    const repository = `killed/${name}`;
    if (name === 'finch') {
      const reference = `${host}/${repository}:latest`;
      await finchOk(['tag', 'big:1', reference], { home: stage.home });
      return { command: [finchBinary, 'push', '-q', reference], env: finchEnvironment(stage.home) };
    }
    const source = { kind: 'layout', folder } as const;
    const command = await peers[name].push(source, { host, repository, isPlain: true });
    return { command, env: { PATH: process.env['PATH'], HOME: await stage.newHome() } };
  }
}
