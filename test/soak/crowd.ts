import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { finch } from '../e2e/support/finch.ts';
import { areHere } from '../e2e/support/program.ts';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { temporaryFolder } from '../support/temporary.ts';
import * as deeds from './deeds.ts';
import { type Place, Worker } from './place.ts';
import { chooseSeed, randomFrom } from './random.ts';
import { makeRecipes } from './recipes.ts';
import { whileServing } from './serving.ts';
import { watchShown } from './shown-names.ts';
import { storeState } from './store-state.ts';
import { Tally } from './tally.ts';

// `bun test/soak/crowd.ts [--minutes 10] [--processes 8] [--seed N]`: many processes that load, tag, push,
// pull and remove at once in one home, and lose nothing.

/** Options of {@link runCrowd}. */
export interface CrowdOptions {
  /** When it ends at the latest. */
  readonly seconds: number;
  /** What each worker does at most. Default: as much as it can. */
  readonly deeds?: number;
  /** How many commands run at once. */
  readonly processes: number;
  readonly seed: number;
  /** The size of the largest layer. Default: 512 KiB. */
  readonly layerBytes?: number;
}

/** How often a worker does what, of about 100 times. */
const SHARES: readonly (readonly [times: number, deeds.Deed])[] = [
  [22, deeds.load],
  [8, deeds.tag],
  [6, deeds.share],
  [6, deeds.takeShared],
  [5, deeds.removeShared],
  [14, deeds.remove],
  [6, deeds.images],
  [1, deeds.verify],
  [areHere('skopeo') ? 3 : 0, deeds.inspect],
  [8, deeds.push],
  [6, deeds.pushToItself],
  [8, deeds.pull],
  [2, deeds.abandonUpload],
  [6, deeds.fail],
];

/** Every deed as often as it is to be chosen. */
const DEEDS = SHARES.flatMap(([times, deed]) => Array.from({ length: times }, () => deed));

/** Runs a crowd in a new home, then empties the home. What was done, and every fault. */
export async function runCrowd({
  seconds,
  deeds: limit = Number.POSITIVE_INFINITY,
  processes,
  seed,
  layerBytes = 512 * 1024,
}: CrowdOptions): Promise<Tally> {
  const tally = new Tally();
  const random = randomFrom(seed);
  await using folder = await temporaryFolder();
  const home = join(folder.path, 'home');
  await mkdir(home);
  const recipes = makeRecipes(random, { count: 12, layerBytes });
  await using other = areHere('docker-registry') ? await startDockerRegistry() : undefined;
  const settled: Place['settled'] = new Map();
  const end = performance.now() + seconds * 1000;
  const workers = await whileServing(home, async (own) => {
    const hosts = { own, other: other?.host };
    const place = { ...hosts, folder: folder.path, home, recipes, tally, settled };
    const crowd = Array.from(
      { length: processes },
      (_, id) => new Worker(id, place, random.fork()),
    );
    let working = true;
    const watching = watchShown(home, { settled, tally, isOver: () => !working });
    try {
      await Promise.all(crowd.map((worker) => work(worker, { end, limit })));
    } finally {
      working = false;
      await watching;
    }
    const readBack = async (worker: Worker) => {
      for (const [name, recipe] of worker.pushed) {
        await deeds.checkPushed(worker, other?.host ?? '', name, recipe);
      }
    };
    await Promise.all(crowd.map(readBack));
    return crowd;
  });
  await checkEnd(home, { workers, tally });
  await checkEmptied(home, tally);
  return tally;
}

async function work(
  worker: Worker,
  { end, limit }: { readonly end: number; readonly limit: number },
): Promise<void> {
  const { random, place } = worker;
  for (let done = 0; done < limit && performance.now() < end; done++) {
    // So that the store does not only grow.
    const deed = worker.names.size > 20 ? deeds.remove : random.pick(DEEDS);
    try {
      await deed(worker);
    } catch (error) {
      place.tally.fault(`${deed.name}: ${error}`);
    }
  }
}

/** Every name that a worker has must be there and whole, and no other but those they share. */
async function checkEnd(
  home: string,
  { workers, tally }: { readonly workers: readonly Worker[]; readonly tally: Tally },
): Promise<void> {
  const first = await finch(['images'], { home });
  if (first.exitCode !== 0) tally.fault(`finch images at the end: ${first.stderr}`);
  const state = await storeState(home);
  for (const fault of state.faults) tally.fault(`at the end: ${fault}`);
  for (const file of state.leftovers) tally.fault(`left over at the end: ${file}`);
  if (state.leases > 0) tally.fault(`${state.leases} leases at the end`);
  const names = new Map(Object.entries(state.configs));
  const shown = new Set(Object.keys(state.shown));
  for (const worker of workers) {
    for (const [short, recipe] of worker.names) {
      const name = /^w\d+\//.test(short) ? `docker.io/${short}` : short;
      const configs = names.get(name);
      if (configs === undefined || !shown.has(name)) tally.fault(`${name} is lost`);
      else if (`${configs}` !== `${recipe.configs}`) tally.fault(`${name} is another image`);
      names.delete(name);
      tally.count('names at the end');
    }
  }
  for (const name of names.keys()) {
    if (!name.startsWith('docker.io/shared/')) tally.fault(`${name} was to be removed`);
  }
  tally.count('blobs at the end', state.blobs.length);
}

/** When no name is left, nothing else is. */
async function checkEmptied(home: string, tally: Tally): Promise<void> {
  const { names } = await storeState(home);
  const { exitCode, stderr } = await finch(['rmi', ...Object.keys(names)], { home });
  if (exitCode !== 0) tally.fault(`rmi of all ended with ${exitCode}: ${stderr}`);
  const state = await storeState(home);
  const left = [
    ...state.blobs,
    ...state.rows,
    ...state.leftovers,
    ...state.faults,
    ...Object.keys(state.names),
    ...Object.keys(state.shown),
  ];
  for (const text of left) tally.fault(`left in an empty store: ${text}`);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      processes: { type: 'string', default: '8' },
      seed: { type: 'string' },
    },
  });
  const seed = chooseSeed(values.seed);
  const processes = Number(values.processes);
  process.stdout.write(`${processes} processes, ${values.minutes} minutes, seed ${seed}\n`);
  const tally = await runCrowd({ seconds: Number(values.minutes) * 60, processes, seed });
  process.stdout.write(`${tally.report()}\n`);
  process.exitCode = tally.faults.length > 0 ? 1 : 0;
}
