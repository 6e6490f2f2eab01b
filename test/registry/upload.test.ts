import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import { CANARY } from '../support/canary.ts';
import { layerOf } from '../support/content-store-contract.ts';
import { registryErrorBody, type Script, startFakeRegistry } from '../support/fake-registry.ts';
import { openTestRepository } from '../support/open-test-repository.ts';
import { temporaryFolder } from '../support/temporary.ts';

const { descriptor, bytes } = layerOf(400_000);
const content = memoryContent(bytes);

/** Uploads one blob to a registry that follows `script`. */
async function upload(script: Script, access = { content }) {
  await using registry = startFakeRegistry({ script });
  const counts: number[] = [];
  const outcome = await openTestRepository(registry.host)
    .write(descriptor, access.content, { onBytes: (count) => counts.push(count) })
    .then(
      () => 'written',
      (error: unknown) => error,
    );
  return {
    outcome,
    lines: registry.lines().map((line) => line.replaceAll(descriptor.digest, 'DIGEST')),
    requests: registry.requests,
    total: counts.reduce((sum, count) => sum + count, 0),
    counts,
    host: registry.host,
    isHere: registry.blobs.has(descriptor.digest),
  };
}

test('a blob goes up in one request, to the Location with its query as it was', async () => {
  const { outcome, lines, requests, total, isHere } = await upload(() => undefined);
  expect({ outcome, total, isHere }).toEqual({ outcome: 'written', total: 400_000, isHere: true });
  expect(lines).toEqual([
    'HEAD /v2/app/blobs/DIGEST',
    'POST /v2/app/blobs/uploads/',
    'PUT /v2/app/blobs/uploads/1?_state=a%2Fb%3D&digest=DIGEST',
  ]);
  expect(requests[2]?.headers.get('content-length')).toBe('400000');
  expect(requests[2]?.headers.get('content-type')).toBe('application/octet-stream');
});

test('a blob that is there is not sent', async () => {
  await using registry = startFakeRegistry();
  registry.blobs.set(descriptor.digest, new Uint8Array(bytes));
  const stream = () => {
    throw new Error('was read');
  };
  await openTestRepository(registry.host).write(descriptor, { size: bytes.length, stream });
  expect(registry.lines()).toEqual([`HEAD /v2/app/blobs/${descriptor.digest}`]);
});

test('a blob that was just found missing is not asked for again', async () => {
  await using registry = startFakeRegistry();
  const repository = openTestRepository(registry.host);
  expect(await repository.has(descriptor)).toBe(false);
  await repository.write(descriptor, content);
  expect(registry.lines().filter((line) => line.startsWith('HEAD'))).toHaveLength(1);
});

test('a run of a file goes up from its offset', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'archive');
  await Bun.write(path, Buffer.concat([new Uint8Array(100), bytes, new Uint8Array(50)]));
  const inFile = { ...content, file: { path, offset: 100 } };
  const { outcome, counts, isHere } = await upload(() => undefined, { content: inFile });
  expect({ outcome, counts, isHere }).toEqual({
    outcome: 'written',
    counts: [400_000],
    isHere: true,
  });
});

test.each([
  ['/v2/app/u/1', 'PUT /v2/app/u/1?digest=DIGEST'],
  ['/v2/app/u/1?a=b%20c&x=%7e+', 'PUT /v2/app/u/1?a=b%20c&x=%7e+&digest=DIGEST'],
  ['ORIGIN/v2/app/u/1?s=1', 'PUT /v2/app/u/1?s=1&digest=DIGEST'],
  ['u/2', 'PUT /v2/app/blobs/uploads/u/2?digest=DIGEST'],
])('the Location %s is continued with %s', async (location, line) => {
  const { lines } = await upload(({ method }, url) => {
    if (method === 'PUT') return new Response(null, { status: 201 });
    if (method !== 'POST') return undefined;
    const headers = { location: location.replace('ORIGIN', url.origin) };
    return new Response(null, { status: 202, headers });
  });
  expect(lines.at(-1)).toBe(line);
});

