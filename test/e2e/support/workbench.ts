import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { CANARY } from '../../support/canary.ts';
import {
  type DockerRegistry,
  type DockerRegistryOptions,
  startDockerRegistry,
} from '../../support/docker-registry.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { type FinchOptions, type Finished, finch } from './finch.ts';

/** What finch needs to know beyond its command line; without `home` it uses the workbench's own. */
type RunOptions = Partial<FinchOptions>;

/** A folder and an empty home for one test, and finch in it. */
export interface Workbench extends AsyncDisposable {
  readonly folder: string;
  /** The `FINCH_HOME` that commands use when they are given no other. */
  readonly home: string;
  /** The path of a file in the folder. */
  path(name: string): string;
  /** One more empty home. */
  newHome(): Promise<string>;
  /** Runs finch with the words of a line, or with words that hold spaces. */
  run(line: string | readonly string[], options?: RunOptions): Promise<Finished>;
  /** {@link Workbench.run} that must succeed; gives its stdout. */
  ok(line: string | readonly string[], options?: RunOptions): Promise<string>;
  /** {@link Workbench.run} that must end with status 1 and an empty stdout; gives its stderr. */
  fails(line: string | readonly string[], options?: RunOptions): Promise<string>;
}

/**
 * A place to run finch in, which goes away with its `await using`.
 * @param env environment variables of every run
 */
export async function workbench(env: Readonly<Record<string, string>> = {}): Promise<Workbench> {
  const folder = await temporaryFolder();
  const newHome = () => mkdtemp(join(folder.path, 'home-'));
  const home = await newHome();
  const run: Workbench['run'] = (line, options = {}) =>
    finch(typeof line === 'string' ? line.split(' ') : line, {
      home,
      cwd: folder.path,
      ...options,
      env: { ...env, ...options.env },
    });
  const withStatus = async (
    wanted: number,
    line: string | readonly string[],
    options?: RunOptions,
  ) => {
    const finished = await run(line, options);
    if (finished.exitCode === wanted) return finished;
    const { stdout, stderr, exitCode } = finished;
    const shown = typeof line === 'string' ? line : line.join(' ');
    throw new Error(`finch ${shown} ended with ${exitCode}\n${stdout}\n${stderr}`);
  };
  return {
    folder: folder.path,
    home,
    path: (name) => join(folder.path, name),
    newHome,
    run,
    async ok(line, options) {
      return (await withStatus(0, line, options)).stdout;
    },
    async fails(line, options) {
      const { stdout, stderr } = await withStatus(1, line, options);
      if (stdout !== '') throw new Error(`a failure wrote to stdout: ${stdout}`);
      return stderr;
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** A {@link Workbench} with Debian's docker-registry beside it. */
export interface RegistryBench extends Workbench {
  readonly registry: DockerRegistry;
  /** The folder in which the registry keeps what it holds. */
  readonly registryRoot: string;
}

/** The user that {@link secureBench}'s registry knows. */
export const USER = { name: 'testUser', password: CANARY } as const;

/** A workbench beside a registry; by default one that speaks plain HTTP and lets everyone in. */
export async function registryBench(
  options: Omit<DockerRegistryOptions, 'root'> = {},
): Promise<RegistryBench> {
  const root = await temporaryFolder();
  const registry = await startDockerRegistry({ ...options, root: root.path });
  const bench = await workbench(registry.ca === undefined ? {} : { SSL_CERT_FILE: registry.ca });
  return {
    ...bench,
    registry,
    registryRoot: root.path,
    async [Symbol.asyncDispose]() {
      await registry.stop();
      await bench[Symbol.asyncDispose]();
      await root[Symbol.asyncDispose]();
    },
  };
}

/**
 * A workbench beside a registry over TLS that asks {@link USER} for the password. Its authority is in
 * `SSL_CERT_FILE` of every run.
 */
export function secureBench(): Promise<RegistryBench> {
  return registryBench({ tls: true, htpasswd: { [USER.name]: USER.password } });
}

/** Logs {@link USER} in at the bench's registry. */
export async function login(bench: RegistryBench, home: string = bench.home): Promise<void> {
  await bench.ok(`login -u ${USER.name} --password-stdin ${bench.registry.host}`, {
    home,
    stdin: USER.password,
  });
}
