import { describe, expect, test } from 'bun:test';
import type { Socket } from 'node:net';
import { pullImage } from '../../src/copy/pull-image.ts';
import { pushImages } from '../../src/copy/push-images.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { workplace } from '../archives/archive-files.ts';
import { httpAnswer, type RawRequest, startBadPeer } from '../support/bad-peer.ts';
import { layerOf } from '../support/content-store-contract.ts';
import { buildImage, layerTar } from '../support/images.ts';
import { openTestRepository } from '../support/open-test-repository.ts';
import { HOST } from './pulling.ts';

const noise = Buffer.from(layerOf(200_000).bytes).toString('base64');
const image = buildImage({ layers: [layerTar(noise)] });
const [layer, config] = image.order.map(({ digest }) => digest);

/** What the registry holds below a path, with its media type. */
function contentAt(path: string): { readonly bytes: Uint8Array; readonly mediaType: string } {
  const found =
    image.order.find(({ digest }) => path.endsWith(digest)) ??
    (path.endsWith('/manifests/1') ? image.root : undefined);
  const bytes = found && image.blobs.get(found.digest);
  return { bytes: bytes ?? new Uint8Array(), mediaType: found?.mediaType ?? '' };
}

/** The whole answer to a request for what the image is made of. */
function answer({ method, path, headers }: RawRequest): Uint8Array {
  const { bytes, mediaType } = contentAt(path);
  const start = Number(/^bytes=(\d+)-$/.exec(headers['range'] ?? '')?.[1] ?? 0);
  const range = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
  const head = httpAnswer(start > 0 ? 206 : 200, {
    headers: {
      'content-type': mediaType,
      'content-length': String(bytes.length - start),
      ...(start > 0 && range),
    },
  });
  return Buffer.concat([
    Buffer.from(head),
    method === 'HEAD' ? Buffer.of() : bytes.subarray(start),
  ]);
}

/** Ways in which a connection ends too soon. */
const BREAKS: Readonly<Record<string, (whole: Uint8Array, socket: Socket) => void>> = {
  'before the answer': (_, socket) => void socket.destroy(),
  'in the headers': (whole, socket) => void socket.end(whole.subarray(0, 30)),
  'in the body': (whole, socket) => void socket.end(whole.subarray(0, -1)),
  'in the body of chunks': (_, socket) =>
    void socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n'),
};

describe('pullImage() from a registry that closes the connection', () => {
  for (const [when, breakOff] of Object.entries(BREAKS)) {
    const parts = { manifest: image.root.digest, config, layer };
    for (const [part, digest = ''] of Object.entries(parts)) {
      test(`${when} of a ${part}, each time, ends with one error and an empty store`, async () => {
        await using place = await workplace();
        await using peer = await startBadPeer((request, socket) => {
          const isPart = request.method === 'GET' && request.path.endsWith(digest);
          if (!isPart) return answer(request);
          breakOff(answer(request), socket);
          return undefined;
        });
        const from = openTestRepository(peer.host, { access: 'pull' });
        const pulling = pullImage(
          { ...parseReference(`${peer.host}/app:1`) },
          { from, to: place.store },
          { choice: { kind: 'all' }, platform: HOST },
        );
        await expect(pulling).rejects.toMatchObject({
          code: 'NETWORK',
          message: `the connection to ${peer.host} was closed`,
          hint: expect.stringContaining('try again'),
        });
        const tried = peer.requests.filter(({ path }) => path.endsWith(digest));
        expect(tried.length).toBeGreaterThan(0);
        expect(tried.length).toBeLessThanOrEqual(12);
        expect(place.store.names()).toEqual([]);
        const files = await Array.fromAsync(
          new Bun.Glob('{blobs,ingest}/**/*').scan({ cwd: place.store.path }),
        );
        expect(files).toEqual([]);
      });
    }
  }

  test('after each byte of a layer gives up although there is some progress', async () => {
    await using place = await workplace();
    await using peer = await startBadPeer((request, socket) => {
      const whole = answer(request);
      if (request.method !== 'GET' || !request.path.endsWith(layer ?? '')) return whole;
      const bodyAt = Buffer.from(whole).indexOf('\r\n\r\n') + 4;
      socket.end(whole.subarray(0, bodyAt + 1));
      return undefined;
    });
    const from = openTestRepository(peer.host, { access: 'pull' });
    const pulling = pullImage(
      { ...parseReference(`${peer.host}/app:1`) },
      { from, to: place.store },
      { choice: { kind: 'all' }, platform: HOST },
    );
    await expect(pulling).rejects.toMatchObject({ code: 'NETWORK' });
    expect(peer.requests.length).toBeLessThan(12);
  });
});

describe('pushImages() to a registry that closes the connection', () => {
  for (const when of ['before the answer', 'in the headers'] as const) {
    test(`${when} to everything ends with one error`, async () => {
      await using place = await workplace();
      for (const descriptor of image.order) {
        const bytes = image.blobs.get(descriptor.digest) ?? new Uint8Array();
        const content = {
          size: bytes.length,
          async *stream() {
            yield bytes;
          },
        };
        await place.store.write(descriptor, content);
      }
      const head = Buffer.from(httpAnswer(200));
      await using peer = await startBadPeer((_, socket) => {
        BREAKS[when]?.(head, socket);
        return undefined;
      });
      const to = openTestRepository(peer.host);
      const target = { root: image.root, to, tags: ['1'] };
      const [outcome] = await pushImages([target], { from: place.store });
      expect(outcome?.error).toMatchObject({
        code: 'NETWORK',
        message: `the connection to ${peer.host} was closed`,
      });
      // Five attempts each for the tag and the digest; the runtime itself repeats one that a connection opened
      // before has lost.
      expect(peer.requests.length).toBeLessThanOrEqual(20);
    });
  }
});
