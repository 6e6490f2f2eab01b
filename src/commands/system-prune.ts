import type { App } from '../app.ts';
import { formatSize } from '../config/size.ts';
import type { AbortOptions } from '../content.ts';
import type { Engine } from '../engine/engine.ts';
import { FinchError } from '../errors.ts';
import { type Command, silence } from './command.ts';

const FLAGS = ['all', 'force', 'volumes'] as const;

/** What `finch system prune` is to remove. */
interface Wanted extends AbortOptions {
  readonly all: boolean;
  readonly volumes: boolean;
}

/** `finch system prune`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Removes, after a question, what no container uses: in the machine, when it runs, and of the images of finch those that lost their name, or with --all every one that no container uses',
  flags: [
    { name: 'all', short: 'a', summary: 'also images that have a name but no container' },
    { name: 'force', short: 'f', summary: 'do not ask' },
    { name: 'volumes', summary: 'also volumes' },
  ],
  examples: [
    { line: 'finch system prune', what: 'remove what nobody can use any more' },
    { line: 'finch system prune --all --force', what: 'keep only what containers use' },
  ],
  async run(app, invocation) {
    const { signal } = invocation;
    const [all, force, volumes] = FLAGS.map((flag) => invocation.on(flag));
    const wanted = { all: all ?? false, volumes: volumes ?? false, signal };
    const engine = await runningEngine(app, wanted);
    if (!force && !(await isGranted(app, wanted))) return silence;

    if (engine !== undefined) await pruneEngine(engine, wanted);
    const { pruneImages } = await import('../images/prune-images.ts');
    const except = engine && wanted.all ? await imagesInUse(engine, { signal }) : undefined;
    const { records, bytes } = await pruneImages(await app.store(), { except, signal });
    const untagged = records.map(
      ({ name, target }) => `Untagged: ${name.replace(/@.*/, '')}@${target.digest}`,
    );
    return {
      kind: 'lines',
      lines: [
        ...(untagged.length > 0 ? ['Deleted Images:', ...untagged, ''] : []),
        `Total reclaimed space: ${formatSize(bytes)}`,
      ],
    };
  },
};

/**
 * The engine, if its machine runs; undefined when there is nothing in one to remove. Who wants images gone that
 * have names must know what containers there are.
 */
async function runningEngine(app: App, { all, signal }: Wanted): Promise<Engine | undefined> {
  const engine = await app.engine();
  const { status } = await engine.machine.state({ signal });
  if (status === 'Running') return engine;
  if (all) {
    throw new FinchError(
      'VM',
      'the machine does not run, so nobody knows which images containers use',
      {
        hint:
          status === 'Nonexistent'
            ? 'remove images by name with: finch rmi'
            : 'run `finch vm start` first, or leave out --all',
      },
    );
  }
  app.talk.note('the machine does not run: only the images of finch are looked at');
  return undefined;
}

/** https://github.com/containerd/nerdctl/blob/v2.2.2/cmd/nerdctl/system/system_prune.go */
function questionOf({ all, volumes }: Wanted): string {
  const things = [
    'all stopped containers',
    'all networks not used by at least one container',
    ...(volumes ? ['all volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
    all ? 'all build cache' : 'all dangling build cache',
  ];
  const list = things.map((thing) => `  - ${thing}\n`).join('');
  return `WARNING! This will remove:\n${list}Are you sure you want to continue? [y/N] `;
}

async function isGranted({ host }: App, wanted: Wanted): Promise<boolean> {
  host.stdout.write(questionOf(wanted));
  let answer = '';
  for await (const bytes of host.stdin.stream({ signal: wanted.signal })) {
    answer += new TextDecoder().decode(bytes);
    if (answer.includes('\n') || answer.length > MAX_ANSWER) break;
  }
  return /^\s*y\s*(?:\n|$)/i.test(answer);
}

/** More than a yes or a no has. */
const MAX_ANSWER = 1024;

async function pruneEngine(engine: Engine, { all, volumes, signal }: Wanted): Promise<void> {
  signal?.throwIfAborted();
  const flags = [...(all ? ['--all'] : []), ...(volumes ? ['--volumes'] : [])];
  const status = await engine.runInherited(['system', 'prune', '--force', ...flags]);
  if (status === 0) return;
  throw new FinchError('VM', `nerdctl system prune ended with exit status ${status}`, {
    hint: 'nothing of the images of finch was removed; what went wrong stands above',
  });
}

/** What images the containers that are left have: their digests, or their names where the engine does not know those. */
async function imagesInUse(engine: Engine, { signal }: AbortOptions): Promise<readonly string[]> {
  const { engineLines } = await import('../engine/ask-engine.ts');
  const lines = await engineLines(engine, ['ps', '--all', '--no-trunc', '--format', '{{.Image}}'], {
    signal,
  });
  const { knownImages } = await import('../engine/known-images.ts');
  const names = lines.filter((line) => line !== '');
  const known = await knownImages(engine, { names, signal });
  return names.map((name) => known.get(name)?.digest ?? name);
}
