import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Aws } from './aws/aws.ts';
import type { AbortOptions } from './content.ts';
import type { CopyEvent } from './copy/events.ts';
import type { Credential } from './credentials/credential.ts';
import type { Keychain } from './credentials/keychain.ts';
import type { Logins } from './credentials/logins.ts';
import { ownConfigPath } from './credentials/places.ts';
import type { ServerName } from './credentials/server-name.ts';
import type { TrustedRealms } from './credentials/trusted-realms.ts';
import type { Engine } from './engine/engine.ts';
import type { Host } from './host/host.ts';
import type { Transport } from './http/transport.ts';
import type { Reference } from './oci/reference.ts';
import type { Courier } from './registry/courier/courier.ts';
import type { RegistryMemory } from './registry/memory/registry-memory.ts';
import type { CheckedLogin, CheckLoginOptions } from './registry/ping.ts';
import type { Repository } from './registry/repository.ts';
import type { Access } from './registry/scope.ts';
import type { Sites } from './registry/site.ts';
import { usualFolders } from './registry/usual-folders.ts';
import type { ImageStore } from './store/image-store.ts';
import { version } from './version.ts';
import type { Machine } from './vm/machine.ts';

/** How a copy is shown: bars or lines, as the place has it; lines; JSON; nothing. */
export type ProgressMode = 'auto' | 'plain' | 'json' | 'none';

/** What a command says to the user while it runs. Its result it returns. */
export interface Talk {
  /** One line on stdout, at once. */
  print(line: string): void;
  /** One line on stderr. */
  note(line: string): void;
  /** One line for `--debug`: what is done below. Without it nothing, and one that takes work is not even made. */
  trace(line: string | (() => string)): void;
  /** How copies are shown from now on; with `json` everything on stderr is one JSON object a line. Default: `auto`. */
  showAs(mode: ProgressMode): void;
  /** Shows a copy while it runs; `place` is where content goes when there is more than one target. */
  progress(verb: {
    readonly active: string;
    readonly done: string;
  }): { update(event: CopyEvent, place?: string): void } & Disposable;
  /** One more event for who reads JSON; nothing for others. */
  tell(event: Readonly<Record<string, unknown>>): void;
  /** One line from the user; not shown while it is typed when `secret`. */
  ask(question: string, options: AbortOptions & { readonly secret: boolean }): Promise<string>;
}

/** The objects of one run of the program, each made when first asked for. */
export interface App extends AsyncDisposable {
  readonly host: Host;
  readonly talk: Talk;
  readonly transport: Transport;
  /** The `config.json` that logins are kept in. */
  readonly credentialFile: string;
  /** What requests say they come from. */
  readonly userAgent: string;
  /** The folder of the store. */
  readonly storePath: string;
  store(): Promise<ImageStore>;
  /** What finch does with AWS: who the user is there, and tokens for Amazon ECR. */
  aws(): Promise<Aws>;
  /**
   * Where containers are built and run.
   * @throws FinchError `CONFIG_INVALID`, `IO` when `finch.yaml` does not say which
   */
  machine(): Promise<Machine>;
  /** nerdctl in {@link App.machine}, whether that runs or not. */
  engine(): Promise<Engine>;
  /** Who the user is at registries: the keychain of every repository. */
  logins(): Promise<Logins>;
  /** What finch remembers of registries from one command to the next. */
  registryMemory(): Promise<RegistryMemory>;
  /**
   * The repository of a reference. `insecure` when the user said so of its registry.
   * @param keychain answers who the user is. Default: {@link App.logins}
   */
  repository(
    reference: Reference,
    options: {
      readonly access: Access;
      readonly insecure: boolean;
      readonly hostsDir?: readonly string[] | undefined;
      readonly keychain?: Keychain | undefined;
      /** Whether uploads go on where earlier ones were cut off, and later ones may go on with them. Default: they do. */
      readonly resume?: boolean;
    },
  ): Promise<Repository>;
  /**
   * The ways to a registry by `hosts.toml` and `config.json`: its mirrors, then the registry itself.
   * @param hostsDir folders that are searched in place of the usual ones
   * @throws FinchError `CONFIG_INVALID`, `IO`
   */
  sites(
    registry: string,
    options: { readonly hostsDir?: readonly string[] | undefined },
  ): Promise<Sites>;
  /**
   * Asks a registry whether it accepts a credential. Nothing is kept, not even whom the user trusts with it.
   * @param hostsDir folders that are searched in place of the usual ones
   * @throws FinchError `UNAUTHENTICATED` when it does not, `REGISTRY`, `NETWORK`
   */
  checkLogin(
    server: ServerName,
    credential: Credential,
    options: Pick<CheckLoginOptions, 'insecure' | 'trustRealms' | 'signal'> & {
      readonly hostsDir?: readonly string[] | undefined;
    },
  ): Promise<CheckedLogin>;
  /** The token servers that took the logins of registries. */
  trustedRealms(): Promise<TrustedRealms>;
}

