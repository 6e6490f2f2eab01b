import { type Digest, type DigestAlgorithm, digestParts, isDigest } from '../oci/digest.ts';
import { isRepository } from '../oci/reference.ts';
import { parseContentRange } from './byte-range.ts';
import { requireSpace } from './free-space.ts';
import { bodyLength, bodyStream } from './read-body.ts';
import type { Call, Registry } from './registry.ts';
import { RegistryError } from './registry-error.ts';
import type { UploadSession } from './upload-session.ts';

/** What a blob is called until a manifest says more. */
const UNKNOWN_TYPE = 'application/octet-stream';

/**
 * Starts an upload; or takes a whole blob at once (`digest`); or says that it is here already (`mount`).
 * Blobs belong to no repository, so a mount needs no `from`.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export async function startUpload(registry: Registry, call: Call): Promise<Response> {
  const { uploads } = registry;
  const algorithm = queryAlgorithm(call);
  const mount = queryDigest(call, 'mount');
  const from = call.query.get('from');
  if (from !== null && !isRepository(from)) {
    const message = 'from is not a valid repository name';
    throw new RegistryError(400, 'NAME_INVALID', { message });
  }
  if (mount !== undefined && (await tellIfHere(registry, call, mount))) return created(call, mount);
  const digest = queryDigest(call, 'digest');
  if (digest !== undefined && mount === undefined) {
    const session = await uploads.start(call.repository, digestParts(digest).algorithm);
    try {
      await appendBody(registry, call, session);
      return await keep(registry, call, { session, digest });
    } finally {
      await uploads.end(session);
    }
  }
  return progress(await uploads.start(call.repository, algorithm), { status: 202 });
}

/**
 * Adds a chunk, which must begin where the last one ended, or a stream of unknown length. What came of one
 * that was cut off stays: to send the same chunk again is answered by 416, with where to go on from.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export async function continueUpload(registry: Registry, call: Call): Promise<Response> {
  return registry.uploads.use(place(call), async (session) => {
    await appendBody(registry, call, session);
    return progress(session, { status: 202 });
  });
}

/**
 * Ends an upload, with or without a last part of it. Bytes that have another digest end it too. When it has
 * ended already and its blob is here, as for a client that did not hear the answer, it is answered again.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#post-then-put
 */
export async function finishUpload(registry: Registry, call: Call): Promise<Response> {
  const { uploads } = registry;
  const digest = queryDigest(call, 'digest');
  if (digest === undefined) {
    throw new RegistryError(400, 'DIGEST_INVALID', { message: 'the digest parameter is missing' });
  }
  if (!(await uploads.knows(place(call))) && (await tellIfHere(registry, call, digest))) {
    return created(call, digest);
  }
  return uploads.use(place(call), async (session) => {
    const before = session.size;
    try {
      await appendBody(registry, call, session);
    } catch (error) {
      if (!call.request.headers.has('content-range')) session.brokenAt = before;
      throw error;
    }
    const response = await keep(registry, call, { session, digest });
    await uploads.end(session);
    return response;
  });
}

/** Says how much of an upload is here. */
export async function uploadStatus({ uploads }: Registry, call: Call): Promise<Response> {
  const session = await uploads.find(place(call));
  session.brokenAt = undefined;
  return progress(session, { status: 204 });
}

/** Gives an upload up, also while another request still sends to it. */
export async function cancelUpload({ uploads }: Registry, call: Call): Promise<Response> {
  await uploads.cancel(place(call));
  return new Response(null, { status: 204 });
}

function place({ reference, repository }: Call) {
  return { id: reference, repository };
}

/** Makes a blob of an upload that is complete. One whose bytes have another digest is of no more use. */
async function keep(
  { store, uploads, claims }: Registry,
  call: Call,
  { session, digest }: { readonly session: UploadSession; readonly digest: Digest },
): Promise<Response> {
  const found = await session.digest(digestParts(digest).algorithm);
  if (found !== digest) {
    await uploads.end(session);
    const message = `the digest of the ${session.size} bytes that came is ${found}`;
    throw new RegistryError(400, 'DIGEST_INVALID', { message });
  }
  const kept = async () => {
    await store.keepFile(session.path, { mediaType: UNKNOWN_TYPE, digest, size: session.size });
    return true;
  };
  await claims.tell({ key: call.key, digest }, kept, { uploaded: true });
  return created(call, digest);
}

/** Whether a blob is here that the client need not send, and may rely on from now on. */
async function tellIfHere(
  { store, claims }: Registry,
  { key, request }: Call,
  digest: Digest,
): Promise<boolean> {
  const size = store.stat(digest)?.size;
  if (size === undefined) return false;
  const { signal } = request;
  const isHere = () => store.has({ mediaType: UNKNOWN_TYPE, digest, size }, { signal });
  return claims.tell({ key, digest }, isHere, { uploaded: true });
}

async function appendBody(
  { uploads }: Registry,
  call: Call,
  session: UploadSession,
): Promise<void> {
  const { request } = call;
  const given = bodyLength(request);
  const header = request.headers.get('content-range');
  const { brokenAt } = session;
  session.brokenAt = undefined;
  if (brokenAt !== undefined && header === null) await session.rewind(brokenAt);
  if (given !== undefined && given > 0) await requireSpace(uploads.folder, given);
  const body = bodyStream(call, { signal: session.user?.signal });
  if (header === null) return session.append(body);
  const range = parseContentRange(header);
  if (range === undefined) {
    throw new RegistryError(400, 'BLOB_UPLOAD_INVALID', {
      message: 'the Content-Range must be <first byte>-<last byte>',
    });
  }
  if (range.start !== session.size) {
    throw new RegistryError(416, 'RANGE_INVALID', {
      message: `the next byte of this upload is ${session.size}`,
      headers: progressHeaders(session),
    });
  }
  const length = range.end - range.start;
  if (given !== undefined && given !== length) {
    throw new RegistryError(400, 'SIZE_INVALID', {
      message: `the Content-Range has ${length} bytes and the Content-Length ${given}`,
    });
  }
  await session.append(body, { length });
}

function queryAlgorithm({ query }: Call): DigestAlgorithm {
  const algorithm = query.get('digest-algorithm') ?? 'sha256';
  if (algorithm === 'sha256' || algorithm === 'sha512') return algorithm;
  throw new RegistryError(400, 'DIGEST_INVALID', {
    message: 'the digest algorithm must be sha256 or sha512',
  });
}

function queryDigest({ query }: Call, name: string): Digest | undefined {
  const value = query.get(name);
  if (value === null || isDigest(value)) return value ?? undefined;
  throw new RegistryError(400, 'DIGEST_INVALID', { message: `the ${name} is not a valid digest` });
}

function created({ repository }: Call, digest: Digest): Response {
  const headers = {
    Location: `/v2/${repository}/blobs/${digest}`,
    'Docker-Content-Digest': digest,
  };
  return new Response(null, { status: 201, headers });
}

function progress(session: UploadSession, { status }: { readonly status: number }): Response {
  return new Response(null, { status, headers: progressHeaders(session) });
}

function progressHeaders({ id, repository, size }: UploadSession) {
  return {
    Location: `/v2/${repository}/blobs/uploads/${id}`,
    // Of nothing there is no last byte; clients that read this header know `0-0` for it.
    Range: `0-${Math.max(0, size - 1)}`,
    'Docker-Upload-UUID': id,
  };
}
