/**
 * One of several processes that use the store `argv[2]` at once, `argv[4]` times: writes an image that others
 * write too, names it, checks that it is whole, takes the name away, collects. Ends with one name given.
 */
import { digestOf } from '../../src/oci/digest.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { readStream, writeAll } from '../support/content-store-contract.ts';
import { buildImage, layerTar } from '../support/images.ts';

const [, , path = '', worker = '', rounds = ''] = process.argv;
const base = layerTar('the base of all');
for (let round = 0; round < Number(rounds); round++) {
  await using store = await openImageStore(path);
  const image = buildImage({ layers: [base, layerTar(`image ${(round + Number(worker)) % 3}`)] });
  const name = `docker.io/worker/w${worker}:${round % 4}`;
  {
    await using _lease = await store.lease();
    await writeAll(store, image);
    await store.changeNames({ set: [{ name, target: image.root }] });
  }
  for (const descriptor of image.order) {
    const bytes = await readStream((await store.open(descriptor)).stream());
    if (digestOf(bytes) !== descriptor.digest) throw new Error(`${descriptor.digest} is damaged`);
  }
  const isLast = round === Number(rounds) - 1;
  if (!isLast) await store.changeNames({ remove: [name] });
  await store.collect();
  process.stdout.write(`${round}\n`);
}
