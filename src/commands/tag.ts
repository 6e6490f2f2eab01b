import { freeUnreached } from '../copy/under-lease.ts';
import { FinchError } from '../errors.ts';
import { formatReference, parseReference } from '../oci/reference.ts';
import { type Command, silence } from './command.ts';
import { imageOf } from './engine-side.ts';

/** `finch tag`. */
export const command: Command = {
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  arity: { min: 2, max: 2 },
  about:
    'Gives an image one more name. No registry is asked; what only a running virtual machine has comes from there first.',
  flags: [],
  examples: [
    { line: 'finch tag app:latest ghcr.io/me/app:1.0', what: 'name an image for a registry' },
    { line: 'finch tag 69b2528740fe app:stable', what: 'name an image by its id' },
  ],
  async run(app, { args: [source = '', target = ''], signal }) {
    const reference = parseReference(target);
    if (reference.digest !== undefined) {
      throw new FinchError('REFERENCE_INVALID', `${target} has a digest, which cannot be given`, {
        hint: `leave the digest out: finch tag ${source} ${target.replace(/@.*/, '')}`,
      });
    }
    const store = await app.store();
    const image = await imageOf(app, source, { signal });
    const name = formatReference(reference);
    const before = store.name(name);
    await store.changeNames({ set: [{ name, target: image.target }] });
    const isMoved = before !== undefined && before.target.digest !== image.target.digest;
    // The image that had the name may have no other.
    if (isMoved) await freeUnreached(store);
    return silence;
  },
};
