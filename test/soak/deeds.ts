import { join } from 'node:path';
import { digestOf } from '../../src/oci/digest.ts';
import { runProgram } from '../e2e/support/program.ts';
import type { Worker } from './place.ts';
import { archiveOf, formsOf, type Recipe } from './recipes.ts';
import { walkRegistry } from './walk-graph.ts';

/** Something that a worker does; one that it cannot do at this moment is nothing. */
export type Deed = (worker: Worker) => Promise<void>;

const SHARED = ['shared/x:1', 'shared/x:2', 'shared/y:1'] as const;
/** What a command may say about a name that somebody else takes away. */
const GONE = /: not found|no such image|the store does not have all of it/;

/** Loads an image under a new name or one that it has, from stdin or, perhaps killed before, from a file. */
export const load: Deed = async (worker) => {
  const { random, place } = worker;
  const recipe = random.pick(place.recipes);
  const form = random.pick(formsOf(recipe));
  const name = (random.chance(0.2) ? worker.someName() : undefined) ?? worker.newName();
  const archive = archiveOf(recipe, name, form);
  worker.unsettle([name]);
  if (random.chance(0.5)) {
    await worker.run(`load ${form} from stdin`, ['load'], { stdin: new Blob([archive]) });
  } else {
    const path = join(place.folder, `worker-${worker.id}.tar`);
    await Bun.write(path, archive);
    await worker.runTwice(`load ${form} from a file`, ['load', '-q', '-i', path]);
  }
  place.tally.count('bytes of archives', archive.length);
  await worker.settle([name], recipe);
};

/** Gives one of its images another name. */
export const tag: Deed = async (worker) => {
  const [name, recipe] = someImage(worker);
  if (name === undefined) return;
  const other = worker.newName();
  await worker.run('tag', ['tag', name, other]);
  await worker.settle([other], recipe);
};

/** Gives a name that all workers use to one of its images. */
export const share: Deed = async (worker) => {
  const [name] = someImage(worker);
  if (name === undefined) return;
  await worker.run('tag a shared name', ['tag', name, worker.random.pick(SHARED)]);
};

/** Gives a name to whatever a shared name names, and takes it away: it must be whole in between. */
export const takeShared: Deed = async (worker) => {
  const name = worker.newName('taken');
  const shared = worker.random.pick(SHARED);
  const { exitCode } = await worker.run('tag from a shared name', ['tag', shared, name], {
    mayFail: GONE,
  });
  if (exitCode !== 0) return;
  await checkPushed(worker, worker.place.own, name);
  await worker.run('rmi', ['rmi', name]);
};

/** Takes away a shared name. */
export const removeShared: Deed = async (worker) => {
  const shared = worker.random.pick(SHARED);
  if (worker.random.chance(0.5)) await worker.run('rmi -f a shared name', ['rmi', '-f', shared]);
  else await worker.run('rmi a shared name', ['rmi', shared], { mayFail: GONE });
};

/** Takes away some of its names. */
export const remove: Deed = async (worker) => {
  const names = [...worker.names.keys()].filter(() => worker.random.chance(0.3)).slice(0, 4);
  if (names.length === 0) return;
  worker.unsettle(names);
  if (worker.random.chance(0.5)) await worker.run('rmi', ['rmi', ...names]);
  else await worker.runTwice('rmi -f', ['rmi', '-f', ...names]);
};

/** Shows the images, and all of its own must be there. */
export const images: Deed = async (worker) => {
  const format = '{{.Repository}}:{{.Tag}}';
  const { stdout } = await worker.run('images', ['images', '--format', format]);
  const listed = new Set(stdout.split('\n'));
  for (const name of worker.names.keys()) {
    if (!listed.has(name)) worker.place.tally.fault(`finch images does not show ${name}`);
  }
};

/** Checks the whole store, in which others work. */
export const verify: Deed = async (worker) => {
  await worker.run('store verify', ['store', 'verify']);
};

/** Reads one of its images out of the store with skopeo. */
export const inspect: Deed = async (worker) => {
  const { home, tally, settled } = worker.place;
  const [name] = someImage(worker);
  const entry = settled.get(name ?? '');
  if (name === undefined || entry === undefined) return;
  const place = `oci:${join(home, 'store')}:${name}`;
  const run = await runProgram(['skopeo', 'inspect', '--raw', place]);
  tally.count('skopeo inspect oci:');
  const digest = digestOf(new TextEncoder().encode(run.stdout));
  if (run.exitCode !== 0) tally.fault(`skopeo inspect ${name}: ${run.stderr}`);
  else if (digest !== entry.digest) tally.fault(`skopeo finds ${digest} under ${name}`);
};

