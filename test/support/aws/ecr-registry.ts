import { documentMediaTypes } from '../../../src/oci/media-types.ts';
import { startDockerRegistry } from '../docker-registry.ts';
import { BlobHost } from './ecr-blob-host.ts';
import { ANYBODY, Gate } from './ecr-gate.ts';
import {
  refuse,
  repositoryUnknown,
  tagIsImmutable,
  tooManyRequests,
  upstreamRefuses,
} from './ecr-refusals.ts';
import { type EcrRequest, isPublicHost, isRegistryHost, readRequest } from './ecr-request.ts';
import { UploadRules } from './ecr-uploads.ts';
import type { Repository } from './repositories.ts';
import type { AwsState, AwsUser, Fault } from './state.ts';

/** What the registry's side of the stand-in asks of the other. */
export interface EcrControl extends Pick<AwsState, 'issued' | 'now' | 'refusal' | 'repositories'> {
  /** Takes what is to go wrong with an action next, if anything is. */
  fault(action: string): Fault | undefined;
}

/** What a test can change about the registry. */
export interface RegistryKnobs {
  /** After how many bytes of layers a password ends that came with them. */
  endTokenAfterBytes?: number | undefined;
  /** After how many requests a password ends. */
  endTokenAfterRequests?: number | undefined;
  /** How many images may be pulled without a login. */
  anonymousPulls?: number | undefined;
  /** Whether a repository is made when somebody pushes to it, as by a creation template. */
  createOnPush?: boolean | undefined;
}

/** How a request ended. */
export interface RegistryOutcome {
  /** Missing when the connection is to break. */
  readonly response: Response | undefined;
  /** `PUT /v2/app/manifests/1`. */
  readonly action: string;
  /** Who asked. */
  readonly principal?: string;
}

/** The side of Amazon ECR that registries' clients speak to. */
export interface EcrRegistrySide extends AsyncDisposable {
  readonly knobs: RegistryKnobs;
  /** Whether requests for a host belong here. */
  owns(host: string): boolean;
  handle(request: Request): Promise<RegistryOutcome>;
}

/**
 * Starts Debian's docker-registry, and answers before it as Amazon ECR does: what one account has in one
 * region is one registry. Layers are given out by another host, with a signed address.
 */
export async function startEcrRegistry(control: EcrControl): Promise<EcrRegistrySide> {
  const storage = await startDockerRegistry();
  const knobs: RegistryKnobs = {};
  const blobs = new BlobHost(storage.origin);
  const gate = new Gate(control, knobs);
  let pulls = 0;
  const isPullTooMany = ({ kind, isWrite }: EcrRequest): boolean => {
    if (kind !== 'manifest' || isWrite) return false;
    pulls += 1;
    return pulls > (knobs.anonymousPulls ?? Number.POSITIVE_INFINITY);
  };
  const serve = startService({ storage: storage.origin, control, blobs, gate });

  const answer = async (request: Request): Promise<Response | undefined> => {
    const { host, pathname } = new URL(request.url);
    if (blobs.owns(host)) return blobs.answer(request, control.now());
    if (isPublicHost(host) && pathname.startsWith('/token')) return gate.token(request);
    const asked = readRequest(request);
    const visitor = gate.enter(request, asked);
    if (visitor instanceof Response) return visitor;
    if (asked.action === undefined) return Response.json({});
    const fault = control.fault(asked.action);
    await Bun.sleep(fault?.delayMs ?? 0);
    if (fault?.reset) return undefined;
    if (fault !== undefined && isRefusal(fault)) return failure(fault);
    if (visitor === ANYBODY && isPullTooMany(asked)) return tooManyRequests();
    const { account, region, name, action } = asked;
    const rule = asked.isWrite ? undefined : control.repositories.ruleFor(asked);
    if (rule?.isRefused) return upstreamRefuses(rule.prefix);
    const isNew = knobs.createOnPush === true && action === 'ecr:InitiateLayerUpload';
    const created = () =>
      isNew ? control.repositories.create({ account, region, name }) : undefined;
    const repository = findRepository(asked, control) ?? created();
    return mayNot(asked, { visitor, repository, control }) ?? serve(request, asked, repository);
  };

  return {
    knobs,
    owns: (host) => isRegistryHost(host) || blobs.owns(host),
    async handle(request) {
      const { pathname, host } = new URL(request.url);
      const action = `${request.method} ${pathname}`;
      const principal = blobs.owns(host) ? undefined : gate.principal(request);
      const response = await answer(request);
      return { response, action, ...(principal !== undefined && { principal }) };
    },
    [Symbol.asyncDispose]: () => storage.stop(),
  };
}

/** What goes wrong because a test wants it to. */
function failure({ status = 500, type, message = '', body, headers = {} }: Fault): Response {
  if (body !== undefined) return new Response(body, { status, headers });
  return refuse(status, { code: type ?? 'UNKNOWN', message, headers });
}

/** Whether more is to happen than a delay. */
function isRefusal({ status, type, body }: Fault): boolean {
  return status !== undefined || type !== undefined || body !== undefined;
}

function findRepository(
  { isPublic, account, region, name }: EcrRequest,
  { repositories }: EcrControl,
): Repository | undefined {
  return isPublic ? repositories.findPublic(name) : repositories.find({ account, region, name });
}

