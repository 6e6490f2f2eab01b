import { copyFile, link, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { finchOk } from '../e2e/support/finch.ts';
import type { Random } from './random.ts';
import { archiveOf, makeRecipes, noiseLayer, singleRecipe } from './recipes.ts';
import type { Stage } from './scenes.ts';

/**
 * Makes the homes, images and registry contents that scenes are about.
 * @param place where, and the size of the largest layer
 */
export async function setStage(
  random: Random,
  { layerBytes, ...place }: Pick<Stage, 'folder' | 'registry'> & { readonly layerBytes: number },
): Promise<Stage> {
  const [template, source] = ['template', 'source'].map((name) => join(place.folder, name)) as [
    string,
    string,
  ];
  for (const home of [template, source]) await mkdir(home);
  const layer = (name: string, bytes: number) => noiseLayer(random, name, bytes);
  const shared = layer('shared', layerBytes >> 2);
  const multi = makeRecipes(random, { count: 3, layerBytes }).at(-1);
  if (multi === undefined) throw new Error('there is no recipe of an index');
  const old = {
    'old:1': singleRecipe([shared, layer('one', layerBytes >> 3)], { old: '1' }),
    'old:2': singleRecipe([shared, layer('two', layerBytes >> 3)], { old: '2' }),
    'old:multi': multi,
  };
  const layers = ['a', 'b', 'c'].map((name, i) => layer(name, layerBytes >> i));
  const fresh = singleRecipe([shared, ...layers], { fresh: 'yes' });
  const load = (home: string, name: string, recipe = fresh) =>
    finchOk(['load'], { home, stdin: new Blob([archiveOf(recipe, name, 'oci')]) });
  for (const [name, recipe] of Object.entries(old)) await load(template, name, recipe);
  await load(source, 'fresh:1');
  if (place.registry !== undefined) {
    const remote = `${place.registry}/fresh:1`;
    await finchOk(['tag', 'fresh:1', remote], { home: source });
    await finchOk(['push', '-q', remote], { home: source });
  }
  return { ...place, source, old, fresh };
}

let count = 0;

/** A new home as it is before every scene, for as long as `work` takes; with a number of its own. */
export async function inCopy<T>(
  folder: string,
  work: (home: string, n: number) => Promise<T>,
): Promise<T> {
  const n = count++;
  const home = join(folder, `home-${n}`);
  await copyHome(join(folder, 'template'), home);
  try {
    return await work(home, n);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/**
 * Copies a home as if it had always been there: finch tells by its inode whether a file is still the one that
 * it verified, and never writes into a file that has its name, other than the database.
 */
async function copyHome(from: string, to: string): Promise<void> {
  for (const name of await readdir(from, { recursive: true })) {
    const [path, copy] = [join(from, name), join(to, name)];
    const isFolder = (await stat(path)).isDirectory();
    await mkdir(isFolder ? copy : dirname(copy), { recursive: true });
    if (isFolder) continue;
    if (/meta\.db/.test(name)) await copyFile(path, copy);
    else await link(path, copy);
  }
}
