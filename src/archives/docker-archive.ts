import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { isJsonObject, parseJson } from '../oci/json.ts';
import { type Archive, READABLE_FORMATS } from './open-archive.ts';
import { readBounded } from './read-bounded.ts';

/**
 * One image of a docker-archive, as `manifest.json` lists it.
 * https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md#combined-image-json--filesystem-changeset-format
 */
export interface DockerImage {
  /** Path of the image configuration. */
  readonly config: string;
  readonly tags: readonly string[];
  /** Paths of the layers, base first. */
  readonly layers: readonly string[];
}

/** The most images and names together. An OCI layout, whose index is no larger than 4 MiB, has hardly room for more. */
const MAX_NAMES = 10_000;

/** The most layers of all images together, shared ones counted every time. */
const MAX_LAYERS = 100_000;

/**
 * The images of a docker-archive in their order; undefined when it has no `manifest.json`.
 * @throws FinchError `ARCHIVE_INVALID` when the file does not have the right form, `DOCUMENT_INVALID`
 *   when it is no JSON
 */
export async function readDockerArchive(
  { tree, what }: Pick<Archive, 'tree' | 'what'>,
  options: AbortOptions = {},
): Promise<readonly DockerImage[] | undefined> {
  const content = await tree.get('manifest.json', options);
  if (content === undefined) return undefined;
  const name = `manifest.json in ${what}`;
  const images = parseJson(await readBounded(content, { ...options, what: name }), name);
  if (!Array.isArray(images)) {
    throw new FinchError('ARCHIVE_INVALID', `${name} is not a list of images`, {
      hint: READABLE_FORMATS,
    });
  }
  const read = images.map((value: unknown, i): DockerImage => {
    const image = isJsonObject(value) ? value : {};
    const config = image['Config'];
    const layers = image['Layers'] ?? [];
    const tags = image['RepoTags'] ?? [];
    if (typeof config !== 'string' || !isStringArray(layers) || !isStringArray(tags)) {
      throw new FinchError('ARCHIVE_INVALID', `image ${i + 1} of ${name} is not valid`);
    }
    return { config, layers, tags };
  });
  if (read.reduce((sum, { tags }) => sum + 1 + tags.length, 0) > MAX_NAMES) {
    throw new FinchError('ARCHIVE_INVALID', `${name} has more than ${MAX_NAMES} images and names`);
  }
  if (read.reduce((sum, { layers }) => sum + layers.length, 0) > MAX_LAYERS) {
    throw new FinchError('ARCHIVE_INVALID', `${name} has more than ${MAX_LAYERS} layers`);
  }
  return read;
}

function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