/** Why somebody may not do what is asked, if they may not. */
function mayNot(
  { action, isPublic, isWrite, region, account, name }: EcrRequest,
  {
    visitor,
    repository,
    control,
  }: {
    readonly visitor: AwsUser | typeof ANYBODY;
    readonly repository: Repository | undefined;
    readonly control: EcrControl;
  },
): Response | undefined {
  if (action === undefined || (isPublic && !isWrite)) return undefined;
  if (visitor === ANYBODY) return refuse(403, { code: 'DENIED', message: 'Not Authorized' });
  const on = repository ?? `arn:aws:ecr:${region}:${account}:repository/${name}`;
  const message = control.refusal(visitor, action, on);
  return message === undefined ? undefined : refuse(403, { code: 'DENIED', message });
}

/** Answers who may ask what they ask. */
function startService({
  storage,
  control,
  blobs,
  gate,
}: {
  /** The address of docker-registry. */
  readonly storage: string;
  readonly control: EcrControl;
  readonly blobs: BlobHost;
  readonly gate: Gate;
}): (request: Request, asked: EcrRequest, repository: Repository | undefined) => Promise<Response> {
  const uploads = new UploadRules();

  const upstream = ({ account, region, name, rest, query }: EcrRequest): string => {
    // The service mounts nothing from other repositories.
    const kept = new URLSearchParams(query);
    for (const key of ['mount', 'from']) kept.delete(key);
    return `${storage}/v2/${account}/${region}/${name}/${rest}?${kept}`;
  };

  const ask = async (
    { method, headers: given }: Request,
    asked: EcrRequest,
    body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null = null,
  ): Promise<Response> => {
    const headers = new Headers(given);
    for (const name of ['authorization', 'host', 'content-length']) headers.delete(name);
    const answer = await fetch(upstream(asked), { method, headers, body, ...DIRECT });
    return relay(answer, asked, method);
  };

  const isThere = async (asked: EcrRequest): Promise<boolean> =>
    (await fetch(upstream(asked), { method: 'HEAD', headers: { accept: ANY_DOCUMENT }, ...DIRECT }))
      .ok;

  const putManifest = async (
    request: Request,
    asked: EcrRequest,
    repository: Repository,
  ): Promise<Response> => {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (!saysItsType(bytes)) return invalidParameter('ImageManifest', 'Invalid JSON syntax');
    const { reference, name } = asked;
    const isTag = !reference.includes(':');
    const isImmutable = repository.mutability.startsWith('IMMUTABLE');
    if (isTag && isImmutable && (await isThere(asked))) return tagIsImmutable(reference, name);
    const answer = await ask(request, asked, bytes);
    if (answer.ok) note(repository, { bytes, tag: isTag ? reference : undefined });
    return answer;
  };

  return async (request, asked, repository) => {
    const { kind, account, name, query } = asked;
    if (repository === undefined) return repositoryUnknown(name, account);
    if (kind === 'upload') {
      const refusal = uploads.refusal(request, asked);
      if (refusal !== undefined) return refusal;
      const body = gate.watch(request, uploads.measure(request, asked));
      return uploads.asEcr(request, await ask(request, asked, body));
    }
    if (kind === 'tags' && Number(query.get('n')) > 1000) {
      return invalidParameter('maxResults', 'Member must have value less than or equal to 1000');
    }
    if (kind === 'manifest' && request.method === 'PUT') {
      return putManifest(request, asked, repository);
    }
    const isDownload = kind === 'blob' && request.method === 'GET';
    if (isDownload && (await isThere(asked))) return blobs.redirect(asked, control.now());
    return ask(request, asked);
  };
}

/** What docker-registry wants to hear before it shows an index. */
const ANY_DOCUMENT = documentMediaTypes.join(', ');

/** Straight to docker-registry, and bytes as they are. */
const DIRECT = { proxy: '', redirect: 'manual', decompress: false } as const;

/** An answer of docker-registry, whose addresses lead to it, as one of the service. */
function relay(answer: Response, { host, account, region }: EcrRequest, method: string): Response {
  const headers = new Headers(answer.headers);
  for (const field of ['location', 'link']) {
    const value = headers.get(field);
    const own = value
      ?.replace(/https?:\/\/[^/]+/, `https://${host}`)
      .replace(`/v2/${account}/${region}/`, '/v2/');
    if (own !== undefined) headers.set(field, own);
  }
  const body = method === 'HEAD' ? null : answer.body;
  return new Response(body, { status: answer.status, headers });
}

/** What the calls of the API tell about images. */
function note(
  { images }: Repository,
  { bytes, tag }: { readonly bytes: Uint8Array; readonly tag: string | undefined },
): void {
  const digest = `sha256:${new Bun.CryptoHasher('sha256').update(bytes).digest('hex')}`;
  const { mediaType } = JSON.parse(new TextDecoder().decode(bytes)) as { mediaType: string };
  const image = images.get(digest) ?? {
    ...{ digest, mediaType, tags: new Set<string>(), sizeInBytes: bytes.length },
    pushedAt: new Date(),
  };
  images.set(digest, image);
  if (tag === undefined) return;
  for (const other of images.values()) other.tags.delete(tag);
  image.tags.add(tag);
}

function invalidParameter(parameter: string, constraint: string): Response {
  const message = `Invalid parameter at '${parameter}' failed to satisfy constraint: '${constraint}'`;
  return refuse(405, { code: 'UNSUPPORTED', message });
}

function saysItsType(bytes: Uint8Array): boolean {
  try {
    const manifest: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof manifest === 'object' && manifest !== null && 'mediaType' in manifest;
  } catch {
    return false;
  }
}
