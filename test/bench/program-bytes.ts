import { readFileSync } from 'node:fs';

/** Where a Linux machine has its programs and their libraries. */
const FOLDERS = ['/usr/bin', '/usr/lib'];

/** The most that one file gives, so that a few large ones are not all there is. */
const FILE_BYTES = 16 * 1024 * 1024;

/**
 * The machine's own programs, behind each other in the order of their paths, cut into buffers of these sizes: what
 * layers of images mostly are. The same each time. Starts again where there are too few.
 */
export function* programBytes(sizes: readonly number[]): Generator<Uint8Array, void> {
  const files = endlessFiles();
  let rest: Uint8Array = new Uint8Array();
  for (const size of sizes) {
    const bytes = new Uint8Array(size);
    for (let filled = 0; filled < size; ) {
      if (rest.length === 0) rest = files.next().value;
      const part = rest.subarray(0, size - filled);
      bytes.set(part, filled);
      filled += part.length;
      rest = rest.subarray(part.length);
    }
    yield bytes;
  }
}

function* endlessFiles(): Generator<Uint8Array, never> {
  for (;;) {
    let found = 0;
    for (const path of filesBelow(FOLDERS)) {
      const bytes = readFileSync(path).subarray(0, FILE_BYTES);
      found += bytes.length;
      if (bytes.length > 0) yield bytes;
    }
    if (found === 0) throw new Error(`there are no files in ${FOLDERS.join(' and ')}`);
  }
}

function filesBelow(folders: readonly string[]): readonly string[] {
  const { stdout } = Bun.spawnSync(['find', ...folders, '-type', 'f', '-print0']);
  return stdout.toString().split('\0').filter(Boolean).toSorted();
}
