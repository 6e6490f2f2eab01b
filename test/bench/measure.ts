import { ownProgram } from './go-programs.ts';

/** What one run of a program took. */
export interface Sample {
  readonly wallMs: number;
  /** Of user and system together. */
  readonly cpuMs: number;
  /** The most memory that was resident at once. */
  readonly rssBytes: number;
  /** What the other side received; undefined where nobody counts. */
  readonly bytes?: number | undefined;
  readonly requests?: number | undefined;
}

/** What the other side received since it was last asked. */
export interface Counts {
  readonly bytes?: number | undefined;
  readonly requests?: number | undefined;
}

/** Something that is measured again and again, in turns with others. */
export interface Contestant {
  readonly name: string;
  /** How often it is measured; with 1 there is no run to warm up either. */
  readonly runs: number;
  /** Makes ready for run `n`, untimed, and gives what is timed. */
  prepare(n: number): Promise<Timed>;
}

/** A command, and who knows what it sent. */
export interface Timed {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Asked before, which sets it to nothing, and after. */
  counts?(): Promise<Counts>;
}

/** Measures each in turns (A B C A B C …), after a first turn that does not count. The medians, by name. */
export async function measureInTurns(
  contestants: readonly Contestant[],
): Promise<ReadonlyMap<string, Sample>> {
  const samples = new Map<string, Sample[]>(contestants.map(({ name }) => [name, []]));
  const rounds = Math.max(...contestants.map(({ runs }) => runs));
  for (let n = 0; n <= rounds; n++) {
    for (const { name, runs, prepare } of contestants) {
      if (n > runs || (n === 0 && runs === 1)) continue;
      const sample = await measureOnce(await prepare(n));
      if (n > 0) samples.get(name)?.push(sample);
    }
  }
  return new Map([...samples].map(([name, all]) => [name, medianSample(all)]));
}

/** Runs a command to its end.
 * @throws Error when it fails
 */
export async function measureOnce({ command, env, counts }: Timed): Promise<Sample> {
  await counts?.();
  const child = Bun.spawn([await ownProgram('measure'), ...command], {
    env: { PATH: process.env['PATH'], ...env },
    ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
  });
  const [line, said] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const { status, ...sample } = JSON.parse(line) as Sample & { readonly status: number };
  if (status !== 0)
    throw new Error(`${command.join(' ')} ended with ${status}\n${said.slice(-2000)}`);
  return { ...sample, ...(await counts?.()) };
}

/** The median of each figure, on its own. */
export function medianSample(samples: readonly Sample[]): Sample {
  const of = (pick: (sample: Sample) => number | undefined) =>
    median(samples.map(pick).filter((value) => value !== undefined));
  return {
    wallMs: of(({ wallMs }) => wallMs) ?? Number.NaN,
    cpuMs: of(({ cpuMs }) => cpuMs) ?? Number.NaN,
    rssBytes: of(({ rssBytes }) => rssBytes) ?? Number.NaN,
    bytes: of(({ bytes }) => bytes),
    requests: of(({ requests }) => requests),
  };
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half];
  const lower = sorted[half - 1];
  if (sorted.length % 2 === 1 || upper === undefined || lower === undefined) return upper;
  return (lower + upper) / 2;
}
