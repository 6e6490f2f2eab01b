/** A process that leases a blob in the store `argv[2]`, begins to receive another, says so, and waits to be killed. */
import { memoryContent } from '../../src/content.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { layerOf } from '../support/content-store-contract.ts';

const store = await openImageStore(process.argv[2] ?? '');
await store.lease();
const { descriptor, bytes } = layerOf(1234);
await store.write(descriptor, memoryContent(bytes));

async function* endless() {
  yield new Uint8Array(10);
  process.stdout.write('ready\n');
  setInterval(() => undefined, 1_000_000);
  await new Promise(() => undefined);
}
await store.ingest(endless(), { mediaType: 'application/octet-stream' });
