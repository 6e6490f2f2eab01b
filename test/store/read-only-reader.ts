/** Reads the stores `argv[2]` and on, which it may not write to, and reports what it saw. */
import { FinchError } from '../../src/errors.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { buildImage } from '../support/images.ts';

// The superuser may write anywhere.
if (process.getuid?.() === 0) {
  process.setgid?.(65_534);
  process.setuid?.(65_534);
}
const { root } = buildImage();
const reports: unknown[] = [];
for (const path of process.argv.slice(2)) {
  await using store = await openImageStore(path);
  await using _lease = await store.lease();
  const error = await store.changeNames({ remove: ['docker.io/library/a:1'] }).catch((e) => e);
  reports.push({
    names: store.names().map(({ name }) => name),
    has: await store.has(root),
    error: error instanceof FinchError ? `${error.code} ${error.message}` : String(error),
  });
}
process.stdout.write(JSON.stringify(reports));