/** Pushes one of its images to the other registry and reads it from there. */
export const push: Deed = async (worker) => {
  const { other } = worker.place;
  const [name, recipe] = someImage(worker);
  if (name === undefined || other === undefined) return;
  const remote = worker.newName('pushed');
  const local = `${other}/${remote}`;
  await worker.run('tag', ['tag', name, local]);
  await worker.settle([local], recipe);
  await worker.runTwice('push', ['push', '-q', local]);
  worker.pushed.set(remote, recipe);
  await checkPushed(worker, other, remote, recipe);
};

/** Pushes one of its images to the registry over the same store, which then has one more name for it. */
export const pushToItself: Deed = async (worker) => {
  const { own } = worker.place;
  const [name, recipe] = someImage(worker);
  if (name === undefined) return;
  const served = worker.newName('served');
  const local = `${own}/${served}`;
  await worker.run('tag', ['tag', name, local]);
  await worker.runTwice('push to the same store', ['push', '-q', local]);
  await worker.settle([local, served], recipe);
  await checkPushed(worker, own, served, recipe);
};

/** Pulls what it pushed before to the other registry, or has under a name of the registry of its own store. */
export const pull: Deed = async (worker) => {
  const { own, other } = worker.place;
  const isOwn = other === undefined || worker.random.chance(0.5);
  const from = [...(isOwn ? worker.names : worker.pushed)].filter(
    ([name]) => !isOwn || /^w\d+\//.test(name),
  );
  if (from.length === 0) return;
  const [name, recipe] = worker.random.pick(from);
  const local = `${isOwn ? own : other}/${name}`;
  worker.unsettle([local]);
  const kind = isOwn ? 'pull from the same store' : 'pull';
  await worker.runTwice(kind, ['pull', '-q', '--all-platforms', local]);
  await worker.settle([local], recipe);
};

/** Begins an upload to the registry of the store, and gives it up or leaves it. */
export const abandonUpload: Deed = async (worker) => {
  const { own, tally } = worker.place;
  const origin = `http://${own}`;
  const start = await fetch(`${origin}/v2/w${worker.id}/abandoned/blobs/uploads/`, {
    method: 'POST',
  });
  const location = new URL(start.headers.get('location') ?? '', origin);
  const body = worker.random.bytes(worker.random.below(100_000));
  const part = await fetch(location, { method: 'PATCH', body });
  if (start.status !== 202 || part.status !== 202) {
    tally.fault(`an upload was answered with ${start.status} and ${part.status}`);
  }
  if (worker.random.chance(0.5)) await fetch(location, { method: 'DELETE' });
  tally.count('uploads begun and not ended');
};

/** Something that cannot succeed, and changes nothing. */
export const fail: Deed = async (worker) => {
  const { random, place } = worker;
  const recipe = random.pick(place.recipes);
  const archive = archiveOf(recipe, worker.newName('broken'), random.pick(formsOf(recipe)));
  // Less than half is never enough: the tar's own end and what it names are behind it.
  const truncated = new Blob([archive.slice(0, random.below(archive.length >> 1))]);
  const [kind, args, mayFail, stdin] = random.pick([
    ['load what is cut off', ['load'], /./, truncated],
    ['load noise', ['load'], /./, new Blob([random.bytes(10_000)])],
    ['tag nothing', ['tag', 'nobody/has:this', 'x'], GONE, undefined],
    ['rmi nothing', ['rmi', 'nobody/has:this'], GONE, undefined],
    ['push nothing', ['push', `${place.own}/nobody/has:this`], GONE, undefined],
    ['pull nothing', ['pull', `${place.own}/nobody/has:this`], /is not in the registry/, undefined],
  ] as const);
  const { exitCode } = await worker.run(kind, args, { mayFail, ...(stdin && { stdin }) });
  if (exitCode === 0) place.tally.fault(`finch ${args.join(' ')} succeeded`);
};

function someImage(worker: Worker): readonly [string, Recipe] | readonly [undefined, undefined] {
  const names = [...worker.names];
  return names.length === 0 ? [undefined, undefined] : worker.random.pick(names);
}

/**
 * Reads an image back from a registry, with every digest checked.
 * @param name the path and tag there
 * @param recipe what it must be. Default: any image
 */
export async function checkPushed(
  { place: { tally } }: Pick<Worker, 'place'>,
  host: string,
  name: string,
  recipe?: Recipe,
): Promise<void> {
  const [, path = '', tag = ''] = /^(.*):(.*)$/.exec(name) ?? [];
  try {
    const { bytes, configs } = await walkRegistry(`http://${host}/v2/${path}`, tag);
    tally.count('images read back from a registry');
    tally.count('bytes read back from a registry', bytes);
    if (recipe !== undefined && `${configs}` !== `${recipe.configs}`) {
      tally.fault(`${host}/${name} is another image`);
    }
  } catch (error) {
    tally.fault(`${host}/${name} cannot be read back: ${error}`);
  }
}
