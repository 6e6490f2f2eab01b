import { FinchError } from '../errors.ts';
import { isPassing } from '../oci/bridge-repository.ts';
import { formatReference, parseReference } from '../oci/reference.ts';
import type { ImageRecord, ImageStore } from '../store/image-store.ts';
import { quote } from '../text.ts';

const ID = /^(?:sha256:)?([0-9a-f]{1,64})$/;

/**
 * The image that `text` names: a reference, or else the beginning of an image id, with or without
 * `sha256:`. Of several names for one id the newest is given.
 * @throws FinchError `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`, `REFERENCE_INVALID`
 */
export function findImage(store: ImageStore, text: string): ImageRecord {
  const [first, ...others] = findImages(store, text);
  if (first === undefined) throw imageNotFound(text);
  const other = others.find(({ target }) => target.digest !== first.target.digest);
  if (other === undefined) return first;
  throw new FinchError('IMAGE_AMBIGUOUS', `multiple IDs found with provided prefix: ${text}`, {
    hint: `give more digits; it could be ${first.target.digest} or ${other.target.digest}`,
  });
}

/** Whether `text` may be the beginning of an image id. */
export function isImageId(text: string): boolean {
  return ID.test(text);
}

/**
 * Every record that `text` means: one for a name, all that share it for the beginning of an id. The names of images on their way from
 * the engine are none of them.
 * @throws FinchError `REFERENCE_INVALID`
 */
export function findImages(store: ImageStore, text: string): readonly ImageRecord[] {
  const prefix = ID.exec(text)?.[1];
  const isId = text.startsWith('sha256:') || prefix?.length === 64;
  const named = isId ? undefined : store.name(formatReference(parseReference(text)));
  if (named !== undefined) return [named];
  const same = prefix === undefined ? [] : store.targetsByPrefix(prefix);
  return same.filter(({ name }) => !isPassing(name));
}

function imageNotFound(text: string): FinchError {
  const name = ID.test(text) ? text : formatReference(parseReference(text));
  return new FinchError('IMAGE_NOT_FOUND', `image ${quote(name)}: not found`, {
    hint: 'see what is here with: finch images',
  });
}
