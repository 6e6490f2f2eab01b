import { type Reply, refusal, type SeenExchange } from './faulty-registry-faults.ts';
import { answerManifest } from './faulty-registry-manifests.ts';
import type { RegistryProfile } from './faulty-registry-profiles.ts';
import { hexDigest, type KeptSession, type RegistryState } from './faulty-registry-state.ts';

/** A request whose body is still to be read. */
export interface Asked {
  readonly seen: SeenExchange;
  /** Bytes, as the request says. */
  readonly length: number;
  /** Throws when the connection breaks before all of it came. */
  readonly body: () => AsyncIterable<Uint8Array>;
}

/** What answers: the registry's content and its ways. */
export interface Registry {
  readonly state: RegistryState;
  readonly profile: RegistryProfile;
  readonly origin: string;
}

/**
 * Answers by the distribution specification, in the registry's ways.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
export async function answer(registry: Registry, asked: Asked): Promise<Reply> {
  const { method, path, query } = asked.seen;
  const { maxBody = Number.POSITIVE_INFINITY } = registry.profile;
  if (asked.length > maxBody)
    return { status: 413, body: '<html>413 too large</html>', close: true };
  if (path === '/v2/') return { status: 200, body: '{}' };
  const upload = /^\/v2\/(.+)\/blobs\/uploads\/([^/]*)$/.exec(path);
  const search = new URLSearchParams(query);
  if (upload !== null) {
    const [, name = '', id = ''] = upload;
    if (method === 'POST' && id === '') return begin(registry, { name, search });
    const session = registry.state.sessions.get(id);
    return session?.repository === name
      ? continueUpload(registry, { session, search, asked })
      : unknownSession(registry);
  }
  const [, name = '', kind = '', rest = ''] =
    /^\/v2\/(.+)\/(blobs|manifests|tags|referrers)\/(.*)$/.exec(path) ?? [];
  if (kind === 'blobs') return readBlob(registry, { name, digest: rest, asked });
  if (kind === '') return refusal(404, 'NAME_UNKNOWN');
  return answerManifest(registry, { name, kind, reference: rest, search, asked });
}

function begin(
  { state, profile, origin }: Registry,
  { name, search }: { readonly name: string; readonly search: URLSearchParams },
): Reply {
  const digest = search.get('mount');
  if (digest !== null && profile.mounts !== 'none') {
    const from = search.get('from');
    const places =
      profile.mounts === 'any' || from === null ? [...state.repositories.keys()] : [from];
    for (const place of places) {
      const blob = state.repositories.get(place)?.blobs.get(digest);
      if (blob === undefined) continue;
      state.repository(name).blobs.set(digest, blob);
      return { status: 201, headers: { location: `/v2/${name}/blobs/${digest}` } };
    }
  }
  const session = state.begin(name);
  return { status: 202, headers: sessionHeaders({ profile, origin }, session) };
}

/** Where a session goes on, and what it has. */
function sessionHeaders(
  { profile, origin }: Pick<Registry, 'profile' | 'origin'>,
  { id, repository, size, chunks, firstChunk }: KeptSession,
): Record<string, string> {
  const { emptyRange = '0-0', minChunk, staleRange } = profile;
  const path = `/v2/${repository}/blobs/uploads/${id}`;
  // As distribution's: what it holds may not be written in any other way.
  const state = `a%2Fb%3D${id}-${size}`;
  const said = staleRange && chunks > 1 ? firstChunk : size;
  return {
    location: profile.location?.({ path, state, origin }) ?? `${path}?_state=${state}`,
    range: said === 0 ? emptyRange : `0-${said - 1}`,
    'docker-upload-uuid': id,
    ...(minChunk !== undefined && size === 0 && { 'oci-chunk-min-length': minChunk }),
  };
}

/** A request to one session. */
interface ToSession {
  readonly session: KeptSession;
  readonly search: URLSearchParams;
  readonly asked: Asked;
}

async function continueUpload(registry: Registry, to: ToSession): Promise<Reply> {
  const { session, asked } = to;
  const { state, profile } = registry;
  const headers = () => sessionHeaders(registry, session);
  switch (asked.seen.method) {
    case 'GET':
    case 'HEAD':
      return profile.noStatus === undefined
        ? { status: 204, headers: headers() }
        : refusal(profile.noStatus, 'UNSUPPORTED');
    case 'DELETE':
      state.sessions.delete(session.id);
      return { status: 204 };
    case 'PATCH': {
      if (isStale(registry, to)) return refusal(400, 'BLOB_UPLOAD_INVALID');
      const isShort = profile.refusesShort && asked.length < Number(profile.minChunk);
      if (isShort) return refusal(400, 'SIZE_INVALID');
      const fault = await append(registry, to);
      return fault ?? { status: profile.patchStatus ?? 202, headers: headers() };
    }
    case 'PUT': {
      if (isStale(registry, to)) return refusal(400, 'BLOB_UPLOAD_INVALID');
      const isLast = asked.length === 0 && session.chunks > 1;
      if (profile.refusesEmptyClose && isLast) return refusal(500, 'BLOB_UPLOAD_INVALID');
      return (await append(registry, to)) ?? commit(registry, to);
    }
    default:
      return refusal(405, 'UNSUPPORTED');
  }
}

