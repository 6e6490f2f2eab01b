import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { finch, finchOk } from '../e2e/support/finch.ts';
import { areHere } from '../e2e/support/program.ts';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { chooseMoment, countCalls, killAt, type Span } from './killing.ts';
import { losePower } from './lose-power.ts';
import { chooseSeed, type Random, randomFrom } from './random.ts';
import { type Kind, type Scene, scenesOn } from './scenes.ts';
import { inCopy, setStage } from './stage.ts';
import { type StoreState, storeState } from './store-state.ts';
import { Tally } from './tally.ts';

// `bun test/soak/crash.ts [--kills 200] [--seed N]`: kills loads and pushes at that many moments, and
// half as often pulls and all else that writes. Each time the store is whole and the next run finishes.

/** Options of {@link runCrashes}. */
export interface CrashOptions {
  /** How many loads and pushes are killed in the middle. */
  readonly kills: number;
  readonly seed: number;
  /** The size of the largest layer. Default: 4 MiB. */
  readonly layerBytes?: number;
}

/** A kind of scene, and how it goes when nobody disturbs it. */
interface Rehearsed {
  readonly kind: Kind;
  readonly span: Span;
  readonly end: StoreState;
}

/** Kills finch again and again. What was killed, and every fault. */
export async function runCrashes({
  kills,
  seed,
  layerBytes = 4 * 1024 * 1024,
}: CrashOptions): Promise<Tally> {
  const tally = new Tally();
  const random = randomFrom(seed);
  await using folder = await temporaryFolder();
  await using registry = areHere('docker-registry') ? await startDockerRegistry() : undefined;
  const stage = await setStage(random, {
    folder: folder.path,
    registry: registry?.host,
    layerBytes,
  });
  const start = await storeState(join(folder.path, 'template'));
  const play = { folder: folder.path, random, tally, start };
  const kinds = scenesOn(stage);
  const main = kinds.filter(({ isMain }) => isMain);
  const others = kinds.filter(({ isMain }) => !isMain);
  const rounds = [
    ...Array.from({ length: kills }, (_, i) => main[i % main.length]),
    ...Array.from({ length: kills >> 1 }, (_, i) => others[i % others.length]),
  ];
  const rehearsed = new Map<Kind, Rehearsed>();
  for (const kind of rounds) {
    if (kind === undefined) continue;
    const known = rehearsed.get(kind) ?? (await rehearse(kind, play));
    rehearsed.set(kind, known);
    while (!(await strike(known, play)));
  }
  return tally;
}

interface Play {
  readonly folder: string;
  readonly random: Random;
  readonly tally: Tally;
  /** What is in a home before a scene. */
  readonly start: StoreState;
}

/** Plays a scene to its end, to know where that is and how long it takes. */
async function rehearse(kind: Kind, { folder, tally }: Play): Promise<Rehearsed> {
  const [ms, end] = await inCopy(folder, async (home, n) => {
    const scene = await kind.set(home, n);
    // A server has no end of its own: it is as long as what is done with it.
    if (scene.again === undefined) await scene.beside?.();
    const started = performance.now();
    await finish(scene);
    const passed = performance.now() - started;
    await scene.check?.(true);
    return [passed, await storeState(home)] as const;
  });
  for (const fault of findFaults(end)) tally.fault(`${kind.name}, undisturbed: ${fault}`);
  const calls = await inCopy(folder, async (home, n) => {
    const scene = await kind.set(home, n);
    return scene.again === undefined ? countCalls(scene) : [];
  });
  return { kind, end, span: { ms, calls } };
}

async function finish(scene: Scene): Promise<void> {
  const { again = () => finch(scene.args, scene) } = scene;
  const { exitCode, stderr } = await again();
  if (exitCode !== 0) throw new Error(`the next run ended with ${exitCode}: ${stderr}`);
}

