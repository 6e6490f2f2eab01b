import { describe, expect, test } from 'bun:test';
import type { Content, ContentReader } from '../../src/content.ts';
import { readDocument, readImageConfig } from '../../src/copy/read-document.ts';
import { type Descriptor, describe as describeBytes } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { MAX_CONFIG_BYTES, MAX_DOCUMENT_BYTES } from '../../src/oci/json.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { inPieces } from '../support/content-store-contract.ts';
import { json } from '../support/images.ts';
import { Graph } from './graph.ts';

const graph = new Graph();
const index = graph.index('index', [graph.image('arm', 'linux/arm/v7')]);
const bytes = graph.bytesOf(index);

/** A reader that gives `content` for everything. */
function reader(content: Content): ContentReader & { readonly opened: Descriptor[] } {
  const opened: Descriptor[] = [];
  return {
    opened,
    has: async () => true,
    async open(descriptor) {
      opened.push(descriptor);
      return content;
    },
  };
}

describe('readDocument()', () => {
  test('gives the document and its exact bytes, from pieces that are used again', async () => {
    const read = await readDocument(reader(inPieces(bytes, 7)), index);
    expect(digestOf(read.bytes)).toBe(index.digest);
    expect(read.document.kind === 'index' && read.document.manifests[0]?.platform).toEqual({
      ...{ os: 'linux', architecture: 'arm', variant: 'v7' },
    });
  });

  test('compares by the algorithm of the digest', async () => {
    const long = describeBytes(mediaTypes.index, digestOf(bytes, 'sha512'), bytes);
    expect((await readDocument(reader(inPieces(bytes, 99)), long)).document.kind).toBe('index');
  });

  const wrong: readonly (readonly [string, Uint8Array])[] = [
    ['are others', new TextEncoder().encode(new TextDecoder().decode(bytes).replace('arm', 'mra'))],
    ['are fewer', bytes.subarray(1)],
    ['are more', Buffer.concat([bytes, new Uint8Array(1)])],
    ['are none', new Uint8Array()],
  ];
  for (const [what, content] of wrong) {
    test(`throws CONTENT_MISMATCH when the bytes ${what}`, async () => {
      await expect(readDocument(reader(inPieces(content, 64)), index)).rejects.toMatchObject({
        code: 'CONTENT_MISMATCH',
        message: expect.stringContaining(index.digest),
      });
    });
  }

  test.each([
    [1, `has ${bytes.length} bytes, but what names it says ${bytes.length + 1}`],
    [-1, `has more than ${bytes.length - 1} bytes`],
  ])('says so when a size that is %i byte off is the only fault', async (off, message) => {
    const lying = { ...index, size: index.size + off };
    await expect(readDocument(reader(inPieces(bytes, 64)), lying)).rejects.toMatchObject({
      code: 'CONTENT_MISMATCH',
      message: expect.stringContaining(`${index.digest} ${message}`),
    });
  });

  test('reads no further than one piece behind the size, and ends the stream', async () => {
    let [pieces, isClosed] = [0, false];
    const endless: Content = {
      size: bytes.length,
      async *stream() {
        try {
          for (;;) {
            pieces += 1;
            yield bytes;
          }
        } finally {
          isClosed = true;
        }
      },
    };
    await expect(readDocument(reader(endless), index)).rejects.toMatchObject({
      code: 'CONTENT_MISMATCH',
    });
    expect([pieces, isClosed]).toEqual([2, true]);
  });

  test('does not even open what is called larger than a document may be', async () => {
    const from = reader(inPieces(bytes, 64));
    const tooLarge = { ...index, size: MAX_DOCUMENT_BYTES + 1 };
    await expect(readDocument(from, tooLarge)).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
    expect(from.opened).toEqual([]);
  });

  test('throws DOCUMENT_INVALID when it is not what the descriptor calls it', async () => {
    const called = { ...index, mediaType: mediaTypes.manifest };
    const reading = readDocument(reader(inPieces(bytes, 64)), called);
    await expect(reading).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
  });

  test('hands the signal on, to the opening and to the stream', async () => {
    const { signal } = new AbortController();
    const signals: unknown[] = [];
    const from: ContentReader = {
      has: async () => true,
      async open(_, options) {
        signals.push(options?.signal);
        return {
          size: bytes.length,
          async *stream(reading) {
            signals.push(reading?.signal);
            yield bytes;
          },
        };
      },
    };
    await readDocument(from, index, { signal });
    expect(signals).toEqual([signal, signal]);
  });
});

describe('readImageConfig()', () => {
  const config = json({
    ...{ os: 'linux', architecture: 'arm64', config: { Labels: { a: 'b' } } },
    rootfs: { type: 'layers', diff_ids: [digestOf(bytes)] },
  });
  const descriptor = describeBytes(mediaTypes.config, digestOf(config), config);

  test('gives platform, diff ids and labels', async () => {
    expect(await readImageConfig(reader(inPieces(config, 10)), descriptor)).toEqual({
      platform: { os: 'linux', architecture: 'arm64' },
      diffIds: [digestOf(bytes)],
      labels: { a: 'b' },
    });
  });

  test('takes up to 8 MiB and no more', async () => {
    const open = (size: number) => {
      const from = reader(inPieces(config, 10));
      return { from, reading: readImageConfig(from, { ...descriptor, size }) };
    };
    const most = open(MAX_CONFIG_BYTES);
    await expect(most.reading).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' });
    expect(most.from.opened.length).toBe(1);
    const more = open(MAX_CONFIG_BYTES + 1);
    await expect(more.reading).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
    expect(more.from.opened).toEqual([]);
  });
});
