import type { Row } from './row.ts';

/** An archive or a compressed layer does more than hold files. */
export const archives: readonly Row[] = [
  {
    id: 'CVE-2023-25153',
    attack: 'a document in an archive has no end',
    guards: [
      {
        test: ['archives/load-docker.test.ts', 'a manifest.json of more than 4 MiB'],
        defence: ['archives/read-bounded.ts', 'limit = MAX_DOCUMENT_BYTES', 'limit = 2 ** 30'],
      },
      {
        test: [
          'e2e/hostile-archives.test.ts',
          'is refused for a member of 1 GB where a small document belongs',
        ],
        defence: ['archives/read-bounded.ts', 'limit = MAX_DOCUMENT_BYTES', 'limit = 2 ** 29'],
      },
      {
        test: [
          'streams/tar-reader.test.ts',
          'throws for more members or longer names than it can keep',
        ],
        defence: ['streams/tar-reader.ts', 'if (++count > limits.members) {', 'if (++count < 0) {'],
      },
      {
        test: ['streams/tar-reader.test.ts', 'throws for an extension header of more than 1 MiB'],
        defence: ['streams/tar-blocks.ts', 'if (size > MAX_EXTENSION_BYTES) {', 'if (size < 0) {'],
      },
    ],
  },
  {
    id: 'CVE-2021-21272, CVE-2014-9357',
    attack: 'a name or a link in an archive leads to a file outside it',
    guards: [
      {
        test: [
          'streams/member-path.test.ts',
          'never gives a path that leaves the tree or has an empty part',
        ],
        defence: [
          'streams/member-path.ts',
          "if (part !== '..') parts.push(part);",
          "if (part !== '') parts.push(part);",
        ],
      },
      {
        test: ['e2e/hostile-archives.test.ts', 'is refused for a link that %s'],
        defence: [
          'archives/tar-tree.ts',
          'const member = follow(byName, path);',
          "const member = follow(byName, path);\n      const target = byName.get(path)?.linkName ?? '';\n      if (target.startsWith('/')) return fileContent(target, { offset: 0, size: 1 });",
        ],
      },
      {
        test: ['archives/file-trees.test.ts', 'finds nothing outside the folder'],
        defence: [
          'archives/folder-tree.ts',
          'if (!file.startsWith(',
          'if (false && !file.startsWith(',
        ],
      },
      {
        test: [
          'e2e/hostile-documents.test.ts',
          'a blob in a layout folder that is a link out of it is not there',
        ],
        defence: [
          'archives/folder-tree.ts',
          'if (!file.startsWith(',
          'if (false && !file.startsWith(',
        ],
      },
    ],
  },
  {
    id: 'decompression bombs',
    attack: 'a few bytes become so many that the disk or the memory is full',
    guards: [
      {
        test: ['streams/decompress.test.ts', 'counts streams that belong together as one'],
        defence: ['streams/decompress.ts', 'if (expansion.isBomb) {', 'if (false) {'],
      },
      {
        test: [
          'streams/decompress.test.ts',
          'refuses a zstd frame that asks for a window of 2 GiB',
        ],
        defence: [
          'streams/decompress.ts',
          'const ZSTD_WINDOW_LOG = 27;',
          'const ZSTD_WINDOW_LOG = 31;',
        ],
      },
      {
        test: [
          'archives/open-archive.test.ts',
          'refuses a %s bomb, in a file and in a stream, and leaves nothing',
        ],
        defence: ['streams/decompress.ts', 'if (expansion.isBomb) {', 'if (false) {'],
      },
      {
        test: [
          'http/transport.test.ts',
          'sendRequest() hands over a compressed body as the server sent it',
        ],
        defence: ['http/transport.ts', 'decompress: false,', 'decompress: true as false,'],
      },
    ],
  },
  {
    id: 'CVE-2026-41567',
    attack: 'a program of the attacker that is found first on PATH decompresses a layer',
    guards: [
      {
        test: ['e2e/security/programs.test.ts', 'no program'],
        defence: [
          'streams/decompress.ts',
          "const decoder = compression === 'gzip' ? gunzip() : unzstd();",
          "Bun.spawnSync([compression === 'gzip' ? 'unpigz' : 'zstd']);\n  const decoder = compression === 'gzip' ? gunzip() : unzstd();",
        ],
      },
    ],
  },
];