/** Kills one scene and looks at what is left. False when the moment came too late to kill it. */
async function strike(rehearsed: Rehearsed, play: Play): Promise<boolean> {
  const { kind, span, end } = rehearsed;
  const { folder, random, tally, start } = play;
  return inCopy(folder, async (home, n) => {
    const scene = await kind.set(home, n);
    const moment = chooseMoment(span, random);
    let where = `${kind.name}, killed at ${JSON.stringify(moment)}`;
    try {
      const beside = scene.beside?.() ?? Promise.resolve();
      const [isKilled] = await Promise.all([killAt(scene, moment), beside]);
      if (!isKilled) {
        tally.count('came too late');
        return false;
      }
      tally.count(kind.isMain ? 'kills of load and push' : 'kills of others');
      tally.count(`kills of ${kind.name}, at a ${moment.kind}`);
      if (kind.changes === undefined && random.chance(0.2)) {
        await losePower(home, random);
        where += ', and the power lost';
        tally.count('kills with the power lost');
      }
      const after = await storeState(home);
      tally.count(describeState(after, end));
      for (const fault of after.faults) tally.fault(`${where}: ${fault}`);
      for (const [name, configs] of Object.entries(start.configs)) {
        const mayChange = kind.changes?.includes(name) === true;
        const isKept = isDeepStrictEqual(after.configs[name], configs) && name in after.shown;
        if (!mayChange && !isKept) tally.fault(`${where}: ${name} is lost`);
      }
      await scene.check?.(false);
      const between = random.pick(['', 'images', 'store verify']);
      if (between !== '') {
        await finchOk(between.split(' '), { home });
        tally.count(`finch ${between} after a kill`);
        const next = await storeState(home);
        for (const fault of findFaults(next)) tally.fault(`${where}, then ${between}: ${fault}`);
        if (!isDeepStrictEqual(next.names, next.shown)) {
          tally.fault(`${where}, then ${between}: index.json does not show the names`);
        }
      }
      await finish(scene);
      for (const fault of (await judgeEnd(home, rehearsed, tally)).slice(0, 4)) {
        tally.fault(`${where}, then again: ${fault}`);
      }
      await scene.check?.(true);
    } catch (error) {
      tally.fault(`${where}: ${error}`);
    }
    return true;
  });
}

/** What is wrong at the end of a scene, and how it differs from one that nobody disturbed. */
async function judgeEnd(
  home: string,
  { kind, end }: Rehearsed,
  tally: Tally,
): Promise<readonly string[]> {
  const first = await storeState(home);
  // A server looks at layers behind the push, and not any more when it is told to stop.
  const isLater = (line: string) => kind.name === 'registry serve' && line.includes(': layer ');
  const differences = (state: StoreState) => compare(state, end).filter((line) => !isLater(line));
  const lines = differences(first);
  const isGarbage = (line: string) => /^too much: (?:sha256:|blob |edge |layer )/.test(line);
  if (lines.length === 0 || !lines.every(isGarbage)) return [...findFaults(first), ...lines];
  // A command that finds its work done frees nothing; the next that frees anything does it.
  tally.count(`left something to free to a later command: ${kind.name}`);
  await finchOk(['rmi', '-f', 'nobody/has:this'], { home });
  return [...findFaults(first), ...differences(await storeState(home))];
}

function describeState(after: StoreState, end: StoreState): string {
  if (after.leftovers.length > 0) return 'left with half-done files';
  if (after.blobs.length < end.blobs.length) return 'left before the last blob';
  return Object.keys(after.names).length < Object.keys(end.names).length
    ? 'left between the last blob and the name'
    : 'left when all names were there';
}

function findFaults({ faults, leftovers, leases }: StoreState): readonly string[] {
  const left = leftovers.map((file) => `left over: ${file}`);
  return [...faults, ...left, ...(leases > 0 ? [`${leases} leases`] : [])];
}

/** In what a state differs from the one that it should be. */
function compare(state: StoreState, wanted: StoreState): readonly string[] {
  const [found, expected] = [state, wanted].map(({ names, shown, blobs, rows, configs }) => {
    const entries = Object.entries({ ...names, ...prefixed('index.json: ', shown) });
    const named = entries.map(([name, digest]) => `${name} ${digest} ${configs[name] ?? ''}`);
    // The number in a name is of the scene.
    return [...named, ...blobs, ...rows].map((line) => line.replace(/pushed-\d+/, 'pushed'));
  }) as [string[], string[]];
  return [
    ...expected.filter((line) => !found.includes(line)).map((line) => `missing: ${line}`),
    ...found.filter((line) => !expected.includes(line)).map((line) => `too much: ${line}`),
  ];
}

function prefixed(prefix: string, names: Readonly<Record<string, string>>) {
  return Object.fromEntries(Object.entries(names).map(([name, value]) => [prefix + name, value]));
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { kills: { type: 'string', default: '200' }, seed: { type: 'string' } },
  });
  const seed = chooseSeed(values.seed);
  process.stdout.write(`${values.kills} kills of load and push, seed ${seed}\n`);
  const tally = await runCrashes({ kills: Number(values.kills), seed });
  process.stdout.write(`${tally.report()}\n`);
  process.exitCode = tally.faults.length > 0 ? 1 : 0;
}
