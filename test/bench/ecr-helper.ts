import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installHelper } from '../e2e/support/helper-install.ts';
import { startAws } from '../support/aws/stand-in.ts';

// `bun test/bench/ecr-helper.ts` measures how long docker-credential-ecr-login takes for a password that it
// remembers: finch's beside the official one, run by run in turns, so that what else the machine does meets
// both alike. finch may take twice as long. On a busy machine the best runs say more than the middle ones.

const NAME = 'docker-credential-ecr-login';
const REGISTRY = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';
const RUNS = 200;
const MAX_RATIO = 2;

const official = Bun.which(NAME);
if (official === null) throw new Error(`there is no ${NAME} to compare with`);

const folder = await mkdtemp(join(tmpdir(), 'finch-bench-'));
try {
  await using aws = await startAws();
  const { path: ours } = await installHelper(join(folder, 'bin'), 'symbolic link', { name: NAME });
  const input = join(folder, 'server');
  await Bun.write(input, REGISTRY);
  const env = {
    ...{ PATH: process.env['PATH'], HOME: folder, FINCH_HOME: join(folder, '.finch') },
    ...aws.environment(aws.addUser()),
  };
  const run = async (program: string) => {
    const start = performance.now();
    const child = Bun.spawn([program, 'get'], {
      ...{ env, stdin: Bun.file(input), stdout: 'ignore', stderr: 'inherit' },
    });
    if ((await child.exited) !== 0) throw new Error(`${program} failed`);
    return performance.now() - start;
  };
  const programs = { finch: ours, official };
  for (const program of Object.values(programs)) await run(program);
  const calls = aws.log.length;
  const times: Record<keyof typeof programs, number[]> = { finch: [], official: [] };
  for (let i = 0; i < RUNS; i++) {
    times.finch.push(await run(programs.finch));
    times.official.push(await run(programs.official));
  }
  for (const [name, list] of Object.entries(times)) {
    say(`${name}: ${middle(list).toFixed(1)} ms, at best ${Math.min(...list).toFixed(1)} ms`);
  }
  const ratio = middle(times.finch) / middle(times.official);
  const best = Math.min(...times.finch) / Math.min(...times.official);
  say(`ratio: ${ratio.toFixed(2)}, at best ${best.toFixed(2)} (may be ${MAX_RATIO})`);
  say(`calls to AWS: ${aws.log.length - calls} (may be 0)`);
  process.exitCode = ratio <= MAX_RATIO && aws.log.length === calls ? 0 : 1;
} finally {
  await rm(folder, { recursive: true });
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
