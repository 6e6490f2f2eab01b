import { hasCode } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { familiarReference, isTag, parseReference, type Reference } from '../oci/reference.ts';
import { quote } from '../text.ts';

/** The name that an image of an archive gets. */
export interface GivenName {
  readonly reference: Reference;
  /** What the user should know when it is not the name in the archive. */
  readonly note?: string;
}

/**
 * The name for an image whose archive gives it only a tag, or nothing: `import-2026-01-31:TAG` or
 * `import-2026-01-31@sha256:…`.
 */
export function importName(
  target: Descriptor,
  { now, tag }: { now: Date; tag?: string },
): Reference {
  const repository = `import-${now.toISOString().slice(0, 10)}`;
  return parseReference(`${repository}${tag === undefined ? `@${target.digest}` : `:${tag}`}`);
}

/** The reference that an archive's text is; undefined when it is none. A digest beside a tag is left out. */
export function archivedName(text: string): Reference | undefined {
  try {
    const { registry, repository, tag, digest } = parseReference(text);
    return {
      registry,
      repository,
      ...(tag !== undefined ? { tag } : digest !== undefined && { digest }),
    };
  } catch (error) {
    if (hasCode(error, 'REFERENCE_INVALID')) return undefined;
    throw error;
  }
}

/**
 * The name of a top entry of an image layout. containerd's and BuildKit's annotation holds a whole
 * name; the standard one a whole name or only a tag, as the writer likes.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md#pre-defined-annotation-keys
 */
export function layoutName(entry: Descriptor, now: Date): GivenName {
  const whole = entry.annotations?.['io.containerd.image.name'];
  const named = whole === undefined ? undefined : archivedName(whole);
  if (named !== undefined) return { reference: named };
  const text = entry.annotations?.['org.opencontainers.image.ref.name'] ?? '';
  if (isTag(text)) {
    const reference = importName(entry, { now, tag: text });
    return {
      reference,
      note: `the archive gives only the tag ${quote(text)}: ${rename(reference)}`,
    };
  }
  const reference = /[/:@]/.test(text) ? archivedName(text) : undefined;
  if (reference !== undefined) return { reference };
  return madeUp([whole, text], importName(entry, { now }));
}

/** The names of an image of a docker-archive, one at least; those that are not valid are left out. */
export function dockerNames(
  tags: readonly string[],
  { target, now }: { target: Descriptor; now: Date },
): readonly GivenName[] {
  const named = tags.map(archivedName).filter((name) => name !== undefined);
  const invalid = tags.filter((tag) => archivedName(tag) === undefined);
  const [first, ...rest] = named;
  if (first === undefined) return [madeUp(invalid, importName(target, { now }))];
  const given = invalid.length === 0 ? { reference: first } : madeUp(invalid, first);
  return [given, ...rest.map((reference) => ({ reference }))];
}

/** A name in place of what an archive has, which is no valid name or nothing. */
function madeUp(texts: readonly (string | undefined)[], reference: Reference): GivenName {
  const invalid = texts.find((text) => text !== undefined && text !== '');
  const note =
    invalid === undefined
      ? `the archive gives its image no name: ${rename(reference)}`
      : `the archive names its image ${quote(invalid)}, which is no valid name; it is ${familiarReference(reference)}`;
  return { reference, note };
}

function rename(reference: Reference): string {
  return `rename with: finch tag ${familiarReference(reference)} NAME:TAG`;
}
