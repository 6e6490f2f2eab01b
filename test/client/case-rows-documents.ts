import type { Case } from './case.ts';

/** How uploads end, and manifests. */
export const documents: readonly Case[] = [
  {
    number: 18,
    what: 'an upload that ends with another status than 201',
    guards: [
      {
        test: ['client/sessions.test.ts', 'with %i to the end of an upload'],
        defence: [
          'registry/api.ts',
          'export const STORED: readonly number[] = [200, 201, 202, 204];',
          'export const STORED: readonly number[] = [201, 206];',
        ],
      },
    ],
  },
  {
    number: 19,
    what: 'a chunk that is answered with another status than 202',
    guards: [
      {
        test: ['client/sessions.test.ts', 'with %i to a chunk'],
        defence: [
          'registry/api.ts',
          'export const STORED: readonly number[] = [200, 201, 202, 204];',
          'export const STORED: readonly number[] = [201, 202];',
        ],
      },
    ],
  },
  {
    number: 20,
    what: 'OCI-Chunk-Min-Length, good and absurd',
    guards: [
      {
        test: ['client/sessions.test.ts', 'is kept to where it is more than the chunks would be'],
        defence: ['registry/upload/next-request.ts', 'Math.max(chunkBytes, least)', 'chunkBytes'],
      },
      {
        test: ['client/sessions.test.ts', 'of %p ends in a blob that is there'],
        defence: [
          'registry/upload/session.ts',
          '/^\\d{1,20}$/.test(text) ? Math.min(Number(text), MOST_MIN_CHUNK) : 0',
          "text === '' ? 0 : JSON.parse(text)",
        ],
      },
    ],
  },
  {
    number: 21,
    what: 'blobs of no bytes, of a chunk and one more, and of 5 GiB',
    guards: [
      {
        test: ['client/sessions.test.ts', 'of %i bytes goes up in chunks, each byte once'],
        defence: [
          'registry/upload/progress.ts',
          'const wanted = piece.subarray(0, end - at);',
          'const wanted = piece;',
        ],
      },
      {
        test: ['client/sessions.test.ts', 'of more than 5 GiB is gone on with from there (%s)'],
        defence: [
          'registry/upload/send.ts',
          'const { start, end, closes, hasRange } = next;',
          'const { closes, hasRange } = next;\n  const [start, end] = [next.start | 0, next.end | 0];',
        ],
      },
    ],
  },
  {
    number: 22,
    what: 'a sha512 digest',
    guards: [
      {
        test: ['client/sessions.test.ts', 'with a sha512 digest is announced and closed with it'],
        defence: [
          'registry/upload/open-upload.ts',
          "algorithm === 'sha256' ? url : withParameters(",
          "algorithm !== '' ? url : withParameters(",
        ],
      },
    ],
  },
  {
    number: 23,
    what: 'several tags',
    guards: [
      {
        test: [
          'client/manifests.test.ts',
          'are given in one request where the registry takes that',
        ],
        defence: ['registry/put-manifest.ts', 'tags.length > 1 &&', 'tags.length > 99 &&'],
      },
      {
        test: [
          'client/manifests.test.ts',
          'of which the registry took one are given one by one for the others',
        ],
        defence: [
          'registry/put-manifest.ts',
          'tags.filter((tag) => !given.has(tag))',
          '(together ? [] : tags)',
        ],
      },
      {
        test: [
          'client/manifests.test.ts',
          'are given one by one where the registry knows of nothing else',
        ],
        defence: [
          'registry/put-manifest.ts',
          "together?.get('oci-tag') ?? ''",
          "together?.get('oci-tag') ?? tags.join()",
        ],
      },
    ],
  },
  {
    number: 24,
    what: 'an index in an index',
    guards: [
      {
        test: [
          'client/images.test.ts',
          'an index in an index goes up from below, its members by digest alone',
        ],
        defence: [
          'copy/copy-graph.ts',
          'await all(children.map((child) => copyOnce(child, { level: below, isNew: isNew(child) })));',
          'void all(children.map((child) => copyOnce(child, { level: below, isNew: isNew(child) })));',
        ],
      },
    ],
  },
  {
    number: 25,
    what: 'a manifest that refers to another',
    guards: [
      {
        test: ['client/manifests.test.ts', 'leaves the list to a registry that says it keeps one'],
        defence: [
          'registry/put-manifest.ts',
          "if (answers.some((headers) => headers.has('oci-subject'))) return;",
          '',
        ],
      },
      {
        test: [
          'client/manifests.test.ts',
          'is put on the list under the fallback tag elsewhere, beside what is there',
        ],
        defence: [
          'registry/referrers.ts',
          "...(Array.isArray(list['manifests']) ? list['manifests'] : []), entry",
          'entry',
        ],
      },
      {
        test: [
          'client/manifests.test.ts',
          'is put on the list also where another client changes it in between',
        ],
        defence: ['registry/referrers.ts', 'new Set([409, 412])', 'new Set([409])'],
      },
    ],
  },
  {
    number: 26,
    what: 'a manifest that is large, and one that is too large',
    guards: [
      {
        test: ['client/manifests.test.ts', 'of 4 MiB is sent'],
        defence: [
          'oci/json.ts',
          'MAX_DOCUMENT_BYTES = 4 * 1024 * 1024',
          'MAX_DOCUMENT_BYTES = 2 * 1024 * 1024',
        ],
      },
      {
        test: [
          'client/manifests.test.ts',
          'that is too large for the registry is an error that says so',
        ],
        defence: [
          'registry/put-manifest.ts',
          'if (refusal.status !== 413) return refusalError(refusal, api);',
          'return refusalError(refusal, api);',
        ],
      },
    ],
  },
  {
    number: 27,
    what: 'an answer without the digest',
    guards: [
      {
        test: [
          'client/manifests.test.ts',
          'of which the registry does not say the digest is pushed',
        ],
        defence: [
          'registry/put-manifest.ts',
          'kept !== null && isDigest(kept) && isSameAlgorithm(kept, digest) && kept !== digest',
          'kept !== digest',
        ],
      },
    ],
  },
  {
    number: 28,
    what: 'an answer with another digest',
    guards: [
      {
        test: [
          'client/manifests.test.ts',
          'of which the registry says another digest is not reported as pushed',
        ],
        defence: [
          'registry/put-manifest.ts',
          'kept !== null && isDigest(kept) && isSameAlgorithm(kept, digest) && kept !== digest',
          "kept === ''",
        ],
      },
    ],
  },
  {
    number: 29,
    what: 'an image of Docker',
    guards: [
      {
        test: [
          'client/images.test.ts',
          'an image of Docker goes up as it is, and keeps its digest',
        ],
        defence: [
          'registry/put-manifest.ts',
          "headers: { 'content-type': document.mediaType },",
          "headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },",
        ],
      },
    ],
  },
  {
    number: 30,
    what: 'layers that may not be distributed',
    guards: [
      {
        test: ['client/images.test.ts', 'is not sent, nor asked for'],
        defence: [
          'copy/copy-graph.ts',
          '.filter(({ mediaType }) => !isNonDistributable(mediaType))',
          '',
        ],
      },
    ],
  },
];
