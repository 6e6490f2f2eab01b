import { join } from 'node:path';
import type { AbortOptions } from './content.ts';
import type { CopyEvent } from './copy/events.ts';
import { credentialFile } from './credentials/credential-file.ts';
import type { Host } from './host/host.ts';
import type { Transport } from './http/transport.ts';
import type { Reference } from './oci/reference.ts';
import type { Repository } from './registry/repository.ts';
import type { Access } from './registry/scope.ts';
import type { ImageStore } from './store/image-store.ts';
import { version } from './version.ts';

/** What a command says to the user while it runs. Its result it returns. */
export interface Talk {
  /** One line on stdout, at once. */
  print(line: string): void;
  /** One line on stderr. */
  note(line: string): void;
  /** One line for `--debug`: what is done below. Nothing without it. */
  trace(line: string): void;
  /** Shows a copy while it runs; nothing when `quiet`. */
  progress(
    verb: { readonly active: string; readonly done: string },
    options: { readonly quiet: boolean },
  ): { update(event: CopyEvent): void } & Disposable;
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
  /** The repository of a reference. `insecure` when the user said so of its registry. */
  repository(
    reference: Reference,
    options: { readonly access: Access; readonly insecure: boolean },
  ): Promise<Repository>;
}

/**
 * Puts the program together around its surroundings. Code is loaded when its object is first asked for,
 * so that a command starts in the time of what it needs.
 */
export function createApp(host: Host, talk: Talk): App {
  let store: Promise<ImageStore> | undefined;
  const userAgent = `finch/${version}`;
  const app: App = {
    ...{ host, talk, userAgent },
    async transport(request) {
      const { sendRequest } = await import('./http/transport.ts');
      return sendRequest(request);
    },
    get credentialFile() {
      return credentialFile(host.env, host.home);
    },
    get storePath() {
      return join(host.home, 'store');
    },
    store() {
      store ??= openStore(app);
      return store;
    },
    async repository({ registry, repository: name }, { access, insecure }) {
      const { openRepository } = await import('./registry/open-repository.ts');
      const { fileKeychain } = await import('./credentials/file-keychain.ts');
      const keychain = fileKeychain(app.credentialFile);
      const { transport } = app;
      return openRepository(
        { registry, name },
        { transport, keychain, access, insecure, userAgent },
      );
    },
    async [Symbol.asyncDispose]() {
      const opened = await store?.catch(() => undefined);
      await opened?.[Symbol.asyncDispose]();
    },
  };
  return app;
}

async function openStore({ storePath, host }: App): Promise<ImageStore> {
  const { openImageStore } = await import('./store/open-store.ts');
  return openImageStore(storePath, { now: host.now });
}
