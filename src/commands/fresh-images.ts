import { join } from 'node:path';
import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import { baseImages } from '../engine/base-images.ts';
import type { Engine } from '../engine/engine.ts';
import { buildFlags, readFlags } from '../engine/nerdctl-flags.ts';
import { composeWords, writtenWords } from '../engine/written-words.ts';
import { FinchError } from '../errors.ts';
import { isImageId } from '../images/find-image.ts';
import { formatReference, tryParseReference } from '../oci/reference.ts';
import type { ImageRecord, ImageStore } from '../store/image-store.ts';

/** The most bytes of a Dockerfile that are read. */
const MAX_DOCKERFILE = 1024 * 1024;

/** The shortest beginning of an image id that is looked up, as lists show it. */
const MIN_ID = 12;

/** For what images are refreshed. */
export interface FreshOptions extends AbortOptions {
  readonly engine: Engine;
  /** The folder in which nerdctl works. */
  readonly cwd: string;
  /** What nerdctl is to have on stdin, where a Dockerfile was read from there. */
  readonly input: Uint8Array | undefined;
}

/**
 * Sees to it that the engine works with what finch's own images are now. Which words of a command line name an
 * image is nerdctl's to know: each is looked up that could be one.
 */
export async function freshImages(
  app: App,
  words: readonly string[],
  options: FreshOptions,
): Promise<void> {
  const { verb } = writtenWords(words);
  const records = await recordsOf(app, await namesOf(app, words, options));
  if (records.length === 0) return;
  const { refreshImages } = await import('../engine/refresh-images.ts');
  const { engine, signal } = options;
  const report = (line: string) => app.talk.note(line);
  // `run` gets what is missing by itself, and shows how far it is.
  const missing = verb !== 'run' && verb !== 'create';
  await refreshImages(engine, records, { missing, report, signal });
}

async function namesOf(
  app: App,
  words: readonly string[],
  options: FreshOptions,
): Promise<readonly string[]> {
  const { verb, group, args } = writtenWords(words);
  switch (verb) {
    case 'build':
      return await basesOf(app, args, options);
    case 'compose':
      return await composed(words, options);
    case 'inspect':
      if (group === 'container') return [];
      return group === 'image' ? args : await withoutContainers(app, args, options);
    case 'run':
    case 'create':
    case 'history':
    case 'convert':
      return args;
    default:
      return [];
  }
}

/** What a build is built on. */
async function basesOf(
  { host }: App,
  args: readonly string[],
  { input }: FreshOptions,
): Promise<readonly string[]> {
  const { flags, places } = readFlags(args, buildFlags);
  const file = flags.findLast(({ name }) => name === 'file' || name === 'f')?.value;
  const context = args[places[0] ?? -1] ?? '.';
  const paths = file ? [file] : ['Dockerfile', 'Containerfile'].map((name) => join(context, name));
  const texts = input ? [new TextDecoder().decode(input)] : await Promise.all(paths.map(readText));
  const given = flags.flatMap(({ name, value = '' }) => {
    if (name !== 'build-arg') return [];
    const [key = '', ...rest] = value.split('=');
    const text = rest.length > 0 ? rest.join('=') : host.env[key];
    return text === undefined ? [] : [[key, text] as const];
  });
  return baseImages(texts.join('\n'), new Map(given));
}

/** What the project of a compose file is made of, for what makes containers or images of it. */
async function composed(
  words: readonly string[],
  { engine, cwd, signal }: FreshOptions,
): Promise<readonly string[]> {
  const { project, verb } = composeWords(words);
  if (!['up', 'run', 'create', 'build'].includes(verb)) return [];
  const limits = { maxBytes: 4 * 1024 * 1024, cwd, signal };
  const { status, stdout } = await engine.capture([...project, 'config'], limits);
  // nerdctl says itself what is wrong with the file.
  if (status !== 0) return [];
  const { composeImages } = await import('../engine/compose-images.ts');
  const { names, builds } = composeImages(new TextDecoder().decode(stdout));
  const bases = builds.map(async ({ dockerfile, args }) =>
    baseImages(await readText(dockerfile), args),
  );
  return [...names, ...(await Promise.all(bases)).flat()];
}

/** The words that name images of finch and no container, of which nerdctl would tell as well. */
async function withoutContainers(
  app: App,
  args: readonly string[],
  { engine, signal }: FreshOptions,
): Promise<readonly string[]> {
  const names: string[] = [];
  for (const name of args) {
    if ((await recordsOf(app, [name])).length === 0) continue;
    const inspect = ['container', 'inspect', '--format', '{{.ID}}', name];
    const { status } = await engine.capture(inspect, { signal });
    if (status !== 0) names.push(name);
  }
  return names;
}

async function recordsOf(app: App, names: readonly string[]): Promise<readonly ImageRecord[]> {
  const texts = [...new Set(names)].filter((name) => !name.startsWith('-'));
  if (texts.length === 0) return [];
  try {
    const store = await app.store();
    return [...new Set(texts.flatMap((text) => recordOf(store, text)))];
  } catch (error) {
    if (!(error instanceof FinchError) || error.code === 'CANCELLED') throw error;
    app.talk.note(`the engine goes on without the images of finch: ${error.message}`);
    return [];
  }
}

function recordOf(store: ImageStore, text: string): readonly ImageRecord[] {
  const reference = tryParseReference(text);
  const named = reference && store.name(formatReference(reference));
  if (named !== undefined) return [named];
  const digits = text.replace(/^sha256:/, '');
  if (!isImageId(text) || digits.length < MIN_ID) return [];
  return store.targetsByPrefix(digits).slice(0, 1);
}

async function readText(path: string): Promise<string> {
  try {
    const file = Bun.file(path);
    if (!(await file.stat()).isFile()) return '';
    return await file.slice(0, MAX_DOCKERFILE).text();
  } catch {
    // There is none.
    return '';
  }
}
