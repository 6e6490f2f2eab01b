import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { isPassing } from '../oci/bridge-repository.ts';
import type { JsonObject } from '../oci/json.ts';
import { excerpt } from '../text.ts';
import { version } from '../version.ts';
import type { Command } from './command.ts';

/** The names that kernels give to processors, as docker shows them. */
const KERNEL_NAMES: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

const MODES = new Set(['dockercompat', 'native']);

/** `finch info`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Shows where containers run and where images are. The machine is not started for that: when it does not run, only what finch knows itself is shown, and the exit status is 0',
  flags: [
    {
      name: 'mode',
      value: 'MODE',
      summary: 'whose fields: dockercompat or native (default: dockercompat)',
    },
    {
      name: 'format',
      short: 'f',
      value: 'FORMAT',
      summary: "json, or a Go template of docker's fields and of Finch's own below .Finch",
    },
  ],
  examples: [
    { line: 'finch info', what: 'show all' },
    { line: "finch info --format '{{.OSType}}/{{.Architecture}}'", what: 'what containers run on' },
  ],
  async run(app, invocation) {
    const { signal } = invocation;
    const mode = invocation.text('mode');
    if (mode !== undefined && !MODES.has(mode)) {
      throw new FinchError('USAGE', `unknown mode: ${excerpt(mode)}`, {
        hint: 'it is dockercompat or native',
      });
    }
    const own = await ownPart(app, { signal });
    const isRunning = own.Machine.Status === 'Running';
    const engine = isRunning ? await enginePart(app, { mode, signal }) : undefined;
    const { platform } = app.host;
    const value = engine?.value ?? {
      OSType: platform.os,
      Architecture: KERNEL_NAMES[platform.architecture] ?? platform.architecture,
    };
    const lines = [
      ...(engine === undefined ? [] : [...engine.lines, '']),
      'Finch:',
      ` Version:          ${own.Version}`,
      ` Home:             ${own.Home}`,
      ` Store:            ${own.Store}`,
      ` Images:           ${own.Images}`,
      ` Machine:          ${own.Machine.Status} (${own.Machine.Kind})`,
    ];
    const format = invocation.text('format');
    return { kind: 'value', value: { ...value, Finch: own }, format, lines };
  },
};

async function ownPart(app: App, { signal }: AbortOptions) {
  const { storePath: Store, host } = app;
  const machine = await app.machine();
  const { status, reason } = await machine.state({ signal });
  if (status !== 'Running') {
    app.talk.note(`what runs containers cannot be asked: ${reason ?? `the machine is ${status}`}`);
  }
  return {
    Version: `v${version}`,
    Home: host.home,
    Store,
    Images: await countImages(app, { isRunning: status === 'Running', signal }),
    Machine: { Kind: machine.kind, Status: status },
  };
}

/** How many names images have, in the store and in the machine. */
async function countImages(
  app: App,
  { isRunning, signal }: AbortOptions & { readonly isRunning: boolean },
): Promise<number> {
  const here = (await app.store()).names().map(({ name }) => name);
  const names = new Set(here.filter((name) => !isPassing(name)));
  if (isRunning) {
    const { sidesOf } = await import('./engine-side.ts');
    const { rowsThere } = await import('../engine/either-side.ts');
    const sides = await sidesOf(app);
    const rows = sides && (await rowsThere(sides, { signal }));
    for (const { name } of rows ?? []) names.add(name);
  }
  return names.size;
}

interface EnginePart {
  readonly value: JsonObject;
  readonly lines: readonly string[];
}

/** What the engine says, as data and in nerdctl's words; undefined, with a line on stderr, when it says nothing. */
async function enginePart(
  app: App,
  { mode, signal }: AbortOptions & { readonly mode: string | undefined },
): Promise<EnginePart | undefined> {
  const { askEngine, engineLines } = await import('../engine/ask-engine.ts');
  const engine = await app.engine();
  const asked = ['info', ...(mode === undefined ? [] : ['--mode', mode])];
  try {
    const [{ value, remarks }, lines] = await Promise.all([
      askEngine(engine, [...asked, '--format', 'json'], { signal }),
      engineLines(engine, asked, { signal }),
    ]);
    for (const remark of remarks) app.talk.note(remark);
    return { value, lines };
  } catch (error) {
    if (!(error instanceof FinchError) || error.code === 'CANCELLED') throw error;
    app.talk.note(`what runs containers does not answer: ${error.message}`);
    return undefined;
  }
}
