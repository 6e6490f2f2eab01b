import { type Material, type Mutator, mutateMore } from './mutate-bytes.ts';
import { whyUnclean } from './promises.ts';
import { Random } from './random.ts';
import type { OpenTarget, Target } from './target.ts';

/** What a campaign is to do. */
export interface CampaignOptions {
  readonly seed: string;
  readonly inputs: number;
  /** When to stop at the latest, as `performance.now()` counts. */
  readonly deadline: number;
  /** Called with each input before it runs. */
  readonly onInput: (index: number, input: Uint8Array) => void;
}

/** What came of a campaign. */
export interface CampaignResult {
  readonly inputs: number;
  readonly results: number;
  readonly errors: number;
  readonly slowestMs: number;
  /** Set when one input did something that it may not. */
  readonly fault?: { readonly index: number; readonly why: string };
}

/** Work that is too much for one input, in milliseconds. */
const SLOW_MS = 1000;
const DEFAULT_MAX_BYTES = 64 * 1024;

/** Every so many inputs one is a seed as it is. */
const SEED_EVERY = 200;

/** Runs a target on mutated inputs until it has had them all, the time is over, or one breaks a promise. */
export async function runCampaign(
  target: Target,
  { seed, inputs, deadline, onInput }: CampaignOptions,
): Promise<CampaignResult> {
  await using open = await openTarget(target);
  const mutators = [mutateMore, ...(target.mutators ?? [])];
  let [index, results, slowestMs] = [0, 0, 0];
  const soFar = () => ({ inputs: index, results, errors: index - results, slowestMs });
  for (; index < inputs && performance.now() < deadline; index++) {
    const input = makeInput(index, { target, open, mutators, seed });
    onInput(index, input);
    const outcome = await tryInput(open, input);
    slowestMs = Math.max(slowestMs, outcome.ms);
    if (outcome.why !== undefined) return { ...soFar(), fault: { index, why: outcome.why } };
    if (outcome.isResult) results++;
  }
  return soFar();
}

/** Fewer inputs than this, or than this part of what was asked for, try nothing, however slow the machine is. */
const LEAST_INPUTS = 50;
const LEAST_PART = 1 / 20;

/**
 * Why a campaign of a target says nothing: too few inputs in the time there was, or none that was read
 * to its end, as when the seeds are all broken. Undefined when it says something.
 */
export function whyEmpty({ inputs, results }: CampaignResult, asked: number): string | undefined {
  const least = Math.min(asked, Math.max(LEAST_INPUTS, Math.floor(asked * LEAST_PART)));
  if (inputs < least) return `only ${inputs} inputs in the time there was, fewer than ${least}`;
  return results === 0 ? `no result from ${inputs} inputs` : undefined;
}

/** Opens a target; its seeds are plain arrays, because a part of a `Buffer` is no copy of it. */
export async function openTarget(target: Target): Promise<OpenTarget> {
  const open = await target.open();
  const seeds = open.seeds.map((seed) => new Uint8Array(seed));
  return { seeds, run: open.run, [Symbol.asyncDispose]: () => open[Symbol.asyncDispose]() };
}

/** What one input did. */
export interface InputOutcome {
  readonly ms: number;
  /** What all threads worked: a machine that is busy with something else makes nothing slow. */
  readonly cpuMs: number;
  readonly isResult: boolean;
  /** What it may not do; undefined when all is well. */
  readonly why?: string;
}

/** Runs one input; one that is too much work again and again is a fault. */
export async function tryInput(open: OpenTarget, input: Uint8Array): Promise<InputOutcome> {
  let outcome = await once(open, input);
  // The first time, code may have been compiled and garbage collected.
  for (let tries = 0; tries < 2 && outcome.cpuMs > SLOW_MS; tries++) {
    if (outcome.why !== undefined) return outcome;
    outcome = await once(open, input);
  }
  if (outcome.why !== undefined || outcome.cpuMs <= SLOW_MS) return outcome;
  return { ...outcome, why: `it took ${Math.round(outcome.cpuMs)} ms of work` };
}

async function once(open: OpenTarget, input: Uint8Array): Promise<InputOutcome> {
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const time = () => {
    const { user, system } = process.cpuUsage(cpu);
    return { ms: performance.now() - began, cpuMs: (user + system) / 1000 };
  };
  try {
    const running = open.run(input);
    if (running instanceof Promise) await running;
    return { ...time(), isResult: true };
  } catch (error) {
    const why = whyUnclean(error);
    return { ...time(), isResult: false, ...(why !== undefined && { why }) };
  }
}

interface MakeOptions {
  readonly target: Target;
  readonly open: OpenTarget;
  readonly mutators: readonly Mutator[];
  readonly seed: string;
}

/** The input of a number: the same for the same seed, whatever ran before. */
function makeInput(
  index: number,
  { target, open: { seeds }, mutators, seed }: MakeOptions,
): Uint8Array {
  const untouched = seeds[Math.floor(index / SEED_EVERY)];
  if (index % SEED_EVERY === 0 && untouched !== undefined) return untouched;
  const { words = [], maxBytes = DEFAULT_MAX_BYTES } = target;
  const random = new Random(`${seed}/${target.name}/${index}`);
  const material: Material = { random, seeds, words, maxBytes };
  const mutated = random.pick(mutators)(random.pick(seeds), material);
  return mutated.length > maxBytes ? mutated.slice(0, maxBytes) : mutated;
}
