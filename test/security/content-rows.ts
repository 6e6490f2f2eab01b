import type { Row } from './row.ts';

/** A document names what is not what it seems, or more than there is room for. */
export const content: readonly Row[] = [
  {
    id: 'CVE-2021-41190',
    attack: 'one document is a manifest to one program and an index to another',
    guards: [
      {
        test: [
          'oci/document.test.ts',
          'refuses what is both a manifest and an index, and says it is %j',
        ],
        defence: [
          'oci/document.ts',
          "if ('manifests' in json && ('layers' in json || 'config' in json)) {",
          'if (false) {',
        ],
      },
      {
        test: ['e2e/hostile-pull.test.ts', 'two kinds'],
        defence: [
          'oci/document.ts',
          "if ('manifests' in json && ('layers' in json || 'config' in json)) {",
          'if (false) {',
        ],
      },
      {
        test: ['oci/document.test.ts', 'an OCI manifest that is called a Docker one'],
        defence: [
          'oci/document.ts',
          "if (typeof json['mediaType'] === 'string' && json['mediaType'] !== type) {",
          'if (false) {',
        ],
      },
      {
        test: ['oci/document.test.ts', 'schema 1 in the coat of a manifest'],
        defence: ['oci/document.ts', "'fsLayers' in json || ", ''],
      },
      {
        test: ['oci/json.test.ts', 'refuses a key that comes twice and a byte order mark'],
        defence: ['oci/json.ts', 'if (fault !== undefined) throw', 'if (false) throw'],
      },
      {
        test: ['oci/json.test.ts', 'refuses %s'],
        defence: ['oci/json.ts', 'if (known.toLowerCase() !== folded) continue;', 'continue;'],
      },
      {
        test: [
          'registry/manifests.test.ts',
          'write() and tag() send the exact bytes with their media type',
        ],
        defence: [
          'registry/put-manifest.ts',
          'body: () => ({ bytes }),',
          'body: () => ({ bytes: Buffer.from(JSON.stringify(JSON.parse(Buffer.from(bytes).toString()), null, 1)) }),',
        ],
      },
    ],
  },
  {
    id: 'CVE-2024-3727',
    attack: 'a digest in a manifest is a path, of a file or of a request with our login',
    guards: [
      {
        test: ['oci/digest.test.ts', 'refuses %j: %s'],
        defence: [
          'oci/digest.ts',
          '/^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/',
          '/^sha(?:256|512):/',
        ],
      },
      {
        test: ['e2e/hostile-pull.test.ts', 'a path in place of a digest'],
        defence: [
          'oci/descriptor.ts',
          "if (!isDigest(digest)) throw invalid('has no valid digest');",
          '',
        ],
      },
      {
        test: ['registry/manifests.test.ts', 'a broken digest'],
        defence: ['registry/manifests.ts', '!isDigest(digest) || ', ''],
      },
    ],
  },
  {
    id: 'CVE-2025-24882',
    attack: 'a registry gives other content than the digest that was asked for',
    guards: [
      {
        test: [
          'registry/manifests.test.ts',
          'open() refuses other bytes than the digest names, whatever the header says',
        ],
        defence: [
          'registry/manifests.ts',
          'if (isDigest(reference) && digest !== reference) {',
          'if (false) {',
        ],
      },
      {
        test: ['e2e/hostile-pull.test.ts', 'another layer than its digest says'],
        defence: [
          'store/ingest.ts',
          'if (expect !== undefined && digest !== expect.digest) {',
          'if (false) {',
        ],
      },
      {
        test: ['copy/read-document.test.ts', 'throws CONTENT_MISMATCH when the bytes'],
        defence: [
          'copy/read-document.ts',
          'if (digestOf(bytes, digestParts(digest).algorithm) !== digest) {',
          'if (false) {',
        ],
      },
    ],
  },
  {
    id: 'GHSA-f36w-mj3v-6jqv',
    attack: 'a size that is huge, below zero or no number makes finch take all memory',
    guards: [
      {
        test: ['oci/descriptor.test.ts', 'a size below 0'],
        defence: [
          'oci/descriptor.ts',
          "typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0",
          'false',
        ],
      },
      {
        test: [
          'copy/read-document.test.ts',
          'does not even open what is called larger than a document may be',
        ],
        defence: ['copy/read-document.ts', 'if (size > limit) {', 'if (false) {'],
      },
      {
        test: ['registry/manifests.test.ts', 'open() reads no document above 4 MiB'],
        defence: [
          'registry/manifests.ts',
          'limit: MAX_DOCUMENT_BYTES, signal',
          'limit: 2 ** 30, signal',
        ],
      },
      {
        test: ['oci/document.test.ts', 'takes 4 MiB and not a byte more'],
        defence: ['oci/document.ts', 'if (bytes.length > MAX_DOCUMENT_BYTES)', 'if (false)'],
      },
    ],
  },
  {
    id: 'names that are not what they seem',
    attack:
      'a name of an image has `..`, upper case, other scripts or no end, and means another place',
    guards: [
      {
        test: ['oci/reference.test.ts', 'refuses %j'],
        defence: [
          'oci/reference.ts',
          '!isRegistry(registry) || !isRepository(repository)',
          '!isRegistry(registry)',
        ],
      },
      {
        test: ['oci/reference.test.ts', 'refuses %j'],
        defence: ['oci/reference.ts', '!isRegistry(registry) || ', ''],
      },
      {
        test: ['oci/reference.test.ts', 'refuses %j'],
        defence: ['oci/reference.ts', 'return TAG.test(text);', 'return text.length < 128;'],
      },
      {
        test: [
          'oci/reference.test.ts',
          'takes a path of 255 characters, whatever the registry, and none of 256',
        ],
        defence: ['oci/reference.ts', 'text.length <= MAX_PATH && ', ''],
      },
      {
        test: ['registry/endpoint-hosts.test.ts', 'which is a name but no address, is refused'],
        defence: [
          'registry/endpoint.ts',
          'if (url === null || url.hostname.length > MAX_HOSTNAME) {',
          'if (url?.hostname === registry) {',
        ],
      },
    ],
  },
];
