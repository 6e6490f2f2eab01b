import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { emptyMemory } from '../../src/registry/memory/registry-memory.ts';
import { parseTags } from '../../src/registry/put-manifest.ts';
import { referrersTag } from '../../src/registry/referrers.ts';
import { registryErrorBody, type Script, startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage, json } from '../support/images.ts';
import { openTestRepository } from '../support/open-test-repository.ts';

const { root, blobs } = buildImage();
const bytes = new Uint8Array(blobs.get(root.digest) ?? []);

/** A registry that refuses what has several tags. */
const onlySingle =
  (status: number): Script =>
  (_, url) =>
    url.search === '' ? undefined : registryErrorBody(status, 'X', 'no');

describe('several tags', () => {
  /** A registry that names a document by those of the tags in the address that it takes. */
  const naming =
    (takes: (tag: string) => boolean): Script =>
    (_, url) => {
      const taken = url.searchParams.getAll('tag').filter(takes);
      if (taken.length === 0) return undefined;
      const headers = new Headers();
      for (const tag of taken) headers.append('oci-tag', tag);
      return new Response(null, { status: 201, headers });
    };

  test.each([
    ['all of them', () => true, []],
    ['some of them', (tag: string) => tag !== 'b', ['PUT /v2/app/manifests/b']],
    ['none of them', () => false, ['a', 'b', 'c'].map((tag) => `PUT /v2/app/manifests/${tag}`)],
  ])('go in one request, and one by one where the registry took %s', async (_, takes, rest) => {
    await using registry = startFakeRegistry({ script: naming(takes) });
    await openTestRepository(registry.host).tag(['a', 'b', 'c', 'a'], root, bytes);
    expect(registry.lines()).toEqual([
      `PUT /v2/app/manifests/${root.digest}?tag=a&tag=b&tag=c`,
      ...rest,
    ]);
  });

  test.each([400, 401, 403, 404, 405, 406, 409, 414, 422, 501])(
    'go one by one where a registry answers %i',
    async (status) => {
      await using registry = startFakeRegistry({
        script: (_, url) => (url.search === '' ? undefined : registryErrorBody(status, 'X', 'no')),
      });
      await openTestRepository(registry.host).tag(['a', 'b'], root, bytes);
      expect(registry.manifests.has('app:a') && registry.manifests.has('app:b')).toBe(true);
    },
  );

  test('are not all tried where the first is denied, too', async () => {
    await using registry = startFakeRegistry({
      script: () => registryErrorBody(403, 'DENIED', 'not yours'),
    });
    const tagging = openTestRepository(registry.host).tag(['a', 'b'], root, bytes);
    await expect(tagging).rejects.toMatchObject({ code: 'DENIED' });
    expect(registry.requests).toHaveLength(2);
  });

  test.each([
    ['says nothing of tags', naming(() => false), 0],
    ['answers 404', onlySingle(404), 0],
    ['answers 403, which may be for another reason', onlySingle(403), 2],
    ['takes them', naming(() => true), 2],
  ])('are tried together again as long as no registry %s', async (_, script, again) => {
    await using registry = startFakeRegistry({ script });
    const memory = emptyMemory();
    for (let i = 0; i < 3; i += 1) {
      await openTestRepository(registry.host, { memory }).tag(['a', 'b'], root, bytes);
    }
    const together = registry.lines().filter((line) => line.includes('?'));
    expect(together).toHaveLength(1 + again);
  });

  test('one tag is one request, and none is one by digest', async () => {
    await using registry = startFakeRegistry();
    const repository = openTestRepository(registry.host);
    await repository.tag(['a'], root, bytes);
    await repository.tag([], root, bytes);
    expect(registry.lines()).toEqual([
      'PUT /v2/app/manifests/a',
      `PUT /v2/app/manifests/${root.digest}`,
    ]);
  });

  test('parseTags() finds every tag, and never throws', () => {
    const tag = fc.stringMatching(/^\w[\w.-]{0,20}$/);
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1 }), (tags) => {
        expect(parseTags(tags.join(', '))).toEqual(new Set(tags));
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => parseTags(text).size > 0));
  });
});

