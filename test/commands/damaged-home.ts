import { expect } from 'bun:test';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expectError } from '../e2e/support/expectations.ts';
import { filesIn } from '../e2e/support/home-contents.ts';
import { type Built, buildImage, layerTar } from '../support/images.ts';
import { type Finch, finch } from './command-line.ts';

/** The image `app:1` of {@link twoImages}. */
export const app: Built = buildImage({ layers: [layerTar('app')] });
/** The image `other:1` of {@link twoImages}. */
export const other: Built = buildImage({ layers: [layerTar('other')] });

/** A home with two images, `app:1` and `other:1`. */
export async function twoImages(): Promise<Finch> {
  const place = await finch();
  await place.load(app, 'app:1');
  await place.load(other, 'other:1');
  return place;
}

/** The path of something in the store of a home. */
export const inStore = ({ home }: Finch, ...path: readonly string[]): string =>
  join(home, 'store', ...path);

/** The whole names that `finch images` lists, sorted. */
export const names = async (place: Finch): Promise<string[]> =>
  (await place.stdout('images', '--format', '{{.Name}}')).split('\n').filter(Boolean).toSorted();

/** Runs what must fail with one error, one hint and nothing changed. */
export async function fails(place: Finch, ...argv: readonly string[]): Promise<string> {
  const before = await filesIn(place.home);
  const { status, stderr } = await place.run(...argv);
  expect(status).toBe(1);
  expectError(stderr, /^finch: /, /^hint: /);
  expect(await filesIn(place.home)).toEqual(before);
  return stderr;
}

/** Checks that nothing in the store is damaged, and that it holds these images and no more. */
export async function expectSound(
  place: Finch,
  built: readonly Built[] = [app, other],
): Promise<void> {
  const blobs = new Set(built.flatMap(({ order }) => order.map(({ digest }) => digest)));
  expect(await place.stdout('store', 'verify')).toStartWith(
    `${built.length} names, ${blobs.size} blobs, `,
  );
}

/** Puts a pipe, from which nothing ever comes, in place of a file. */
export async function makePipe(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  Bun.spawnSync(['mkfifo', path]);
}
