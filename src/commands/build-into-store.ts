import type { App } from '../app.ts';
import type { Bridge } from '../bridge/bridge.ts';
import { planBuild } from '../engine/build-plan.ts';
import type { Engine } from '../engine/engine.ts';
import { FinchError } from '../errors.ts';
import { bridgeRepository } from '../oci/bridge-repository.ts';
import { formatReference, parseReference, type Reference } from '../oci/reference.ts';

/** With what {@link buildIntoStore} builds. */
export interface BuildOptions {
  readonly engine: Engine;
  readonly bridge: Bridge;
  /** Runs nerdctl on the user's terminal, and gives its exit status. */
  readonly run: (args: readonly string[]) => Promise<number>;
}

/**
 * Builds, and has BuildKit push the image over the bridge: it is in the store under all its names when this returns,
 * and in the engine too. A build without a name, or with an output of the user's, is the engine's alone.
 * @returns the exit status of nerdctl
 */
export async function buildIntoStore(
  app: App,
  words: readonly string[],
  { engine, bridge, run }: BuildOptions,
): Promise<number> {
  const at = words.indexOf('build') + 1;
  const registry = `${engine.machine.hostAddress}:${bridge.port}`;
  const plan = planBuild(words.slice(at), { bridgeName: (name) => nameAt(registry, name) });
  if (plan === undefined) return run(words);
  try {
    const status = await run([...words.slice(0, at), ...plan.args]);
    if (status === 0) await nameAll(app, plan.names);
    return status;
  } finally {
    // The image keeps its names: this one leads to a port that another bridge does not have.
    const { fault } = await engine.capture(['rmi', plan.pushedAs]);
    if (fault !== undefined) app.talk.trace(`the engine still knows ${plan.pushedAs}: ${fault}`);
  }
}

/** The name of an image in the bridge's registry; undefined for a name that an image cannot have. */
function nameAt(registry: string, name: string): string | undefined {
  const reference = referenceOf(name);
  if (reference?.tag === undefined || reference.digest !== undefined) return undefined;
  return `${registry}/${bridgeRepository(reference)}:${reference.tag}`;
}

function referenceOf(name: string): Reference | undefined {
  try {
    return parseReference(name);
  } catch (error) {
    if (error instanceof FinchError) return undefined;
    throw error;
  }
}

/** Gives the image that came by its first name the others too. */
async function nameAll(
  app: App,
  [first, ...others]: readonly [string, ...string[]],
): Promise<void> {
  if (others.length === 0) return;
  const store = await app.store();
  const image = store.name(formatReference(parseReference(first)));
  if (image === undefined) return;
  const { target } = image;
  const names = [...new Set(others.map((name) => formatReference(parseReference(name))))];
  const replaced = names.some((name) => {
    const before = store.name(name);
    return before !== undefined && before.target.digest !== target.digest;
  });
  await store.changeNames({ set: names.map((name) => ({ name, target })) });
  if (!replaced) return;
  const { freeUnreached } = await import('../copy/under-lease.ts');
  await freeUnreached(store);
}
