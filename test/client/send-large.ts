// Sends a file of so many bytes as one blob, and prints the most memory that took. Run by memory.test.ts.
import { readFile } from 'node:fs/promises';
import { fileContent } from '../../src/archives/file-tree.ts';
import { describe } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { openTestRepository } from '../support/open-test-repository.ts';

const [, , host = '', path = '', bytes = ''] = process.argv;
const size = Number(bytes);
// The registry compares nothing: to hash the file would take longer than to send it.
const descriptor = {
  ...describe(mediaTypes.layer, digestOf(new Uint8Array()), new Uint8Array()),
  size,
};
await openTestRepository(host).write(descriptor, fileContent(path, { offset: 0, size }));
const status = await readFile('/proc/self/status', 'utf8');
process.stdout.write(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 'unknown');
