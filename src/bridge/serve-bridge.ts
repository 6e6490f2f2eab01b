import { randomBytes } from 'node:crypto';
import { lstatSync } from 'node:fs';
import type { AbortOptions } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import { holdFileLock } from '../host/file-lock.ts';
import { hideSecret } from '../http/redact.ts';
import type { Platform } from '../oci/platform.ts';
import { bridgeNaming } from '../server/naming.ts';
import { type RegistryServer, type ServeOptions, serveRegistry } from '../server/serve-registry.ts';
import type { ImageStore } from '../store/image-store.ts';
import { version } from '../version.ts';
import type { Machine } from '../vm/machine.ts';
import { type MachineFolder, machineFolder } from '../vm/machine-folder.ts';
import { BRIDGE_USER } from './bridge.ts';
import { writeLog } from './bridge-log.ts';
import { bridgeLogin } from './bridge-login.ts';
import { bridgePorts, rememberPort } from './bridge-ports.ts';
import { storeStamp, writeState } from './bridge-state.ts';
import { removeTraces } from './clear-bridge.ts';
import { type AskLogin, serveCredentials } from './credential-server.ts';
import { clearFetched, whileExpected } from './fetching.ts';
import { writeMachineFiles } from './machine-files.ts';
import { removeSocket } from './socket-folder.ts';
import { makePrivateFolder } from './start-lock.ts';
import { untilItEnds } from './until-it-ends.ts';

/** What a bridge is between, and for how long. */
export interface ServeBridgeOptions extends AbortOptions {
  readonly machine: Pick<Machine, 'hostAddress' | 'isUp'>;
  readonly openStore: () => Promise<ImageStore>;
  readonly ask: AskLogin;
  /** This program; undefined when it runs from its source and is no file of its own. */
  readonly program: string | undefined;
  /** What images run on here. */
  readonly platform: Platform;
}

/** How long a bridge waits for the lock that whoever looks for one holds for a moment. */
const LOCK_MS = 1000;

/**
 * Is the bridge of a home, until `signal` fires, its machine is down, or its folder or its store is replaced. It
 * writes down who it is once it answers, and leaves nothing of it.
 * @throws FinchError `VM` when there is one already, `IO`, `STORE_UNUSABLE`
 */
export async function serveBridge(home: string, options: ServeBridgeOptions): Promise<void> {
  const { machine, ask, program, platform } = options;
  const folder = machineFolder(home);
  await makePrivateFolder(folder.path);
  using lock = await holdFileLock(folder.lock, { patienceMs: LOCK_MS });
  if (lock === undefined) throw new FinchError('VM', `there is a bridge already at ${folder.path}`);
  const ownLock = inodeOf(folder.lock);
  await removeTraces(folder);
  if (options.signal?.aborted) return;
  const token = randomBytes(32).toString('base64url');
  hideSecret(token, { user: BRIDGE_USER });
  await using store = await options.openStore();
  await using resources = new AsyncDisposableStack();
  await clearFetched(folder, store);
  const naming = whileExpected(folder, bridgeNaming);
  const registry = await serveAtLastPort(folder, store, {
    ...{ naming, login: { user: BRIDGE_USER, password: token }, platform },
    onRequest: ({ method, path, status, error }) => {
      if (error !== undefined) writeLog(`${method} ${path}: ${status}: ${messageOf(error)}`);
    },
  });
  resources.defer(() => registry.stop());
  const { port } = registry;
  const { hostAddress } = machine;
  const { socket } = folder;
  const askFirst: AskLogin = async (server, abort) => {
    const json = bridgeLogin(server, { port, token, hostAddress });
    return json === undefined ? ask(server, abort) : { kind: 'login', json };
  };
  const credentials = serveCredentials(socket, askFirst);
  const ownSocket = inodeOf(socket);
  resources.defer(() => credentials.stop(true));
  const hasFolder = () => inodeOf(folder.lock) === ownLock;
  resources.defer(async () => {
    if (hasFolder()) await removeTraces(folder);
    else if (inodeOf(socket) === ownSocket) await removeSocket(folder, socket);
  });
  await writeMachineFiles(folder, { url: `http://${hostAddress}:${port}`, token, program });
  await writeState(folder, {
    ...{ pid: process.pid, version, port, token, socket, hostAddress },
    store: storeStamp(home),
  });
  const ownState = inodeOf(folder.state);
  const isMine = () => hasFolder() && inodeOf(folder.state) === ownState;
  const tidy = (abort: AbortOptions) => clearFetched(folder, store, abort);
  writeLog(`finch ${version}: process ${process.pid} serves ${registry.url} and ${socket}`);
  writeLog(
    `ends: ${await untilItEnds({ machine, isMine, tidy, broken: registry.broken, ...abortOf(options) })}`,
  );
}

function abortOf({ signal }: AbortOptions): AbortOptions {
  return signal === undefined ? {} : { signal };
}

/** Serves the store at the port of the bridge before, which programs in the machine may still know, or at another. */
async function serveAtLastPort(
  folder: MachineFolder,
  store: ImageStore,
  options: Omit<ServeOptions, 'hostname' | 'port'>,
): Promise<RegistryServer> {
  const [last = 0] = await bridgePorts(folder);
  const serve = (port: number) => serveRegistry(store, { hostname: '127.0.0.1', port, ...options });
  const server = await serve(last).catch((error: unknown) => {
    if (last === 0 || !hasCode(error, 'IO')) throw error;
    return serve(0);
  });
  await rememberPort(folder, server.port);
  return server;
}

/** What tells a file from another that has its name; undefined when there is none. */
function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
