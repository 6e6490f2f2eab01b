import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finished, finch, finchOk } from '../e2e/support/finch.ts';
import { firstLine } from '../e2e/support/first-line.ts';
import type { Victim } from './killing.ts';
import { archiveOf, type Form, type Recipe } from './recipes.ts';
import { whileServing } from './serving.ts';
import { walkRegistry } from './walk-graph.ts';

/** What all scenes have around them. */
export interface Stage {
  readonly folder: string;
  /** A home with the images of {@link Stage.old} and `fresh:1`, for scenes that push. Not to be killed in. */
  readonly source: string;
  /** What is in every home before a scene, by name. */
  readonly old: Readonly<Record<string, Recipe>>;
  /** An image that shares a layer with those, and is in no home. */
  readonly fresh: Recipe;
  /** The host of a docker-registry with `fresh:1`, where there is one. */
  readonly registry: string | undefined;
}

/** One command in one home, about to be killed. */
export interface Scene extends Victim {
  /** Another process at the same time, which nobody kills; throws when it fails. */
  readonly beside?: () => Promise<void>;
  /** What is done after the kill to get what the command was for. Default: the same command. */
  readonly again?: () => Promise<Finished>;
  /** Looks at what is not in the home, after the kill and again when everything is done; throws. */
  readonly check?: (isDone: boolean) => Promise<void>;
}

/** A kind of scene. */
export interface Kind {
  readonly name: string;
  /** Whether it is a load or a push, which the goal is about. */
  readonly isMain: boolean;
  /** Names of {@link Stage.old} that the command may take away or move. */
  readonly changes?: readonly string[];
  /** Sets up the n-th scene of this kind in a home. */
  readonly set: (home: string, n: number) => Promise<Scene>;
}

/** Every kind of scene that is possible here. */
export function scenesOn(stage: Stage): readonly Kind[] {
  const { registry } = stage;
  return [
    loadScene(stage, 'docker', 'file'),
    loadScene(stage, 'oci', 'file'),
    loadScene(stage, 'docker.gz', 'stdin'),
    loadScene(stage, 'oci.zst', 'stdin'),
    loadBesideLoad(stage),
    loadIntoNothing(stage),
    ...(registry === undefined ? [] : [pushScene(stage, registry), pullScene(stage, registry)]),
    serveScene(stage),
    plainScene('tag', ['tag', 'old:1', 'moved:1']),
    plainScene('tag over', ['tag', 'old:1', 'old:2'], ['docker.io/library/old:2']),
    plainScene('rmi', ['rmi', '-f', 'old:2'], ['docker.io/library/old:2']),
  ];
}

function loadScene(stage: Stage, form: Form, from: 'file' | 'stdin'): Kind {
  const archive = archiveOf(stage.fresh, 'fresh:1', form);
  return {
    name: `load ${form} from ${from === 'file' ? 'a file' : 'stdin'}`,
    isMain: true,
    async set(home) {
      if (from === 'stdin') return { home, args: ['load'], stdin: new Blob([archive]) };
      const path = join(stage.folder, `fresh.${form}`);
      if (!(await Bun.file(path).exists())) await Bun.write(path, archive);
      return { home, args: ['load', '-q', '-i', path] };
    },
  };
}

/** The very first command, which also makes the store. */
function loadIntoNothing(stage: Stage): Kind {
  const { set, ...kind } = loadScene(stage, 'oci', 'file');
  return {
    ...kind,
    name: 'load into a new home',
    changes: Object.keys(stage.old).map((name) => `docker.io/library/${name}`),
    async set(home, n) {
      await rm(join(home, 'store'), { recursive: true });
      return set(home, n);
    },
  };
}

function loadBesideLoad(stage: Stage): Kind {
  const [killed, living] = ['fresh:1', 'living:1'].map((name) =>
    archiveOf(stage.fresh, name, 'docker'),
  ) as [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>];
  return {
    name: 'load beside a load of the same layers',
    isMain: true,
    set: async (home) => ({
      home,
      args: ['load'],
      stdin: new Blob([killed]),
      async beside() {
        await finchOk(['load', '-q'], { home, stdin: new Blob([living]) });
      },
    }),
  };
}

function pushScene(stage: Stage, registry: string): Kind {
  return {
    name: 'push',
    isMain: true,
    async set(home, n) {
      const path = `pushed-${n}`;
      const name = `${registry}/${path}:1`;
      await finchOk(['tag', 'old:multi', name], { home });
      return {
        home,
        args: ['push', '-q', name],
        check: (isDone) => checkTag(registry, { path, isDone, recipe: stage.old['old:multi'] }),
      };
    },
  };
}

function pullScene(stage: Stage, registry: string): Kind {
  return {
    name: 'pull',
    isMain: false,
    set: async (home) => ({
      home,
      args: ['pull', '-q', '--all-platforms', `${registry}/fresh:1`],
      check: () => checkTag(registry, { path: 'fresh', isDone: true, recipe: stage.fresh }),
    }),
  };
}

/** A registry over the home that is killed while somebody pushes into it. */
function serveScene(stage: Stage): Kind {
  const pushTo = async (host: string) => {
    await finchOk(['tag', 'fresh:1', `${host}/team/fresh:1`], { home: stage.source });
    return finch(['push', '-q', `${host}/team/fresh:1`], { home: stage.source });
  };
  return {
    name: 'registry serve',
    isMain: false,
    async set(home) {
      const listening = Promise.withResolvers<string>();
      return {
        home,
        args: ['registry', 'serve', '--listen', '127.0.0.1:0'],
        async ready(stdout) {
          const line = await firstLine(stdout);
          listening.resolve(line.replace('listening on http://', ''));
        },
        async beside() {
          const { exitCode, stderr } = await pushTo(await listening.promise);
          // The killed server may have taken all of it; else one line says what happened, and no stack.
          if (exitCode !== 0 && !/^finch: .+\nhint: .+\n$/.test(stderr)) throw new Error(stderr);
        },
        again: () =>
          whileServing(home, async (host) => {
            const finished = await pushTo(host);
            await checkTag(host, { path: 'team/fresh', isDone: true, recipe: stage.fresh });
            return finished;
          }),
      };
    },
  };
}

function plainScene(name: string, args: readonly string[], changes: readonly string[] = []): Kind {
  return { name, isMain: false, changes, set: async (home) => ({ home, args }) };
}

/** A tag `1` of a registry is whole; or not there, unless it is done. */
async function checkTag(
  host: string,
  {
    path,
    isDone,
    recipe,
  }: { readonly path: string; readonly isDone: boolean; readonly recipe: Recipe | undefined },
): Promise<void> {
  const url = `http://${host}/v2/${path}`;
  if (!isDone && (await fetch(`${url}/manifests/1`, { headers: ACCEPT_ALL })).status === 404)
    return;
  const { configs } = await walkRegistry(url, '1');
  if (`${configs}` !== `${recipe?.configs}`) throw new Error(`${url} has another image`);
}

const ACCEPT_ALL = { accept: '*/*' } as const;
