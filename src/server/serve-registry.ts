import { join } from 'node:path';
import { FinchError, hasCode } from '../errors.ts';
import { openFilesLimit } from '../host/open-files.ts';
import { isLoopback } from '../http/loopback.ts';
import type { Platform } from '../oci/platform.ts';
import type { ImageStore } from '../store/image-store.ts';
import { type AnswerOptions, answer } from './answer.ts';
import type { BasicLogin } from './basic-auth.ts';
import { Claims } from './claims.ts';
import { Collector } from './collector.ts';
import { LayerChecks } from './layer-checks.ts';
import { DEFAULT_LIMITS, type ServerLimits } from './limits.ts';
import { listen, stopListening } from './listen.ts';
import { familiarNaming, type Naming } from './naming.ts';
import { affordableRequests } from './open-files-budget.ts';
import type { Registry } from './registry.ts';
import { errorResponse, RegistryError } from './registry-error.ts';
import { RepositoryNames } from './repository-names.ts';
import { UploadSessions } from './upload-sessions.ts';

/** How often uploads that were given up are looked for. */
const SWEEP_MS = 5 * 60 * 1000;
/** How often it is looked whether the store is still the one that is served. */
const STORE_CHECK_MS = 10 * 1000;

/** What other servers log, too, for a client that went away. */
const CLIENT_GONE = 499;

/** One request that was answered. */
export interface ServedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Of the answer; 499 when the client went away before there was one. */
  readonly status: number;
  readonly durationMs: number;
  /** What went wrong inside when `status` is 500; the client was not told. */
  readonly error?: unknown;
}

/** How a registry is served. */
export interface ServeOptions {
  /** An address or name of this machine. */
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** What images run on here: of those that arrive for it, the layers are checked uncompressed too. */
  readonly platform?: Platform;
  /** Refuses everything that writes. Default: false. */
  readonly readOnly?: boolean;
  /** Listens also where other machines can reach it. Anyone who does may read and write. Default: false. */
  readonly allowRemote?: boolean;
  /** What everybody is asked for, readers too. Default: nothing. */
  readonly login?: BasicLogin;
  /** Which repositories paths name. Default: {@link familiarNaming} */
  readonly naming?: Naming;
  /** The clock by which idle uploads are dropped. Default: one that nobody can set. */
  readonly now?: () => Date;
  /** What clients may take of the server. Default: {@link DEFAULT_LIMITS} */
  readonly limits?: Partial<ServerLimits>;
  /** Called after each answer. */
  readonly onRequest?: (request: ServedRequest) => void;
}

/** A registry that listens. */
export interface RegistryServer {
  /** `http://HOST:PORT`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Settles when the store was replaced by another one, with the error: then there is nothing left but to stop. */
  readonly broken: Promise<FinchError>;
  /** Stops to listen, gives requests a moment to finish, and forgets uploads in progress. */
  stop(): Promise<void>;
}

/**
 * Serves the images of a store by the OCI distribution API, without encryption.
 *
 * Names: see {@link RepositoryNames}. Blobs have no repository: the store keeps each content once, and
 * whoever knows its digest can read it from every repository. What is uploaded, or asked about, is kept
 * until a manifest names it, or for some hours (see {@link Claims}); what nothing names any more is freed soon.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 * @throws FinchError `USAGE` when other machines could reach `hostname` and that is not allowed, `IO`
 * when it cannot listen
 */