/** For whom the program runs. */
interface AppOptions {
  /** Whether it is a credential helper, which programs ask and ask again. Default: false. */
  readonly isHelper?: boolean;
}

/**
 * Puts the program together around its surroundings. Code is loaded when its object is first asked for,
 * so that a command starts in the time of what it needs.
 */
export function createApp(host: Host, talk: Talk, options: AppOptions = {}): App {
  let store: Promise<ImageStore> | undefined;
  let aws: Promise<Aws> | undefined;
  let machine: Promise<Machine> | undefined;
  let engine: Promise<Engine> | undefined;
  let logins: Promise<Logins> | undefined;
  let memory: Promise<RegistryMemory> | undefined;
  let courier: Promise<Courier> | undefined;
  let transport: Promise<Transport> | undefined;
  const userAgent = `finch/${version}`;
  const app: App = {
    ...{ host, talk, userAgent },
    async transport(request) {
      transport ??= openTransportOf(app);
      return (await transport)(request);
    },
    get credentialFile() {
      return ownConfigPath(host.env, host.home);
    },
    get storePath() {
      return join(host.home, 'store');
    },
    store() {
      store ??= openStore(app);
      return store;
    },
    aws() {
      aws ??= openAwsOf(app, options);
      return aws;
    },
    machine() {
      machine ??= findMachineOf(app);
      return machine;
    },
    engine() {
      engine ??= openEngineOf(app);
      return engine;
    },
    logins() {
      logins ??= openLogins(app);
      return logins;
    },
    registryMemory() {
      memory ??= openMemoryOf(app);
      return memory;
    },
    async repository(
      { registry, repository: name },
      { access, insecure, hostsDir, resume = true, ...who },
    ) {
      const { openAtSites } = await import('./registry/open-at-sites.ts');
      const sites = await app.sites(registry, { hostsDir });
      const keychain = who.keychain ?? (await app.logins());
      if (access === 'push') courier ??= openCourierOf(host);
      return openAtSites(sites, name, {
        ...{ transport: app.transport, keychain, access, insecure, resume, userAgent },
        ...{ trust: await app.trustedRealms(), memory: await app.registryMemory() },
        ...{ courier: await courier, report: talk.note, trace: talk.trace },
      });
    },
    async sites(registry, { hostsDir = usualFolders(host.home) }) {
      const { findSites } = await import('./registry/certs-dir.ts');
      const { readConfigFile } = await import('./credentials/config-file.ts');
      const path = app.credentialFile;
      return findSites(registry, {
        roots: hostsDir,
        config: { path, read: () => readConfigFile(path) },
        trace: talk.trace,
      });
    },
    async checkLogin({ registry }, credential, { hostsDir, ...options }) {
      const { checkLogin } = await import('./registry/ping.ts');
      const { server } = await app.sites(registry, { hostsDir });
      const [{ transport }, trust] = [app, await app.trustedRealms()];
      // A server of all registries has a login of its own.
      const site = server.name === registry ? { site: server } : {};
      const settings = { transport, credential, ...site, trust, userAgent, ...options };
      return await checkLogin(registry, settings);
    },
    async trustedRealms() {
      const { trustedRealms } = await import('./credentials/trusted-realms.ts');
      return trustedRealms(host.home);
    },
    async [Symbol.asyncDispose]() {
      (await courier?.catch(() => undefined))?.[Symbol.dispose]();
      (await memory?.catch(() => undefined))?.[Symbol.dispose]();
      const opened = await store?.catch(() => undefined);
      await opened?.[Symbol.asyncDispose]();
    },
  };
  return app;
}

