import { join } from 'node:path';
import { digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';
import { type RegistryServer, serveRegistry } from '../../../src/server/serve-registry.ts';
import { openImageStore } from '../../../src/store/open-store.ts';
import { push } from '../../server/served.ts';
import { buildImage, buildMultiPlatform, json } from '../../support/images.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { type Material, mutateMore } from '../mutate-bytes.ts';
import { mutateJson } from '../mutate-json.ts';
import { promise, promiseShowable } from '../promises.ts';
import { sendRaw } from '../raw-request.ts';
import { documentWords } from '../seeds/documents.ts';
import { promiseSound } from '../store-contents.ts';
import type { Target } from '../target.ts';

const image = buildImage();
const index = buildMultiPlatform('linux/amd64', 'linux/arm64');
const blob = new TextEncoder().encode('some blob');
const digest = digestOf(blob);
const layer = [...image.blobs.keys()][0] ?? digest;
const manifest = image.blobs.get(image.root.digest) ?? blob;
const config = { mediaType: mediaTypes.empty, digest: digestOf(json({})), size: 2 };
const referrer = json({
  schemaVersion: 2,
  mediaType: mediaTypes.manifest,
  config,
  layers: [],
  subject: image.root,
});

/** Stands in a request for an upload that is open. */
const UPLOAD = '00000000-0000-4000-8000-000000000000';

/** After so many requests the server starts again with an empty home. */
const ROUND = 1000;

const words = [
  ...['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS', '/v2/', '/blobs/', '/manifests/'],
  ...[
    '/uploads/',
    '/tags/list',
    '/referrers/',
    '?digest=',
    '&mount=',
    '&from=',
    'n=',
    'last=',
    'tag=',
  ],
  ...[
    'artifactType=',
    'digest-algorithm=sha512',
    '%2e%2e%2f',
    '%00',
    '%ff',
    '%25',
    'Range: bytes=',
    '0-3',
  ],
  ...[
    'Content-Range: ',
    'Content-Type: ',
    'Accept: ',
    'Origin: http://evil.test',
    'If-None-Match: *',
  ],
  ...[UPLOAD, digest, layer, 'some/repo', 'latest', ...documentWords],
];

/** A seed: the first line, the headers and the body of a request. */
function request(line: string, body: Uint8Array = new Uint8Array(), ...headers: readonly string[]) {
  return Buffer.concat([Buffer.from(`${[line, ...headers].join('\n')}\n\n`), body]);
}

const SEEDS = [
  ...['/v2/', '/v2/_catalog?n=1&last=a', '/v2/some/repo/tags/list?n=2&last=latest'].map((path) =>
    request(`GET ${path}`),
  ),
  request(`GET /v2/some/repo/manifests/latest`),
  request(`HEAD /v2/some/repo/manifests/${image.root.digest}`),
  request(`GET /v2/some/repo/blobs/${layer}`, blob.subarray(0, 0), 'Range: bytes=1-3'),
  request(`GET /v2/some/repo/referrers/${image.root.digest}?artifactType=a/b`),
  request('POST /v2/some/repo/blobs/uploads/'),
  request(`POST /v2/some/repo/blobs/uploads/?digest=${digest}`, blob),
  request(`POST /v2/some/repo/blobs/uploads/?mount=${layer}&from=other/repo`),
  request(`PATCH /v2/some/repo/blobs/uploads/${UPLOAD}`, blob, 'Content-Range: 0-8'),
  request(`PUT /v2/some/repo/blobs/uploads/${UPLOAD}?digest=${digest}`, blob),
  request(`GET /v2/some/repo/blobs/uploads/${UPLOAD}`),
  request(`DELETE /v2/some/repo/blobs/uploads/${UPLOAD}`),
  request(`PUT /v2/some/repo/manifests/new`, manifest, `Content-Type: ${mediaTypes.manifest}`),
  request(`PUT /v2/some/repo/manifests/ref`, referrer, `Content-Type: ${mediaTypes.manifest}`),
  request(`DELETE /v2/some/repo/manifests/latest`),
  request(`DELETE /v2/some/repo/blobs/${digest}`),
];

/** Requests to `finch registry serve`: no answer is a server's fault, and the store stays sound. */
export const serverRequests: Target = {
  name: 'server',
  share: 20,
  words,
  mutators: [mutateBody, mutateBody],
  async open() {
    let round = await openRound();
    let left = ROUND;
    return {
      seeds: SEEDS,
      async run(input) {
        if (left-- === 0) {
          await round[Symbol.asyncDispose]();
          [round, left] = [await openRound(), ROUND];
        }
        await round.send(input);
      },
      [Symbol.asyncDispose]: () => round[Symbol.asyncDispose](),
    };
  },
};

/** Changes the body, which {@link mutateMore} reaches too seldom with the rest still right. */
function mutateBody(input: Uint8Array, material: Material): Uint8Array {
  const end = Buffer.from(input).indexOf('\n\n') + 2;
  const body = input.subarray(end);
  if (end < 2 || body.length === 0) return mutateMore(input, material);
  const isJson = body[0] === 0x7b && !material.random.oneIn(4);
  const changed = isJson ? mutateJson(body, material) : mutateMore(body, material);
  return Buffer.concat([input.subarray(0, end), changed]);
}

/** A server with an image and an index, over a store of its own. */
async function openRound(): Promise<AsyncDisposable & { send(input: Uint8Array): Promise<void> }> {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(await temporaryFolder());
  const store = resources.use(await openImageStore(join(folder.path, 'store')));
  let failure: unknown;
  const server = await serveRegistry(store, {
    hostname: '127.0.0.1',
    port: 0,
    onRequest: ({ error }) => (failure ??= error),
  });
  resources.defer(() => server.stop());
  await push(server.url, 'some/repo:latest', image);
  await push(server.url, 'some/repo:index', index);
  let upload = await startUpload(server);
  const owned = resources.move();
  return {
    async send(input) {
      const live = Buffer.from(
        Buffer.from(input).toString('latin1').replaceAll(UPLOAD, upload),
        'latin1',
      );
      const answer = await sendRaw(server.port, live);
      if (failure !== undefined) throw failure;
      if (answer === undefined) return;
      // Bun itself answers a first line that has no version where it should be.
      promise(
        answer.status < 500 || answer.status === 505,
        `the answer is ${answer.status}: ${answer.body}`,
      );
      for (const line of answer.head.split('\r\n')) promiseShowable(line, 'a header');
      promise(answer.head.length < 32 * 1024, 'the headers are long');
      if (answer.status >= 400) promise(answer.body.length < 8 * 1024, 'the error is long');
      if (live.includes(upload)) upload = await startUpload(server);
    },
    async [Symbol.asyncDispose]() {
      await promiseSound(store, { names: [], blobs: [] });
      await owned.disposeAsync();
    },
  };
}

async function startUpload({ url }: RegistryServer): Promise<string> {
  const response = await fetch(`${url}/v2/some/repo/blobs/uploads/`, { method: 'POST' });
  await response.text();
  const id = /([^/]+)$/.exec(response.headers.get('location') ?? '')?.[1] ?? '';
  promise(response.status === 202 && id !== '', 'no upload can be started');
  return id;
}