function isStale({ profile }: Registry, { session, search }: ToSession): boolean {
  return profile.strictState === true && !search.get('_state')?.endsWith(`-${session.size}`);
}

/** Adds a body to a session. */
async function append(
  registry: Registry,
  { session, asked }: ToSession,
): Promise<Reply | undefined> {
  const { profile, state } = registry;
  const range = asked.seen.headers['content-range'];
  if (range !== undefined) {
    const fault = chunkFault(registry, { session, range, length: asked.length });
    if (fault !== undefined) return fault;
  }
  session.mostWriters = Math.max(session.mostWriters, ++session.writers);
  try {
    for await (const piece of asked.body()) {
      if (profile.discards !== true) session.pieces.push(piece);
      session.size += piece.length;
    }
  } catch (error) {
    if (profile.forgetsBroken) state.sessions.delete(session.id);
    throw error;
  } finally {
    session.writers -= 1;
  }
  if (asked.seen.method === 'PATCH') session.chunks += 1;
  if (session.chunks === 1) session.firstChunk = session.size;
  return undefined;
}

function chunkFault(
  registry: Registry,
  { session, range, length }: { session: KeptSession; range: string; length: number },
): Reply | undefined {
  const { profile } = registry;
  if (profile.refusesChunks) return refusal(405, 'UNSUPPORTED');
  const [, start = '', end = ''] = /^(\d+)-(\d+)$/.exec(range) ?? [];
  if (start === '' || Number(end) - Number(start) + 1 !== length) {
    return refusal(400, 'SIZE_INVALID');
  }
  if (length > (profile.maxChunk ?? Number.POSITIVE_INFINITY)) {
    return refusal(416, 'REQUESTED_RANGE_NOT_SATISFIABLE', 'body is too large');
  }
  if (Number(start) === session.size) return undefined;
  const { range: said = '', ...rest } = sessionHeaders(registry, session);
  return { status: 416, headers: { range: said, ...(profile.bareRefusals ? {} : rest) } };
}

/** Makes a blob of a session. A wrong digest ends it, as in distribution. */
function commit({ state, profile }: Registry, { session, search }: ToSession): Reply {
  const digest = search.get('digest') ?? '';
  if (!/^sha(256|512):[0-9a-f]+$/.test(digest)) return refusal(400, 'DIGEST_INVALID');
  state.sessions.delete(session.id);
  const bytes = Buffer.concat(session.pieces);
  const isWhole = profile.discards === true || bytes.length === session.size;
  if (!profile.discards && isWhole && hexDigest(bytes, digest) !== digest) {
    return refusal(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
  }
  state.repository(session.repository).blobs.set(digest, bytes);
  const location = `/v2/${session.repository}/blobs/${digest}`;
  const digestHeader = profile.noDigestHeader ? {} : { 'docker-content-digest': digest };
  return { status: 201, headers: { location, ...digestHeader } };
}

function unknownSession({ profile: { unknownSession: status = 404 } }: Registry): Reply {
  return refusal(status, 'BLOB_UPLOAD_UNKNOWN');
}

function readBlob(
  { state, profile }: Registry,
  { name, digest, asked }: { name: string; digest: string; asked: Asked },
): Reply {
  const { method } = asked.seen;
  if (method !== 'GET' && method !== 'HEAD') return refusal(405, 'UNSUPPORTED');
  const blob = state.repositories.get(name)?.blobs.get(digest);
  if (blob === undefined) return refusal(404, 'BLOB_UNKNOWN');
  const start = Number(/^bytes=(\d+)-$/.exec(asked.seen.headers['range'] ?? '')?.[1] ?? 0);
  const headers = {
    ...(!profile.noDigestHeader && { 'docker-content-digest': digest }),
    ...(start > 0 && { 'content-range': `bytes ${start}-${blob.length - 1}/${blob.length}` }),
  };
  return { status: start > 0 ? 206 : 200, headers, body: blob.subarray(start) };
}
