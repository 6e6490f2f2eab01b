import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { type Script, startFakeRegistry } from '../support/fake-registry.ts';
import { type Built, buildImage, json } from '../support/images.ts';
import { type Victim, victim } from './support/victim.ts';

// One home for all: no failure may leave anything in it.
let home: Victim;
beforeAll(async () => {
  home = await victim();
});
afterAll(() => home[Symbol.asyncDispose]());

/** Documents as a registry should give them, and one thing about it that is not true. */
interface Lie {
  readonly script: (image: Built) => Script;
  readonly pull: string | RegExp;
}

const hex = (image: Built, part: 'layer' | 'config' | 'root') =>
  image.order[['layer', 'config', 'root'].indexOf(part)]?.digest ?? '';

/** Gives other bytes for a blob. */
function otherBlob(part: 'layer' | 'config', change: (bytes: Uint8Array) => Uint8Array) {
  return (image: Built): Script =>
    ({ method }, { pathname }) => {
      const digest = hex(image, part);
      if (method !== 'GET' || !pathname.endsWith(digest)) return undefined;
      return new Response(new Uint8Array(change(image.blobs.get(digest as never) ?? json({}))));
    };
}

/** Changes one header of the answers about manifests. */
function otherHeader(method: 'HEAD' | 'GET', headers: (image: Built) => Record<string, string>) {
  return (image: Built): Script =>
    (request, { pathname }) => {
      if (request.method !== method || !pathname.includes('/manifests/')) return undefined;
      const bytes = new Uint8Array(image.blobs.get(image.root.digest) ?? []);
      const own = {
        'content-type': mediaTypes.manifest,
        'docker-content-digest': image.root.digest,
      };
      return new Response(bytes, { headers: { ...own, ...headers(image) } });
    };
}

const LIES: Readonly<Record<string, Lie>> = {
  'other bytes for a config': {
    script: otherBlob('config', (bytes) => bytes.map((byte) => byte ^ 1)),
    pull: /^finch: .*sha256:/,
  },
  'other bytes for a layer': {
    script: otherBlob('layer', (bytes) => bytes.map((byte) => byte ^ 1)),
    pull: /^finch: .*sha256:/,
  },
  'more bytes than a layer has': {
    script: otherBlob('layer', (bytes) => Buffer.concat([bytes, bytes])),
    pull: /^finch: registry HOST sent blob sha256:\S+ with another size than \d+ bytes$/,
  },
  'fewer bytes than a layer has': {
    script: otherBlob('layer', (bytes) => bytes.subarray(1)),
    pull: /^finch: registry HOST sent blob sha256:\S+ with another size than \d+ bytes$/,
  },
  'no bytes at all for a config': {
    script: otherBlob('config', () => new Uint8Array()),
    pull: /^finch: registry HOST sent blob sha256:\S+ with another size than \d+ bytes$/,
  },
  'another digest for a tag than the bytes have': {
    script: otherHeader('HEAD', () => ({ 'docker-content-digest': digestOf(json('other')) })),
    pull: /^finch: HOST\/app@sha256:\S+ is not in the registry$/,
  },
  'another document for GET than HEAD promised': {
    script:
      (image) =>
      (request, { pathname }) => {
        if (request.method !== 'GET' || !pathname.includes('/manifests/')) return undefined;
        const other = buildImage({ labels: { other: image.root.digest } });
        const bytes = new Uint8Array(other.blobs.get(other.root.digest) ?? []);
        return new Response(bytes, { headers: { 'content-type': mediaTypes.manifest } });
      },
    pull: /^finch: registry HOST sent other bytes for HOST\/app@sha256:\S+$/,
  },
  'another range of a layer than it was asked for': {
    script:
      (image) =>
      ({ method }, { pathname }) =>
        method === 'GET' && pathname.endsWith(hex(image, 'layer'))
          ? new Response(null, { headers: { 'content-range': 'bytes 7-8/9' }, status: 206 })
          : undefined,
    pull: /^finch: registry HOST sent blob sha256:\S+ with another size than \d+ bytes$/,
  },
};

describe('a registry that gives', () => {
  for (const [lie, { script, pull }] of Object.entries(LIES)) {
    test(`${lie} is found out, and nothing of it stays`, async () => {
      const image = buildImage();
      await using registry = startFakeRegistry({ script: script(image) });
      const { root, blobs } = image;
      for (const [digest, bytes] of blobs) registry.blobs.set(digest, new Uint8Array(bytes));
      const manifest = {
        mediaType: root.mediaType,
        bytes: new Uint8Array(blobs.get(root.digest) ?? []),
      };
      registry.manifests.set('app:1', manifest).set(`app@${root.digest}`, manifest);
      await home.fails(registry, { pull });
    });
  }

  test('the type of a web page to what it says without a body is pushed to all the same', async () => {
    await using registry = startFakeRegistry({
      script: ({ method }, { pathname, origin }) => {
        const html = { 'content-type': 'text/html; charset=utf-8' };
        if (pathname === '/v2/') {
          const fields = { ...html, 'docker-distribution-api-version': 'registry/2.0' };
          return new Response('true', { headers: fields });
        }
        if (method !== 'POST') return undefined;
        const location = `${origin}${pathname}1`;
        return new Response(null, { status: 202, headers: { ...html, location } });
      },
    });
    const login = `login -u me --password-stdin ${registry.host}`;
    await home.bench.ok(login, { stdin: 'x' });
    await home.bench.ok(`logout ${registry.host}`);
    await home.bench.ok(`tag hello-finch ${registry.host}/app`);
    await home.bench.ok(`push ${registry.host}/app`);
    expect(registry.blobs.size).toBe(4);
  });

  test('a blob of another size for the one that is pushed gets it all the same', async () => {
    await using registry = startFakeRegistry({
      script: ({ method }, { pathname }) =>
        method === 'HEAD' && pathname.includes('/blobs/') ? new Response('other') : undefined,
    });
    await home.bench.ok(`tag hello-finch ${registry.host}/app`);
    await home.bench.ok(`push ${registry.host}/app`);
    expect(registry.blobs.size).toBe(4);
  });
});
