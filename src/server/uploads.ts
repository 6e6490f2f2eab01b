import { type Digest, isDigest } from '../oci/digest.ts';
import { parseContentRange } from './byte-range.ts';
import { bodyLength, bodyStream } from './read-body.ts';
import type { Call, Registry } from './registry.ts';
import { RegistryError } from './registry-error.ts';
import { repositoryKey } from './repository-names.ts';
import type { UploadSession } from './upload-session.ts';

/** What a blob is called until a manifest says more. */
const UNKNOWN_TYPE = 'application/octet-stream';

/**
 * Starts an upload; or takes a whole blob at once (`digest`); or says that it is here already (`mount`).
 * Blobs belong to no repository, so a mount needs no `from`.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export async function startUpload(registry: Registry, call: Call): Promise<Response> {
  const { store, uploads } = registry;
  const algorithm = call.query.get('digest-algorithm');
  if (algorithm !== null && algorithm !== 'sha256' && algorithm !== 'sha512') {
    throw new RegistryError(400, 'DIGEST_INVALID', {
      message: 'the digest algorithm must be sha256 or sha512',
    });
  }
  const mount = queryDigest(call, 'mount');
  const from = call.query.get('from');
  if (from !== null) repositoryKey(from);
  if (mount !== undefined) {
    const size = store.stat(mount)?.size;
    const here =
      size !== undefined && (await store.has({ mediaType: UNKNOWN_TYPE, digest: mount, size }));
    if (here) return created(call, mount);
  }
  const digest = queryDigest(call, 'digest');
  if (digest !== undefined && mount === undefined) {
    await store.ingest(bodyStream(call.request), { mediaType: UNKNOWN_TYPE, expect: digest });
    return created(call, digest);
  }
  return progress(await uploads.start(call.repository), { status: 202 });
}

/**
 * Adds a chunk, which must begin where the last one ended, or a stream of unknown length.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export async function continueUpload(registry: Registry, call: Call): Promise<Response> {
  return registry.uploads.use(place(call), async (session) => {
    await appendBody(session, call.request);
    return progress(session, { status: 202 });
  });
}

/**
 * Ends an upload, with or without a last part of it. Bytes that have another digest end it too.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#post-then-put
 */
export async function finishUpload(registry: Registry, call: Call): Promise<Response> {
  const { store, uploads } = registry;
  const digest = queryDigest(call, 'digest');
  if (digest === undefined) {
    throw new RegistryError(400, 'DIGEST_INVALID', { message: 'the digest parameter is missing' });
  }
  return uploads.use(place(call), async (session) => {
    const options = { mediaType: UNKNOWN_TYPE, expect: digest };
    try {
      if (session.size === 0 && call.request.headers.get('content-range') === null) {
        // All of the blob comes now: it can go straight into the store.
        await store.ingest(bodyStream(call.request), options);
      } else {
        await appendBody(session, call.request);
        call.takeTime();
        await store.ingest(session.stream(), options);
      }
    } catch (error) {
      const canGoOn = call.request.signal.aborted || error instanceof RegistryError;
      if (!canGoOn) await uploads.end(session);
      throw error;
    }
    await uploads.end(session);
    return created(call, digest);
  });
}

/** Says how much of an upload is here. */
export async function uploadStatus({ uploads }: Registry, call: Call): Promise<Response> {
  return progress(await uploads.find(place(call)), { status: 204 });
}

/** Gives an upload up. */
export async function cancelUpload({ uploads }: Registry, call: Call): Promise<Response> {
  await uploads.end(await uploads.find(place(call)));
  return new Response(null, { status: 204 });
}

function place({ reference, repository }: Call) {
  return { id: reference, repository };
}

async function appendBody(session: UploadSession, request: Request): Promise<void> {
  const header = request.headers.get('content-range');
  if (header === null) return session.append(bodyStream(request));
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
  const given = bodyLength(request);
  if (given !== undefined && given !== length) {
    throw new RegistryError(400, 'SIZE_INVALID', {
      message: `the Content-Range has ${length} bytes and the Content-Length ${given}`,
    });
  }
  await session.append(bodyStream(request), { length });
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
