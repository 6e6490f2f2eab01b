import { describe, expect, test } from 'bun:test';
import { memoryContent } from '../../src/content.ts';
import { describe as describeBytes } from '../../src/oci/descriptor.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import type { FaultyOptions } from '../support/faulty-registry.ts';
import { distributionLike, type RegistryProfile } from '../support/faulty-registry-profiles.ts';
import { type Built, buildImage, json } from '../support/images.ts';
import { expectPushed, push, pushTo } from './pushing.ts';
import { type Bench, startBench } from './sending.ts';

const image = buildImage();
const TAGS = ['1', '1.2', 'latest'];
const multiTag: RegistryProfile = { ...distributionLike, multiTag: true };
const puts = ({ registry }: Bench) => registry.lines('PUT /v2/app/manifests/');

describe('several tags', () => {
  test('are given in one request where the registry takes that', async () => {
    await using pushed = await push(image, { profile: multiTag, tags: TAGS });
    expectPushed(pushed, TAGS);
    expect(puts(pushed)).toEqual([
      `PUT /v2/app/manifests/${image.root.digest}?tag=1&tag=1.2&tag=latest`,
    ]);
  });

  test('are given one by one where the registry knows of nothing else', async () => {
    await using pushed = await push(image, { tags: TAGS });
    expectPushed(pushed, TAGS);
    for (const tag of TAGS) expect(puts(pushed)).toContain(`PUT /v2/app/manifests/${tag}`);
  });

  test('of which the registry took one are given one by one for the others', async () => {
    await using pushed = await push(image, {
      tags: TAGS,
      faults: [
        {
          on: /^PUT .*\?tag=/,
          does: 'alter',
          to: (reply) => ({ ...reply, headers: { ...reply.headers, 'oci-tag': '1.2' } }),
        },
      ],
      prepare: ({ registry }) =>
        void registry.state.repository('app').tags.set('1.2', image.root.digest),
    });
    expect(pushed.error).toBeUndefined();
    expectPushed(pushed, TAGS);
    expect(puts(pushed)).not.toContain('PUT /v2/app/manifests/1.2');
  });
});

/** A manifest that is about another one. */
function attached(subject: Built['root'], name: string): Built {
  const config = new TextEncoder().encode('{}');
  const configOf = describeBytes('application/vnd.oci.empty.v1+json', digestOf(config), config);
  const bytes = json({
    ...{ schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: 'text/x-test' },
    ...{ config: configOf, layers: [configOf], subject, annotations: { name } },
  });
  const root = describeBytes(mediaTypes.manifest, digestOf(bytes), bytes);
  const blobs = new Map<Digest, Uint8Array>([
    [configOf.digest, config],
    [root.digest, bytes],
  ]);
  return { root, blobs, order: [configOf, root] };
}

describe('a manifest about another', () => {
  const fallback = image.root.digest.replace(':', '-');
  const listed = ({ registry }: Bench): readonly string[] => {
    const { tags, manifests } = registry.state.repository('app');
    const bytes = manifests.get(tags.get(fallback) ?? '')?.bytes;
    const index = JSON.parse(new TextDecoder().decode(bytes ?? json({ manifests: [] })));
    return index.manifests.map(({ digest }: { digest: string }) => digest);
  };
  const first = attached(image.root, 'first');
  const second = attached(image.root, 'second');

  test('leaves the list to a registry that says it keeps one', async () => {
    await using pushed = await push(first, { profile: { ...distributionLike, referrers: true } });
    expectPushed(pushed);
    expect(pushed.registry.state.repository('app').tags.has(fallback)).toBe(false);
  });

  test('is put on the list under the fallback tag elsewhere, beside what is there', async () => {
    await using pushed = await push(first);
    expect(pushed.error).toBeUndefined();
    expect(listed(pushed)).toEqual([first.root.digest]);
    const again = await pushTo(pushed, second, { tags: ['2'] });
    expect(again.error).toBeUndefined();
    expect(listed(pushed)).toEqual([first.root.digest, second.root.digest]);
  });

  test('is put on the list also where another client changes it in between', async () => {
    const options: FaultyOptions = {
      faults: [
        {
          on: `PUT /v2/app/manifests/${fallback}`,
          nth: 1,
          does: 'reply',
          with: { status: 412 },
        },
      ],
    };
    await using pushed = await push(first, options);
    expect(pushed.error).toBeUndefined();
    expect(listed(pushed)).toEqual([first.root.digest]);
    expect(pushed.registry.count(`PUT /v2/app/manifests/${fallback}`)).toBe(2);
  });
});

/** A manifest of just so many bytes. */
function manifestOf(length: number) {
  const bytesWith = (padding: string) =>
    json({
      ...{ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] },
      annotations: { padding },
    });
  const bytes = bytesWith('x'.repeat(length - bytesWith('').length));
  return { bytes, descriptor: describeBytes(mediaTypes.index, digestOf(bytes), bytes) };
}

describe('a manifest', () => {
  test('of 4 MiB is sent', async () => {
    const { bytes, descriptor } = manifestOf(4 * 1024 * 1024);
    await using bench = await startBench();
    await bench.repository.write(descriptor, memoryContent(bytes));
    expect(bench.registry.state.repository('app').manifests.has(descriptor.digest)).toBe(true);
  });

  test('that is too large for the registry is an error that says so', async () => {
    await using pushed = await push(image, {
      faults: [{ on: 'PUT /v2/app/manifests/', does: 'reply', with: { status: 413 } }],
    });
    const { message, hint } = pushed.error as { message: string; hint: string };
    expect(`${message} ${hint}`).toMatch(/ MiB is too large/);
    expect(pushed.registry.state.repository('app').tags.size).toBe(0);
  });

  test('of which the registry does not say the digest is pushed', async () => {
    await using pushed = await push(image, {
      profile: { ...distributionLike, noDigestHeader: true },
    });
    expectPushed(pushed);
  });

  test('of which the registry says another digest is not reported as pushed', async () => {
    const other = manifestOf(1000).descriptor.digest;
    await using pushed = await push(image, {
      faults: [
        {
          on: 'PUT /v2/app/manifests/',
          does: 'alter',
          to: (reply) => ({
            ...reply,
            headers: { ...reply.headers, 'docker-content-digest': other },
          }),
        },
      ],
    });
    expect(pushed.error).toMatchObject({ code: 'CONTENT_MISMATCH' });
    const done = pushed.events.filter(
      ({ kind, descriptor }) => kind === 'done' && descriptor.digest === image.root.digest,
    );
    expect(done).toEqual([]);
  });
});
