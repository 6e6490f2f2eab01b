import { parseArgs } from 'node:util';
import { chooseSeed, randomFrom } from './random.ts';
import {
  loadUploadImage,
  setUploadScene,
  startPush,
  type UploadImage,
  type UploadRegistry,
} from './upload-scene.ts';

// `bun run soak:upload [--rounds 20] [--mib 1024] [--pace 150] [--registry docker-registry]
// [--seed N]`: kills `finch push` of one large layer at
// points that are spread over all of it, and sees what the next run sends; then pushes through a link that cuts
// every connection every three seconds. --pace is in MB/s.

const MIB = 1024 * 1024;

/** A chunk, and what HTTP adds to all that is sent. */
const MOST_AGAIN = 16 * MIB + 256 * 1024;

/** Where is pushed to. */
interface UploadSoak {
  readonly registry: UploadRegistry;
  /** How fast the link is. */
  readonly bytesPerSecond: number;
}

/** Options of {@link runUploadCrashes}. */
export interface UploadCrashOptions extends UploadSoak {
  readonly rounds: number;
  /** The size of the only layer. */
  readonly layerBytes: number;
  readonly seed: number;
}

/** One kill, and what came after; all in bytes. */
export interface UploadCrash {
  /** How much had gone up when it was killed, with all that HTTP adds. */
  readonly before: number;
  /** How much of that the registry had on its disk. */
  readonly kept: number;
  /** How much the next run sent of what the registry had. */
  readonly again: number;
  /** What the registry has twice in the end: uploads that were given up. */
  readonly givenUp: number;
  readonly fault: string | undefined;
}

/**
 * Kills a push in each of `rounds` equal parts of its way, at a random point of it, and runs it again.
 * @param told is told of each as it comes
 */
export async function runUploadCrashes(
  { rounds, seed, layerBytes, ...link }: UploadCrashOptions,
  told: (crash: UploadCrash) => void = () => {},
): Promise<readonly UploadCrash[]> {
  const random = randomFrom(seed);
  await using image = await loadUploadImage([layerBytes]);
  const crashes: UploadCrash[] = [];
  for (let round = 0; round < rounds; round++) {
    const part = layerBytes / rounds;
    const point = Math.floor(part * round + random.below(part));
    const crash = await crashAt(image, { point, ...link });
    crashes.push(crash);
    told(crash);
  }
  return crashes;
}

async function crashAt(
  image: UploadImage,
  { point, ...link }: UploadSoak & { readonly point: number },
): Promise<UploadCrash> {
  let first: Bun.Subprocess | undefined;
  await using scene = await setUploadScene(image, {
    ...link,
    onBytes: (total) => {
      if (total >= point) first?.kill('SIGKILL');
    },
  });
  first = startPush(image, scene);
  await first.exited;
  const wasKilled = first.signalCode === 'SIGKILL';
  first = undefined;
  const kept = await scene.heldAtRest();
  const before = scene.link.bytesUp;
  const next = startPush(image, scene);
  const [said, status] = await Promise.all([next.stderr.text(), next.exited]);
  const sent = scene.link.bytesUp - before;
  const { bytes } = image.layout;
  const again = Math.max(0, sent - (bytes - kept));
  const givenUp = (await scene.heldAtRest()) - bytes;
  const fault = await faultIn();
  return { before, kept, again, givenUp, fault };

  async function faultIn(): Promise<string | undefined> {
    if (!wasKilled) return `it ended before ${point} bytes had gone up`;
    if (status !== 0) return `the next run ended with ${status}: ${said}`;
    if (again > MOST_AGAIN) return `the next run sent ${mib(again)} MiB again`;
    return scene.fault(image.layout);
  }
}

/** What came of a push through a link that cuts. */
export interface CutPush {
  readonly seconds: number;
  readonly connections: number;
  /** How many connections were cut. */
  readonly cuts: number;
  /** How many bytes went up more than the image has. */
  readonly again: number;
  readonly fault: string | undefined;
}

/** Pushes through a link that cuts every connection when it is `cutAfterMs` old. */
export async function runCutPush({
  layers,
  ...options
}: UploadSoak & {
  readonly layers: readonly number[];
  readonly cutAfterMs: number;
}): Promise<CutPush> {
  await using image = await loadUploadImage(layers);
  await using scene = await setUploadScene(image, options);
  const started = performance.now();
  const push = startPush(image, scene);
  const [said, status] = await Promise.all([push.stderr.text(), push.exited]);
  const { link } = scene;
  return {
    seconds: (performance.now() - started) / 1000,
    connections: link.connections,
    cuts: link.cuts,
    again: Math.max(0, link.bytesUp - image.layout.bytes),
    fault: status === 0 ? await scene.fault(image.layout) : `it ended with ${status}: ${said}`,
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '20' },
      mib: { type: 'string', default: '1024' },
      pace: { type: 'string', default: '150' },
      registry: { type: 'string', default: 'distribution' },
      seed: { type: 'string' },
    },
  });
  const seed = chooseSeed(values.seed);
  const layerBytes = Number(values.mib) * MIB;
  const bytesPerSecond = Number(values.pace) * 1e6;
  const registry = values.registry === 'distribution' ? 'distribution' : 'docker-registry';
  say(`${registry}, seed ${seed}; in MiB:`);
  say('  sent before   kept   sent again   given up');
  const soak = { registry, bytesPerSecond } as const;
  const rounds = Number(values.rounds);
  const crashes = await runUploadCrashes(
    { ...soak, layerBytes, rounds, seed },
    ({ before, kept, again, givenUp, fault }) => {
      const cells = [mib(before).padStart(13), mib(kept).padStart(7)];
      cells.push(mib(again).padStart(13), mib(givenUp).padStart(11), `   ${fault ?? ''}`);
      say(cells.join(''));
    },
  );
  // Debian's 2.8 begins a layer anew whose request was cut: each must fit between two cuts.
  const pieces = registry === 'distribution' ? 1 : 16;
  const layers = Array.from({ length: pieces }, () => layerBytes / pieces);
  const cut = await runCutPush({ ...soak, layers, cutAfterMs: 3000 });
  const what = `${pieces} × ${mib(layerBytes / pieces)} MiB over a link that cuts after 3 s`;
  say(`${what}: ${cut.fault ?? 'pushed'}, in ${cut.seconds.toFixed(1)} s,`);
  say(`  ${cut.cuts} of ${cut.connections} connections cut, ${mib(cut.again)} MiB sent again`);
  const faults = [...crashes, cut].filter(({ fault }) => fault !== undefined).length;
  const most = Math.max(...crashes.map(({ again }) => again));
  say(`${crashes.length} kills, at most ${mib(most)} MiB sent again; ${faults} faults`);
  process.exitCode = faults > 0 ? 1 : 0;
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
