import { join } from 'node:path';
import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import { baseImages } from '../engine/base-images.ts';
import type { Engine } from '../engine/engine.ts';
import { buildFlags, containerFlags, type GivenFlag, readFlags } from '../engine/nerdctl-flags.ts';
import type { WantedImage } from '../engine/refresh-images.ts';
import { composeWords, writtenWords } from '../engine/written-words.ts';
import { FinchError } from '../errors.ts';
import { isImageId } from '../images/find-image.ts';
import { formatPlatform } from '../oci/platform.ts';
import { formatReference, tryParseReference } from '../oci/reference.ts';
import type { ImageStore } from '../store/image-store.ts';

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
  const images = await wantedOf(app, await namesOf(app, words, options), words);
  if (images.length === 0) return;
  const { refreshImages } = await import('../engine/refresh-images.ts');
  const { engine, signal } = options;
  const report = (line: string) => app.talk.note(line);
  const platforms = platformsOf(app, words);
  await refreshImages(engine, images, { platforms, report, signal });
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
  return [...baseImages(texts.join('\n'), new Map(given)), ...contextImages(flags)];
}

/** The images that `--build-context NAME=docker-image://IMAGE` puts in the place of names. */
function contextImages(flags: readonly GivenFlag[]): readonly string[] {
  return flags.flatMap(({ name, value = '' }) => {
    const image = name === 'build-context' && /^[^=]*=docker-image:\/\/(.*)$/.exec(value)?.[1];
    return image ? [image] : [];
  });
}

/** For what platforms images are needed; none for the engine's own, which stages of a build need as well. */
function platformsOf({ host }: App, words: readonly string[]): readonly string[] {
  const { verb, args } = writtenWords(words);
  if (verb !== 'build' && verb !== 'run' && verb !== 'create') return [];
  const { flags } = readFlags(args, verb === 'build' ? buildFlags : containerFlags);
  const given = flags.flatMap(({ name, value = '' }) =>
    name === 'platform' ? value.split(',') : [],
  );
  const own = formatPlatform(host.platform);
  const others = given.map((text) => text.trim()).filter((text) => text !== '' && text !== own);
  if (others.length === 0) return [];
  return [...new Set(verb === 'build' ? [own, ...others] : others)];
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
    if ((await wantedOf(app, [name], ['inspect'])).length === 0) continue;
    const inspect = ['container', 'inspect', '--format', '{{.ID}}', name];
    const { status } = await engine.capture(inspect, { signal });
    if (status !== 0) names.push(name);
  }
  return names;
}

async function wantedOf(
  app: App,
  names: readonly string[],
  words: readonly string[],
): Promise<readonly WantedImage[]> {
  const texts = [...new Set(names)].filter((name) => !name.startsWith('-'));
  if (texts.length === 0) return [];
  const { verb } = writtenWords(words);
  // `run` gets what is missing by itself, and shows how far it is.
  const missing = verb !== 'run' && verb !== 'create';
  try {
    const store = await app.store();
    const images = texts.map((text) => wanted(store, text, missing));
    return images.filter(({ records }) => records.length > 0);
  } catch (error) {
    if (!(error instanceof FinchError) || error.code === 'CANCELLED') throw error;
    app.talk.note(`the engine goes on without the images of finch: ${error.message}`);
    return [];
  }
}

function wanted(store: ImageStore, text: string, missing: boolean): WantedImage {
  const reference = tryParseReference(text);
  const named = reference && store.name(formatReference(reference));
  if (named !== undefined) return { records: [named], missing };
  const digits = text.replace(/^sha256:/, '');
  if (!isImageId(text) || digits.length < MIN_ID) return { records: [], missing };
  const [first, ...others] = store.targetsByPrefix(digits);
  const isOther = others.some(({ target }) => target.digest !== first?.target.digest);
  // By an id the engine knows only what it has.
  return { records: first === undefined || isOther ? [] : [first, ...others], missing: true };
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
