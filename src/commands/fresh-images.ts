import { join } from 'node:path';
import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import { baseImages } from '../engine/base-images.ts';
import type { Engine } from '../engine/engine.ts';
import { FinchError } from '../errors.ts';
import { formatReference, parseReference } from '../oci/reference.ts';
import type { ImageRecord } from '../store/image-store.ts';

/** The most bytes of a Dockerfile that are read. */
const MAX_DOCKERFILE = 1024 * 1024;

/** For what images are refreshed. */
export interface FreshOptions extends AbortOptions {
  readonly engine: Engine;
}

/**
 * Sees to it that the engine starts containers of, and builds on, what finch's own images are now. Which words of a
 * command line name an image is nerdctl's to know: each is looked up that could be one.
 */
export async function freshImages(
  app: App,
  words: readonly string[],
  { engine, signal }: FreshOptions,
): Promise<void> {
  const isBuild = words.slice(0, 2).includes('build');
  const named = isBuild ? baseImages(await dockerfiles(words)) : words.slice(1);
  const records = await recordsOf(app, named);
  if (records.length === 0) return;
  const { refreshImages } = await import('../engine/refresh-images.ts');
  const report = (line: string) => app.talk.note(line);
  await refreshImages(engine, records, { missing: isBuild, report, signal });
}

async function recordsOf(app: App, names: readonly string[]): Promise<readonly ImageRecord[]> {
  const whole = new Set(names.filter((name) => !name.startsWith('-')).flatMap(wholeName));
  if (whole.size === 0) return [];
  try {
    const store = await app.store();
    return [...whole].flatMap((name) => store.name(name) ?? []);
  } catch (error) {
    if (!(error instanceof FinchError) || error.code === 'CANCELLED') throw error;
    app.talk.note(`the engine goes on without the images of finch: ${error.message}`);
    return [];
  }
}

function wholeName(text: string): readonly string[] {
  try {
    return [formatReference(parseReference(text))];
  } catch (error) {
    if (error instanceof FinchError) return [];
    throw error;
  }
}

/** The texts of all files that could be what is built: those that are named, and those in folders that are. */
async function dockerfiles(words: readonly string[]): Promise<string> {
  const named = words.map((word) => word.replace(/^(?:-f=?|--file=)/, ''));
  const paths = named.flatMap((name) => [
    name,
    join(name, 'Dockerfile'),
    join(name, 'Containerfile'),
  ]);
  const texts = await Promise.all(paths.map(readText));
  return texts.join('\n');
}

async function readText(path: string): Promise<string> {
  try {
    const file = Bun.file(path);
    if (!(await file.stat()).isFile()) return '';
    return await file.slice(0, MAX_DOCKERFILE).text();
  } catch {
    // It is none.
    return '';
  }
}
