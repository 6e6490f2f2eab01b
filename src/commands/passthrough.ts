import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import type { Engine } from '../engine/engine.ts';
import {
  asksForHelp,
  helpOfFinch,
  type NerdctlCommand,
  nerdctlCommandOf,
} from '../engine/nerdctl-commands.ts';
import { buildFlags, readFlags } from '../engine/nerdctl-flags.ts';
import { wantsRegistries, writtenWords } from '../engine/written-words.ts';
import { FinchError } from '../errors.ts';
import { machineFolder } from '../vm/machine-folder.ts';
import { assertUnderstood, dockerWords } from './docker-words.ts';
import { type ReadyEngine, readyEngine } from './ready-engine.ts';

/** What nerdctl is called with. */
export interface PassedCommand extends AbortOptions {
  /** The command that the words begin with. */
  readonly command: NerdctlCommand;
}

/**
 * Has nerdctl do what the user wrote, word for word, on the user's terminal. Only a build whose image has a name is
 * told, beside that, to bring it into the store, and what docker alone knows is taken out.
 * @returns the exit status of nerdctl, which has said itself what went wrong
 * @throws FinchError `VM` and others when nerdctl was not run
 */
export async function passThrough(
  app: App,
  written: readonly string[],
  { command: named, signal }: PassedCommand,
): Promise<number> {
  const docker = dockerWords(written);
  const { words, pushed } = docker;
  const command = nerdctlCommandOf(words) ?? named;
  if (asksForHelp(command, words)) return showHelp(app, words, { command, signal });
  await assertUnderstood(app, docker);
  const { engine, bridge } = await readyEngine(app, { signal });
  if (pushed !== undefined && bridge === undefined) throw noWayToPush(app);
  if (engine.machine.kind === 'native') return call(app, words, { engine, bridge, pushed, signal });
  const { seenFolder } = await import('./seen-folder.ts');
  const cwd = await seenFolder(app, words);
  const { environmentFile } = await import('./environment-file.ts');
  await using file = await environmentFile(app, words);
  return await call(app, file.words, { engine, bridge, pushed, cwd, signal });
}

function noWayToPush({ host }: App): FinchError {
  const { log } = machineFolder(host.home);
  return new FinchError('VM', 'what is built cannot be pushed without the bridge to the machine', {
    hint: `see ${log}; then run finch vm stop and finch vm start`,
  });
}

interface CallOptions extends ReadyEngine, AbortOptions {
  readonly cwd?: string;
  /** The names of the image that is to be pushed when it is built; undefined when it is not. */
  readonly pushed: readonly string[] | undefined;
}

/** Calls nerdctl, and sees to it that it and finch know the images that the other has. */
async function call(
  app: App,
  words: readonly string[],
  { engine, bridge, pushed, cwd = process.cwd(), signal }: CallOptions,
): Promise<number> {
  const asksRegistries = wantsRegistries(words);
  const { verb, args } = writtenWords(words);
  const input = verb === 'build' ? await dockerfileOnStdin(app, args, { signal }) : undefined;
  const run = (all: readonly string[]) => engine.runInherited(all, { cwd, asksRegistries, input });
  if (bridge === undefined) return run(words);
  if (!asksRegistries && USES_IMAGES.has(verb)) {
    const { freshImages } = await import('./fresh-images.ts');
    await freshImages(app, words, { engine, cwd, input, signal });
  }
  if (verb === 'build') {
    const { buildIntoStore } = await import('./build-into-store.ts');
    const status = await buildIntoStore(app, words, { engine, bridge, run });
    if (status !== 0 || pushed === undefined) return status;
    const { pushBuilt } = await import('./push-built.ts');
    await pushBuilt(app, pushed, { signal });
    return status;
  }
  return run(words);
}

/** What makes a container of an image, an image of others, or tells of one. */
const USES_IMAGES = new Set([
  ...['build', 'run', 'create', 'compose', 'inspect', 'history', 'convert'],
]);

/** The most bytes of a Dockerfile. */
const MAX_DOCKERFILE = 1024 * 1024;

/**
 * The Dockerfile that is to be read from stdin; undefined when none is.
 * @throws FinchError `USAGE` for one of more than 1 MiB; the signal's reason
 */
async function dockerfileOnStdin(
  { host: { stdin } }: App,
  args: readonly string[],
  { signal }: AbortOptions,
): Promise<Uint8Array | undefined> {
  const { flags } = readFlags(args, buildFlags);
  const file = flags.findLast(({ name }) => name === 'file' || name === 'f')?.value;
  if (file !== '-' || stdin.isTerminal) return undefined;
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of stdin.stream({ signal })) {
    pieces.push(piece);
    length += piece.length;
    if (length <= MAX_DOCKERFILE) continue;
    throw new FinchError('USAGE', 'the Dockerfile on stdin has more than 1 MiB', {
      hint: 'see that a Dockerfile goes in, and not what is built of it',
    });
  }
  return Buffer.concat(pieces);
}

/** nerdctl's own help, of which there is only a line where it cannot be asked. */
async function showHelp(
  app: App,
  words: readonly string[],
  { command, signal }: PassedCommand,
): Promise<number> {
  const engine = await app.engine();
  const help = await helpOf(engine, [...words], { signal });
  const [word] = words;
  const without = [
    `finch ${command.path}: ${command.summary}`,
    `Its flags are those of nerdctl ${word}. To see them, start the virtual machine: finch vm start`,
  ].join('\n\n');
  app.talk.print((help ?? without).trimEnd());
  return 0;
}

async function helpOf(
  engine: Engine,
  words: readonly string[],
  { signal }: AbortOptions,
): Promise<string | undefined> {
  const { machine } = engine;
  const { status } = await machine.state({ signal });
  if (machine.kind === 'lima' && status !== 'Running') return undefined;
  const asked = words.at(-1)?.startsWith('-') ? words.slice(0, -1) : words;
  try {
    const run = await engine.capture([...asked, '--help'], { signal });
    const text = new TextDecoder().decode(run.stdout);
    return run.status === 0 && text.trim() !== '' ? helpOfFinch(text) : undefined;
  } catch (error) {
    const { hasCode } = await import('../errors.ts');
    if (hasCode(error, 'VM')) return undefined;
    throw error;
  }
}