describe('a document that was stored before something broke', () => {
  test.each([[['a']], [['a', 'b']], [[]]])('under %p is there', async (tags) => {
    await using registry = startFakeRegistry({
      script: ({ method }, url) => {
        if (method !== 'PUT') return undefined;
        const stored = { mediaType: root.mediaType, bytes };
        const names = [root.digest, ...(url.search === '' ? tags : url.searchParams.getAll('tag'))];
        for (const name of names) registry.manifests.set(`app:${name}`, stored);
        return new Response(null, { status: 502 });
      },
    });
    await openTestRepository(registry.host).tag(tags, root, bytes);
  });

  test('is an error where the tag names another one, that of the request', async () => {
    await using registry = startFakeRegistry({
      script: ({ method }) => (method === 'PUT' ? new Response(null, { status: 502 }) : undefined),
    });
    const tagging = openTestRepository(registry.host).tag(['a'], root, bytes);
    const message = `registry ${registry.host}: 502 Bad Gateway`;
    await expect(tagging).rejects.toMatchObject({ code: 'REGISTRY', message });
    expect(registry.lines().filter((line) => line.startsWith('HEAD'))).toHaveLength(1);
  });
});

describe('a refused document', () => {
  test('that is too large for the registry is told so, with its size', async () => {
    await using registry = startFakeRegistry({ script: () => new Response(null, { status: 413 }) });
    for (const tags of [['a'], ['a', 'b']]) {
      const { host } = registry;
      await expect(openTestRepository(host).tag(tags, root, bytes)).rejects.toMatchObject({
        code: 'REGISTRY',
        message: `registry ${host}: 413 Payload Too Large`,
        hint: `a manifest of 0.0 MiB is too large for ${host} or a proxy before it; push fewer platforms, or ask who runs it`,
      });
    }
  });

  test.each([
    ['3600', 'the registry asks to wait 60 minutes; try again then'],
    ['301', 'the registry asks to wait 6 minutes; try again then'],
    ['36000', 'the registry asks to wait 10 hours; try again then'],
    ['999999999', 'the registry asks to wait for days; ask who runs it'],
  ])('by a registry that asks to wait %s s says when to try again', async (after, hint) => {
    await using registry = startFakeRegistry({
      script: () => new Response(null, { status: 429, headers: { 'retry-after': after } }),
    });
    const tagging = openTestRepository(registry.host).tag(['a'], root, bytes);
    await expect(tagging).rejects.toMatchObject({ code: 'REGISTRY', hint });
    expect(registry.requests).toHaveLength(1);
  });
});

