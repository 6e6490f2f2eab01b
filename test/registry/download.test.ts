import { expect, test } from 'bun:test';
import { createServer } from 'node:net';
import { digestOf } from '../../src/oci/digest.ts';
import { CANARY } from '../support/canary.ts';
import { layerOf, readStream } from '../support/content-store-contract.ts';
import { type Script, startFakeRegistry } from '../support/fake-registry.ts';
import { openTestRepository } from '../support/open-test-repository.ts';

const { descriptor, bytes } = layerOf(300_000);

/** A registry that has the blob and follows `script`. */
function registryWithBlob(script: Script = () => undefined) {
  const registry = startFakeRegistry({ script });
  registry.blobs.set(descriptor.digest, new Uint8Array(bytes));
  return registry;
}

test('open() of a blob costs one request, and each further stream another', async () => {
  await using registry = registryWithBlob();
  const content = await openTestRepository(registry.host).open(descriptor);
  expect(digestOf(await readStream(content.stream()))).toBe(descriptor.digest);
  expect(registry.requests).toHaveLength(1);
  expect(await readStream(content.stream({ start: 299_999 }))).toEqual(
    Buffer.from(bytes.subarray(299_999)),
  );
  expect(registry.requests[1]?.headers.get('range')).toBe('bytes=299999-');
});

test('a stream from the middle works at a registry that knows no ranges', async () => {
  await using registry = registryWithBlob(({ method }) =>
    method === 'GET' ? new Response(new Uint8Array(bytes)) : undefined,
  );
  const content = await openTestRepository(registry.host).open(descriptor);
  expect(await readStream(content.stream({ start: 123_456 }))).toEqual(
    Buffer.from(bytes.subarray(123_456)),
  );
});

test('open() of a blob that is not there is REMOTE_NOT_FOUND and names it', async () => {
  await using registry = startFakeRegistry();
  await expect(openTestRepository(registry.host).open(descriptor)).rejects.toMatchObject({
    code: 'REMOTE_NOT_FOUND',
    message: `${registry.host}/app has no blob ${descriptor.digest}`,
  });
});

test('open() of a blob of another size is CONTENT_MISMATCH', async () => {
  await using registry = registryWithBlob();
  const opening = openTestRepository(registry.host).open({ ...descriptor, size: 299_999 });
  await expect(opening).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' });
});

/** A registry that sends 100,000 bytes, or none, of what is asked, and breaks the connection when told. */
async function brokenRegistry({ progress }: { progress: boolean }) {
  const ranges: number[] = [];
  let breakNow = () => {};
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (request) => {
      const start = Number(/range: bytes=(\d+)-/i.exec(request.toString())?.[1] ?? 0);
      ranges.push(start);
      const status = start > 0 ? '206 Partial' : '200 OK';
      const range = start > 0 ? `content-range: bytes ${start}-299999/300000\r\n` : '';
      socket.write(`HTTP/1.1 ${status}\r\n${range}content-length: ${300_000 - start}\r\n\r\n`);
      breakNow = () => socket.end();
      if (progress) socket.write(bytes.subarray(start, start + 100_000));
      else breakNow();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    host: `127.0.0.1:${port}`,
    ranges,
    breakNow: () => breakNow(),
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('a download that breaks off goes on where it broke', async () => {
  await using server = await brokenRegistry({ progress: true });
  const content = await openTestRepository(server.host).open(descriptor);
  const hasher = new Bun.CryptoHasher('sha256');
  let length = 0;
  for await (const piece of content.stream()) {
    hasher.update(piece);
    length += piece.length;
    if (length % 100_000 === 0) server.breakNow();
  }
  expect(`sha256:${hasher.digest('hex')}`).toBe(descriptor.digest);
  expect(server.ranges).toEqual([0, 100_000, 200_000]);
});

test('a download that never gets anywhere is given up', async () => {
  await using server = await brokenRegistry({ progress: false });
  const content = await openTestRepository(server.host).open(descriptor);
  await expect(readStream(content.stream())).rejects.toMatchObject({ code: 'NETWORK' });
  expect(server.ranges).toEqual([0, 0, 0, 0, 0]);
});

test('a redirected download takes no Authorization along', async () => {
  await using storage = registryWithBlob();
  const credential = { kind: 'password' as const, username: 'me', secret: CANARY };
  await using registry = startFakeRegistry({
    script: ({ headers }, { pathname }) =>
      headers.has('authorization')
        ? Response.redirect(`${storage.origin}${pathname}?X-Amz-Signature=1`, 307)
        : new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm=x' } }),
  });
  const content = await openTestRepository(registry.host, { credential }).open(descriptor);
  expect(digestOf(await readStream(content.stream()))).toBe(descriptor.digest);
  expect(storage.requests.map(({ headers }) => headers.get('authorization'))).toEqual([null]);
});

test('a stream that is left early leaves the repository usable', async () => {
  await using registry = registryWithBlob();
  const repository = openTestRepository(registry.host);
  const content = await repository.open(descriptor);
  for await (const piece of content.stream()) {
    expect(piece.length).toBeGreaterThan(0);
    break;
  }
  expect(await repository.has(descriptor)).toBe(true);
});
