import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { isJsonObject } from '../oci/json.ts';
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

/**
 * The images of a docker-archive in their order; undefined when it has no `manifest.json`.
 * @throws FinchError `ARCHIVE_INVALID` when the file does not have the right form
 */
export async function readDockerArchive(
  { tree, what }: Pick<Archive, 'tree' | 'what'>,
  options: AbortOptions = {},
): Promise<readonly DockerImage[] | undefined> {
  const content = await tree.get('manifest.json', options);
  if (content === undefined) return undefined;
  const name = `manifest.json in ${what}`;
  const images = parseList(await readBounded(content, { ...options, what: name }), name);
  return images.map((value, i) => {
    const image = isJsonObject(value) ? value : {};
    const config = image['Config'];
    const layers = image['Layers'] ?? [];
    const tags = image['RepoTags'] ?? [];
    if (typeof config !== 'string' || !isStringArray(layers) || !isStringArray(tags)) {
      throw new FinchError('ARCHIVE_INVALID', `image ${i + 1} of ${name} is not valid`);
    }
    return { config, layers, tags };
  });
}

function parseList(bytes: Uint8Array, name: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (Array.isArray(value)) return value;
  } catch (cause) {
    throw new FinchError('ARCHIVE_INVALID', `${name} is not JSON`, { cause });
  }
  throw new FinchError('ARCHIVE_INVALID', `${name} is not a list of images`, {
    hint: READABLE_FORMATS,
  });
}

function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