describe('a document with a subject', () => {
  const subject = { mediaType: mediaTypes.manifest, digest: root.digest, size: root.size };
  const tag = referrersTag(root.digest);

  /** A signature of the image, say. */
  function referrer(note: string) {
    const config = { mediaType: 'application/vnd.example', digest: root.digest, size: 2 };
    const annotations = { note };
    const manifest = { schemaVersion: 2, config, layers: [], subject, annotations };
    const content = new Uint8Array(json({ ...manifest, mediaType: mediaTypes.manifest }));
    const digest = digestOf(content);
    const descriptor = { mediaType: mediaTypes.manifest, digest, size: content.length };
    return {
      descriptor,
      content,
      entry: { ...descriptor, artifactType: config.mediaType, annotations },
    };
  }
  const [one, two] = [referrer('one'), referrer('two')];

  /** The list as a registry has it. */
  const listIn = (registry: ReturnType<typeof startFakeRegistry>): unknown =>
    JSON.parse(new TextDecoder().decode(registry.manifests.get(`app:${tag}`)?.bytes));

  test('is on the list of its subject, with what was there, once', async () => {
    await using registry = startFakeRegistry();
    const there = { mediaType: mediaTypes.manifest, digest: root.digest, size: 5, odd: [1] };
    const before = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [there], more: 'x' };
    const list = { mediaType: mediaTypes.index, bytes: new Uint8Array(json(before)) };
    registry.manifests.set(`app:${tag}`, list);
    const repository = openTestRepository(registry.host);
    await Promise.all([one, two].map((it) => repository.tag([], it.descriptor, it.content)));
    await repository.tag([], one.descriptor, one.content);
    expect(listIn(registry)).toEqual({ ...before, manifests: [there, one.entry, two.entry] });
    expect(registry.lines().filter((line) => line === `PUT /v2/app/manifests/${tag}`)).toHaveLength(
      2,
    );
  });

  test('begins the list where there is none', async () => {
    await using registry = startFakeRegistry();
    await openTestRepository(registry.host).tag([], one.descriptor, one.content);
    const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [one.entry] };
    expect(listIn(registry)).toEqual(index);
    expect(registry.manifests.get(`app:${tag}`)?.mediaType).toBe(mediaTypes.index);
  });

  test('is left to a registry that keeps the list itself', async () => {
    await using registry = startFakeRegistry({
      script: ({ method }) =>
        method === 'PUT'
          ? new Response(null, { status: 201, headers: { 'oci-subject': root.digest } })
          : undefined,
    });
    await openTestRepository(registry.host).tag(['v1'], one.descriptor, one.content);
    expect(registry.lines()).toEqual(['PUT /v2/app/manifests/v1']);
  });

  test('is added to what another has written meanwhile', async () => {
    const index = (manifests: readonly unknown[]) => ({
      mediaType: mediaTypes.index,
      bytes: new Uint8Array(json({ schemaVersion: 2, mediaType: mediaTypes.index, manifests })),
    });
    let reads = 0;
    await using registry = startFakeRegistry({
      script({ method, headers }, { pathname }) {
        if (!pathname.endsWith(tag)) return undefined;
        if (method === 'GET') {
          const kept = registry.manifests.get(`app:${tag}`);
          reads += 1;
          return new Response(kept?.bytes, {
            headers: { etag: `"${reads}"`, 'content-type': mediaTypes.index },
          });
        }
        if (headers.get('if-match') === '"1"') {
          registry.manifests.set(`app:${tag}`, index([two.entry]));
          return new Response(null, { status: 412 });
        }
        return undefined;
      },
    });
    registry.manifests.set(`app:${tag}`, index([]));
    await openTestRepository(registry.host).tag([], one.descriptor, one.content);
    expect(listIn(registry)).toMatchObject({ manifests: [two.entry, one.entry] });
    expect(reads).toBe(2);
  });

  test('is an error where the list changes all the time, or is none', async () => {
    const wrong = [
      [() => new Response(null, { status: 412 }), /changed by others all the time$/],
      [undefined, /is no index$/],
    ] as const;
    for (const [answer, message] of wrong) {
      await using registry = startFakeRegistry({
        script: ({ method }, { pathname }) =>
          method === 'PUT' && pathname.endsWith(tag) ? answer?.() : undefined,
      });
      if (answer === undefined) registry.manifests.set(`app:${tag}`, { ...root, bytes });
      const put = openTestRepository(registry.host).tag([], one.descriptor, one.content);
      await expect(put).rejects.toMatchObject({
        code: 'REGISTRY',
        message: expect.stringMatching(message),
      });
    }
  });

  test('of any algorithm has a tag that registries take', () => {
    const digest = digestOf(new Uint8Array(1), 'sha512');
    expect(referrersTag(digest)).toMatch(/^sha512-[0-9a-f]{64}$/);
    expect(referrersTag(root.digest)).toBe(root.digest.replace(':', '-'));
  });
});