async function openTransportOf({ host, talk }: App): Promise<Transport> {
  const { openTransport } = await import('./http/open-transport.ts');
  return openTransport({ env: host.env, trace: talk.trace, report: talk.note });
}

async function openMemoryOf({ host, talk }: App): Promise<RegistryMemory> {
  const { openRegistryMemory } = await import('./registry/memory/open-memory.ts');
  const path = join(host.home, 'registries.db');
  return openRegistryMemory({ path, trace: talk.trace, report: talk.note });
}

async function openCourierOf(host: Host): Promise<Courier> {
  const { openCourier } = await import('./registry/courier/courier.ts');
  return openCourier(host);
}

async function openStore({ storePath, host }: App): Promise<ImageStore> {
  const { openImageStore } = await import('./store/open-store.ts');
  return openImageStore(storePath, { now: host.now });
}

async function openAwsOf(
  { host, talk, transport, userAgent }: App,
  { isHelper = false }: AppOptions,
): Promise<Aws> {
  const { openAws } = await import('./aws/open-aws.ts');
  const home = homeOf(host);
  const surroundings = {
    ...{ env: host.env, home, transport, userAgent, isHelper },
    now: () => host.now().getTime(),
    ...{ trace: talk.trace, report: talk.note },
  };
  const askCode = (question: string, options: AbortOptions) =>
    talk.ask(question, { ...options, secret: true });
  return openAws(host.stdin.isTerminal ? { ...surroundings, askCode } : surroundings, {
    async profileFor(registry) {
      // Few have that file, and a helper that loads its code for nothing takes longer.
      if (home === undefined || !existsSync(join(home, 'finch.yaml'))) return undefined;
      const { profileIn } = await import('./config/finch-yaml.ts');
      return profileIn(home, registry);
    },
  });
}

async function findMachineOf({ host }: App): Promise<Machine> {
  const { findMachine } = await import('./vm/find-machine.ts');
  const { finchYamlPath } = await import('./config/finch-yaml.ts');
  return findMachine({
    ...{ env: host.env, home: host.home },
    async readSettings() {
      const { readMachineSettings } = await import('./config/read-machine-settings.ts');
      return readMachineSettings(finchYamlPath(host.home));
    },
  });
}

async function openEngineOf(app: App): Promise<Engine> {
  const { openEngine } = await import('./engine/engine.ts');
  const { env, home } = app.host;
  return openEngine({ machine: await app.machine(), home, env });
}

/** finch's home; undefined where there is none: tokens are got without one too. */
function homeOf(host: Host): string | undefined {
  try {
    return host.home;
  } catch {
    return undefined;
  }
}

async function openLogins({ host, talk, aws }: App): Promise<Logins> {
  const { openLogins: open } = await import('./credentials/open-logins.ts');
  const { ecrSource } = await import('./credentials/ecr-source.ts');
  const { env, home } = host;
  const { note: report, trace } = talk;
  return open({
    ...{ env, home, report, trace, waiting: report },
    source: ecrSource(aws, { report }),
    now: () => host.now().getTime(),
  });
}
