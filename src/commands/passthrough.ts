import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import type { Engine } from '../engine/engine.ts';
import { asksForHelp, helpOfFinch, type NerdctlCommand } from '../engine/nerdctl-commands.ts';
import { readyEngine } from './ready-engine.ts';

/** What nerdctl is called with. */
export interface PassedCommand extends AbortOptions {
  /** The command that the words begin with. */
  readonly command: NerdctlCommand;
}

/**
 * Has nerdctl do what the user wrote, word for word, on the user's terminal. Only a build whose image has a name is
 * told, beside that, to bring it into the store.
 * @returns the exit status of nerdctl, which has said itself what went wrong
 * @throws FinchError `VM` and others when nerdctl was not run
 */
export async function passThrough(
  app: App,
  words: readonly string[],
  { command, signal }: PassedCommand,
): Promise<number> {
  if (asksForHelp(command, words)) return showHelp(app, words, { command, signal });
  const { stdin, stdout } = app.host;
  const { engine, bridge } = await readyEngine(app, { signal });
  if (engine.machine.kind === 'lima') {
    const { noteUnseenFolder } = await import('./unseen-folder.ts');
    await noteUnseenFolder(app, words);
  }
  const isTerminal = stdin.isTerminal && stdout.isTerminal;
  const run = (args: readonly string[]) => engine.runInherited(args, { isTerminal });
  if (bridge === undefined) return run(words);
  if (usesImages(words)) {
    const { freshImages } = await import('./fresh-images.ts');
    await freshImages(app, words, { engine, signal });
  }
  if (isCommit(words)) {
    const status = await run(words);
    if (status !== 0) return status;
    const { fetchLastNamed } = await import('./engine-side.ts');
    await fetchLastNamed(app, words, { signal });
    return status;
  }
  if (!isBuild(words)) return run(words);
  const { buildIntoStore } = await import('./build-into-store.ts');
  return buildIntoStore(app, words, { engine, bridge, run });
}

/** Whether the words make a container of an image, or an image of others. */
function usesImages(words: readonly string[]): boolean {
  const [first = '', second = ''] = words;
  const word = first === 'container' ? second : first;
  return isBuild(words) || word === 'run' || word === 'create';
}

/** Whether the words are `build`, or `image build` or `builder build`. */
function isBuild([first = '', second]: readonly string[]): boolean {
  return first === 'build' || (['image', 'builder'].includes(first) && second === 'build');
}

/** Whether the words are `commit` or `container commit`, which make an image in the engine. */
function isCommit([first = '', second]: readonly string[]): boolean {
  return first === 'commit' || (first === 'container' && second === 'commit');
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