test.each([undefined, 'http://[', 'ftp://x/'])('the Location %s is an error', async (location) => {
  const { outcome } = await upload(({ method }) =>
    method === 'POST'
      ? new Response(null, { status: 202, ...(location && { headers: { location } }) })
      : undefined,
  );
  expect(outcome).toMatchObject({ code: 'REGISTRY' });
});

test('a Location at another server gets the blob but no Authorization', async () => {
  const headers: Headers[] = [];
  await using other = startFakeRegistry({
    script: (request) => {
      headers.push(request.headers);
      return new Response(null, { status: 201 });
    },
  });
  await using registry = startFakeRegistry({
    script: (request) => {
      if (!request.headers.has('authorization')) {
        return new Response(null, {
          status: 401,
          headers: { 'www-authenticate': 'Basic realm=x' },
        });
      }
      return request.method === 'POST'
        ? new Response(null, { status: 202, headers: { location: `${other.origin}/up?sig=1` } })
        : undefined;
    },
  });
  const credential = { kind: 'password' as const, username: 'me', secret: CANARY };
  await openTestRepository(registry.host, { credential }).write(descriptor, content);
  expect(other.lines()).toEqual([`PUT /up?sig=1&digest=${descriptor.digest}`]);
  expect(headers[0]?.has('authorization')).toBe(false);
});

test.each([500, 502, 503, 429])(
  'a PUT that fails with %i is sent again in a new session where the first is gone',
  async (status) => {
    let puts = 0;
    const { outcome, lines, total } = await upload(async (request) => {
      if (request.method !== 'PUT' || puts++ > 0) return undefined;
      await request.arrayBuffer();
      return new Response(null, { status });
    });
    expect({ outcome, total }).toEqual({ outcome: 'written', total: 400_000 });
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      ...['HEAD', 'POST', 'PUT'],
      ...['HEAD', 'GET', 'HEAD', 'POST', 'PUT'],
    ]);
  },
);

test('the bytes of a failed attempt are taken back from the progress', async () => {
  let puts = 0;
  const { counts } = await upload(async (request) => {
    if (request.method !== 'PUT' || puts++ > 0) return undefined;
    await request.arrayBuffer();
    return new Response(null, { status: 500 });
  });
  expect(counts).toEqual([400_000, -400_000, 400_000]);
});

test('a blob that arrived although the answer did not is not sent again', async () => {
  let puts = 0;
  const { outcome, lines } = await upload(({ method }) => {
    if (method === 'PUT') puts += 1;
    if (puts === 0) return undefined;
    return new Response(null, { status: method === 'PUT' ? 504 : 200 });
  });
  expect(outcome).toBe('written');
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['HEAD', 'POST', 'PUT', 'HEAD']);
});

