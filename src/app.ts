import { join } from 'node:path';
import type { AbortOptions } from './content.ts';
import type { CopyEvent } from './copy/events.ts';
import { credentialFile, fileKeychain } from './credentials/file-keychain.ts';
import type { Keychain } from './credentials/keychain.ts';
import type { Host } from './host/host.ts';
import { sendRequest, type Transport } from './http/transport.ts';
import type { Reference } from './oci/reference.ts';
import { openRepository } from './registry/open-repository.ts';
import type { Repository } from './registry/repository.ts';
import type { Access } from './registry/scope.ts';
import type { ImageStore } from './store/image-store.ts';
import { openImageStore } from './store/open-store.ts';
import { version } from './version.ts';

/** What a command says to the user while it runs. Its result it returns. */
export interface Talk {
  /** One line on stdout, at once. */
  print(line: string): void;
  /** One line on stderr. */
  note(line: string): void;
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
  readonly keychain: Keychain;
  /** The `config.json` that logins are kept in. */
  readonly credentialFile: string;
  /** What requests say they come from. */
  readonly userAgent: string;
  store(): Promise<ImageStore>;
  /** The repository of a reference. `insecure` when the user said so of its registry. */
  repository(
    reference: Reference,
    options: { readonly access: Access; readonly insecure: boolean },
  ): Repository;
}

/** Puts the program together around its surroundings. */
export function createApp(host: Host, talk: Talk): App {
  let store: Promise<ImageStore> | undefined;
  const userAgent = `finch/${version}`;
  const app: App = {
    ...{ host, talk, userAgent, transport: sendRequest },
    get credentialFile() {
      return credentialFile(host.env, host.home);
    },
    get keychain() {
      return fileKeychain(app.credentialFile);
    },
    store() {
      store ??= openImageStore(join(host.home, 'store'), { now: host.now });
      return store;
    },
    repository({ registry, repository: name }, { access, insecure }) {
      return openRepository(
        { registry, name },
        { transport: app.transport, keychain: app.keychain, access, insecure, userAgent },
      );
    },
    async [Symbol.asyncDispose]() {
      const opened = await store?.catch(() => undefined);
      await opened?.[Symbol.asyncDispose]();
    },
  };
  return app;
}