export async function serveRegistry(
  store: ImageStore,
  options: ServeOptions,
): Promise<RegistryServer> {
  const { readOnly = false, allowRemote = false, login, now = steadyTime } = options;
  const { naming = familiarNaming } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const hostname = options.hostname.replace(/^\[(.*)\]$/, '$1');
  if (!allowRemote && !isLoopback(hostname)) {
    throw new FinchError('USAGE', `other machines could reach the registry at ${hostname}`, {
      hint: 'listen on 127.0.0.1, or let everyone who reaches it in with --allow-remote',
    });
  }
  const uploads = new UploadSessions(join(store.path, 'uploads'), { now, limits });
  if (!readOnly) await uploads.prepare();
  await using resources = new AsyncDisposableStack();
  const broken = Promise.withResolvers<FinchError>();
  const checkStore = async () => {
    if (store.wasReplaced()) broken.resolve(replaced(store));
  };
  const onFailure = (error: unknown) => {
    if (hasCode(error, 'STORE_UNUSABLE')) void checkStore();
  };
  const claims = new Claims(readOnly ? undefined : resources.use(await store.lease()));
  resources.defer(() => uploads.close());
  const checks = resources.use(new LayerChecks({ store, claims }, options.platform));
  const collector = resources.use(new Collector(store, onFailure));
  const registry: Registry = {
    ...{ store, names: new RepositoryNames(store, { claims, naming }), uploads, claims },
    settled: (root) => checks.add(root),
    unnamed: () => collector.soon(),
  };
  const report = (request: ServedRequest) => {
    onFailure(request.error);
    options.onRequest?.(request);
  };
  const most = Math.min(limits.requests, affordableRequests(openFilesLimit()));
  const running = new Set<Promise<Response>>();
  resources.defer(async () => void (await Promise.allSettled(running)));
  const onSendFailure = (error: unknown, status: number) =>
    report({
      method: 'GET',
      path: '(a file that was about to be sent)',
      status,
      durationMs: 0,
      error,
    });
  const place = { hostname, port: options.port, limits, onSendFailure };
  const server = listen(place, (request, { pace, pending }) => {
    if (pending > most) return errorResponse(tooBusy());
    const reply = respond(registry, request, { report, readOnly, allowRemote, login, pace });
    running.add(reply);
    const answered = () => void running.delete(reply);
    reply.then(answered, answered);
    return reply;
  });
  resources.defer(() => stopListening(server, limits));
  resources.defer(every(STORE_CHECK_MS, checkStore, onFailure));
  if (!readOnly) {
    resources.defer(every(SWEEP_MS, () => uploads.dropIdle(), onFailure));
    const forget = async () => {
      claims.expire();
      collector.soon();
    };
    resources.defer(every(limits.unnamedMs, forget, onFailure));
  }
  const owned = resources.move();
  const port = server.port ?? options.port;
  return {
    url: `http://${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`,
    port,
    broken: broken.promise,
    stop: () => owned.disposeAsync(),
  };
}

async function respond(
  registry: Registry,
  request: Request,
  options: AnswerOptions & { readonly report: (request: ServedRequest) => void },
): Promise<Response> {
  const began = performance.now();
  let failure: unknown;
  const response = await answer(registry, request, options).catch((error: unknown) => {
    if (request.signal.aborted) return new Response(null, { status: CLIENT_GONE });
    failure = error;
    return errorResponse(error);
  });
  options.report({
    method: request.method,
    path: request.url.replace(/^https?:\/\/[^/]*/, ''),
    status: response.status,
    durationMs: performance.now() - began,
    ...(response.status >= 500 && { error: failure }),
  });
  return response;
}

/** As the system's clock was when this process began, and from there on without its jumps. */
function steadyTime(): Date {
  return new Date(performance.timeOrigin + performance.now());
}

/** Does something again and again; what it gives stops that. What fails is tried again the next time. */
function every(
  ms: number,
  work: () => Promise<void>,
  onFailure: (error: unknown) => void,
): () => void {
  const timer = setInterval(() => void work().catch(onFailure), ms);
  timer.unref();
  return () => clearInterval(timer);
}

function replaced({ path }: ImageStore): FinchError {
  return new FinchError('STORE_UNUSABLE', `the store ${path} was replaced while it was served`, {
    hint: 'serve the new one: run finch registry serve again',
  });
}

function tooBusy(): RegistryError {
  return new RegistryError(429, 'TOOMANYREQUESTS', {
    message: 'too many requests are being answered; try again later',
    headers: { 'Retry-After': '1', Connection: 'close' },
  });
}