test('a lost upload session is replaced by a new one', async () => {
  let puts = 0;
  const { outcome } = await upload(({ method }) =>
    method === 'PUT' && puts++ === 0
      ? registryErrorBody(404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown')
      : undefined,
  );
  expect(outcome).toBe('written');
});

test('a blob that fails eight times without getting on is given up with the last reason', async () => {
  const { outcome, lines, host } = await upload(({ method }) =>
    method === 'PUT' ? registryErrorBody(500, 'UNKNOWN', 'disk full') : undefined,
  );
  expect(outcome).toMatchObject({
    code: 'REGISTRY',
    message: `registry ${host}: unknown: disk full`,
  });
  expect(lines.filter((line) => line.startsWith('PUT'))).toHaveLength(8);
});

test('a PUT that is refused is not sent again', async () => {
  const { outcome, lines } = await upload(({ method }) =>
    method === 'PUT' ? registryErrorBody(403, 'DENIED', 'no') : undefined,
  );
  expect(outcome).toMatchObject({ code: 'DENIED' });
  expect(lines.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
});

test('a registry that finds another digest is tried once more', async () => {
  const { outcome, lines } = await upload(({ method }) =>
    method === 'PUT' ? registryErrorBody(400, 'DIGEST_INVALID', 'no') : undefined,
  );
  expect(outcome).toMatchObject({ code: 'CONTENT_MISMATCH' });
  expect(lines.filter((line) => line.startsWith('PUT'))).toHaveLength(2);
});

test('a blob that is too long and cannot be cut is given up with the reason for that', async () => {
  const { outcome } = await upload(({ method }) => {
    if (method === 'PUT') return registryErrorBody(413, 'SIZE_INVALID', 'too long');
    return method === 'PATCH' ? registryErrorBody(405, 'UNSUPPORTED', 'no chunks') : undefined;
  });
  expect(outcome).toMatchObject({ code: 'REGISTRY', message: expect.stringContaining('too long') });
});

test('a registry that kept other bytes is a CONTENT_MISMATCH', async () => {
  const headers = { 'docker-content-digest': layerOf(5).descriptor.digest };
  const { outcome } = await upload(({ method }) =>
    method === 'PUT' ? new Response(null, { status: 201, headers }) : undefined,
  );
  expect(outcome).toMatchObject({ code: 'CONTENT_MISMATCH' });
});

test('a repository that is not there is an error that says what to do', async () => {
  const { outcome, host } = await upload(({ method }) =>
    method === 'POST' ? registryErrorBody(404, 'NAME_UNKNOWN', 'repository unknown') : undefined,
  );
  expect(outcome).toMatchObject({
    code: 'REMOTE_NOT_FOUND',
    message: `registry ${host}: name unknown: repository unknown`,
    hint: `create the repository app at ${host} first, or check its name`,
  });
});

test('an upload that is redirected is sent whole to the new address', async () => {
  const { outcome, isHere } = await upload((request, url) =>
    request.method === 'PUT' && !url.searchParams.has('again')
      ? new Response(null, { status: 307, headers: { location: `${url.href}&again=1` } })
      : undefined,
  );
  expect({ outcome, isHere }).toEqual({ outcome: 'written', isHere: true });
});

test.each([405, 501])('a blob is sent to a registry that answers HEAD with %d', async (status) => {
  const { outcome, lines, isHere } = await upload(({ method }) =>
    method === 'HEAD' ? new Response(null, { status }) : undefined,
  );
  expect({ outcome, isHere }).toEqual({ outcome: 'written', isHere: true });
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['HEAD', 'POST', 'PUT']);
});

test('a blob is not sent to a private address that a registry elsewhere names', async () => {
  await using registry = startFakeRegistry({
    script: ({ method }) =>
      method === 'POST'
        ? new Response(null, { status: 202, headers: { location: 'http://169.254.169.254/up' } })
        : undefined,
  });
  const writing = openTestRepository(registry.host).write(descriptor, content);
  await expect(writing).rejects.toMatchObject({
    code: 'REGISTRY',
    message: expect.stringContaining('169.254.169.254, which is a private address'),
  });
});

test('a registry that asks to wait is waited for, each time no longer than five minutes', async () => {
  const waits: number[] = [];
  const sleep = async (ms: number) => void waits.push(ms);
  const asking = async (seconds: string) => {
    await using registry = startFakeRegistry({
      script: ({ method }) =>
        method === 'PUT'
          ? new Response(null, { status: 503, headers: { 'retry-after': seconds } })
          : undefined,
    });
    const repository = openTestRepository(registry.host, { retry: { sleep } });
    await expect(repository.write(descriptor, content)).rejects.toMatchObject({ code: 'REGISTRY' });
    // What comes after them is to cancel it.
    return waits.splice(0).filter((ms) => ms > 100);
  };
  expect(await asking('25')).toEqual(Array(7).fill(25_000));
  expect(await asking('301')).toEqual([]);
});
