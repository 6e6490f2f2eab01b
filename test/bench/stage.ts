import { Database } from 'bun:sqlite';
import { lookup } from 'node:dns/promises';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { finchBinary, finchEnvironment, finchOk } from '../e2e/support/finch.ts';
import { makeAuthority } from '../support/certificates.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { type Layout, writeLayout } from './layouts.ts';
import type { Contestant, Timed } from './measure.ts';
import { type Peer, peers, type Source } from './peers.ts';
import { type Server, startLink, startRegistry, startSink } from './servers.ts';

const MIB = 1024 * 1024;
const LOOPBACK = '127.0.0.1';

/** The images that are pushed: how many bytes each layer has. */
const IMAGES = {
  tiny: [2000],
  typical: Array.from({ length: 10 }, () => 13_000_000),
  many: Array.from({ length: 100 }, () => MIB),
  big: [1024 * MIB],
} as const satisfies Readonly<Record<string, readonly number[]>>;

/** An image of the bench. */
export type ImageName = keyof typeof IMAGES;

/** Who images are pushed to. A link has a round trip of 50 ms. */
export type ServerName =
  | 'sink http'
  | 'sink https'
  | 'registry http'
  | 'link to sink'
  | 'link to registry';

/** One way for everybody to push an image. */
export interface PushOptions {
  readonly image: ImageName;
  readonly to: ServerName;
  /** What makes repositories of a row different from others. */
  readonly row: string;
  readonly runs: number;
  /** Whether it is pushed to where it is already. Default: to where nobody ever pushed. */
  readonly again?: boolean;
}

/** Images, servers and homes that the rows share, each made when first asked for. */
export class Stage implements AsyncDisposable {
  readonly folder: string;
  /** The home in which finch has the images. */
  readonly home: string;
  readonly #stack = new AsyncDisposableStack();
  readonly #made = new Map<string, Promise<unknown>>();

  private constructor(folder: string) {
    this.folder = folder;
    this.home = join(folder, 'home');
  }

  static async open(): Promise<Stage> {
    const folder = await temporaryFolder();
    const stage = new Stage(folder.path);
    stage.#stack.use(folder);
    return stage;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  /** An image, which finch also has in {@link Stage.home}. */
  image(name: ImageName): Promise<Layout> {
    return this.#once(`image ${name}`, async () => {
      const folder = join(this.folder, name);
      const layout = await writeLayout({ folder, layers: IMAGES[name] });
      const said = await finchOk(['load', '-q', '-i', folder], { home: this.home });
      const loaded = said.trim().replace('Loaded image: ', '');
      await finchOk(['tag', loaded, `${name}:1`], { home: this.home });
      return layout;
    });
  }

  certificate() {
    return this.#once('certificate', async () => {
      const folder = join(this.folder, 'certificates');
      await mkdir(folder);
      const names = `DNS:localhost,DNS:${hostname()},IP:${LOOPBACK}`;
      return makeAuthority(folder, { names });
    });
  }

  /** `SSL_CERT_FILE`, which finch and its peers all heed. */
  async trust(): Promise<Record<string, string>> {
    return { SSL_CERT_FILE: (await this.certificate()).ca };
  }

  server(name: ServerName): Promise<Server> {
    return this.#once(`server ${name}`, async () => {
      const server = await this.#start(name);
      this.#stack.use(server);
      if (name.endsWith('http')) return server;
      return { ...server, host: server.host.replace(LOOPBACK, await nameOfThisMachine()) };
    });
  }

  async #start(name: ServerName): Promise<Server> {
    const certificate = await this.certificate();
    switch (name) {
      case 'sink http':
        return startSink();
      case 'sink https':
        return startSink(certificate, { h1: true });
      case 'registry http':
        return startRegistry(this.folder);
      case 'link to sink':
        return startLink(this.#stack.use(await startSink(certificate)), 25);
      case 'link to registry':
        return startLink(this.#stack.use(await startRegistry(this.folder, certificate)), 25);
    }
  }

  /** An empty folder. */
  newHome(): Promise<string> {
    return mkdtemp(join(this.folder, 'home-'));
  }

  /** `finch push`. To a new repository, it remembers nothing of any registry. */
  finch(options: PushOptions): Contestant {
    const { image, to, row, again = false, runs } = options;
    const push = async (n: number): Promise<Timed> => {
      await this.image(image);
      const server = await this.server(to);
      const name = `${server.host}/${row}/finch${again ? '' : n}:latest`;
      if (!again) await this.forgetRegistries();
      await finchOk(['tag', `${image}:1`, name], { home: this.home });
      const env = finchEnvironment(this.home, await this.trust());
      return { command: [finchBinary, 'push', '-q', name], env, counts: () => server.counts() };
    };
    return { name: 'finch', runs, prepare: push };
  }

  /** A push by a peer. To a new repository, in a home of its own. */
  peer(name: Peer['name'], options: PushOptions): Contestant {
    const { image, to, row, again = false, runs } = options;
    let home: string | undefined;
    return {
      ...{ name, runs },
      prepare: async (n) => {
        const { folder } = await this.image(image);
        const source: Source = { kind: 'layout', folder };
        const server = await this.server(to);
        const repository = `${row}/${name}${again ? '' : n}`;
        const destination = { host: server.host, repository, isPlain: to.endsWith('http') };
        if (!again || home === undefined) home = await this.newHome();
        return {
          command: await peers[name].push(source, destination),
          env: { HOME: home, ...(await this.trust()) },
          counts: () => server.counts(),
        };
      },
    };
  }

  /** The largest layer of an image by curl: what sending costs without any registry protocol. */
  curl({ image, to, runs }: PushOptions): Contestant {
    return {
      ...{ name: 'curl', runs },
      prepare: async () => {
        const { layers } = await this.image(image);
        const server = await this.server(to);
        const scheme = to.endsWith('http') ? 'http' : 'https';
        const { ca } = await this.certificate();
        const url = `${scheme}://${server.host}/v2/curl/blobs/uploads/u1?digest=sha256:0`;
        const command = ['curl', '--silent', '--fail', '--http1.1', '--cacert', ca];
        command.push('-H', 'Expect:', '-T', layers[0]?.path ?? '', url);
        return { command, env: {}, counts: () => server.counts() };
      },
    };
  }

  /** Takes away what finch remembers of registries, but not where: a new home has no such place, once. */
  async forgetRegistries(): Promise<void> {
    const path = join(this.home, 'registries.db');
    if (!(await Bun.file(path).exists())) return;
    using database = new Database(path);
    const tables = database.query<{ name: string }, []>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
    );
    for (const { name } of tables.all()) database.run(`DELETE FROM "${name}"`);
  }

  #once<T>(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#made.get(key) as Promise<T> | undefined;
    const made = known ?? make();
    this.#made.set(key, made);
    return made;
  }
}

/**
 * The name of this machine, where it is one of loopback: what is called 127.0.0.1, finch asks first whether it
 * speaks plain HTTP, which no registry that is 50 ms away is asked.
 */
async function nameOfThisMachine(): Promise<string> {
  const { address } = await lookup(hostname(), 4).catch(() => ({ address: '' }));
  return address === LOOPBACK ? hostname() : LOOPBACK;
}
