import { afterAll, beforeAll, expect, test } from 'bun:test';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { layerTar } from '../support/images.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { type HostileBench, hostileBench } from './support/hostile-bench.ts';
import { type Forgery, forgedLayout } from './support/hostile-image.ts';

let hostile: HostileBench;

beforeAll(async () => {
  hostile = await hostileBench();
});
afterAll(() => hostile[Symbol.asyncDispose]());

/** A registry that has one forged image, whatever it is asked for. */
function serve(forgery: Forgery): Bun.Server<undefined> {
  const blobs = new Map(
    forgedLayout(forgery).map(({ name, bytes = '' }) => [name, Buffer.from(bytes)]),
  );
  const [root = Buffer.alloc(0)] = [...blobs].flatMap(([name, bytes]) =>
    name.startsWith('blobs/') ? [bytes] : [],
  );
  return Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === '/v2/') return new Response('{}');
      const hex = /\/blobs\/sha256:([0-9a-f]{64})$/.exec(pathname)?.[1];
      if (hex !== undefined) {
        const blob = blobs.get(`blobs/sha256/${hex}`);
        return blob === undefined ? new Response('', { status: 404 }) : new Response(blob);
      }
      const headers = {
        'Content-Type': mediaTypes.manifest,
        'Docker-Content-Digest': digestOf(root),
      };
      return new Response(root, { headers });
    },
  });
}

const other = Bun.gzipSync(Buffer.from(layerTar('another')));

test.each([
  ['a key twice', { manifest: (t: string) => t.replace('{', '{"a":1,"a":2,') }, /member "a" twice/],
  [
    'a key of its config twice',
    { config: (t: string) => t.replace('{', '{"os":"x",') },
    /member "os" twice/,
  ],
  ['two kinds', { manifest: (t: string) => t.replace('{', '{"manifests":[],') }, /both a manifest/],
  ['schema 1', { manifest: (t: string) => t.replace('{', '{"fsLayers":[],') }, /schema 1/],
  [
    'a path in place of a digest',
    { manifest: (t: string) => t.replace(/sha256:[0-9a-f]+/, 'sha256:../../../../etc/passwd') },
    /no valid digest/,
  ],
  ['another layer than its digest says', { layer: other }, /does not match sha256:/],
  [
    'another layer than its config says',
    { layer: other, layerType: mediaTypes.layerGzip },
    /is not the one that the image names/,
  ],
  [
    'a layer that is cut off',
    { layer: other.subarray(0, -2), layerType: mediaTypes.layerGzip },
    /gzip data cannot be read/,
  ],
  [
    'more layers than its config names',
    { config: (t: string) => t.replace(/\[".*?"\]/, '[]') },
    /has 1 layers, but its config names 0/,
  ],
] satisfies [string, Forgery, RegExp][])(
  'finch pull refuses an image with %s, and leaves the store as it was',
  async (_, forgery, message) => {
    await using server = serve(forgery);
    const { bench } = hostile;
    const before = await filesIn(bench.home);
    const name = `127.0.0.1:${server.port}/hostile:1`;
    expectError(await bench.fails(['pull', '-q', name]), message, /./);
    expect(await filesIn(bench.home)).toEqual(before);
  },
);
