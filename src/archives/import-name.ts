import { hasCode } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { isTag, parseReference, type Reference } from '../oci/reference.ts';

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
export function layoutName(entry: Descriptor, now: Date): Reference {
  const whole = entry.annotations?.['io.containerd.image.name'];
  const named = whole === undefined ? undefined : archivedName(whole);
  if (named !== undefined) return named;
  const text = entry.annotations?.['org.opencontainers.image.ref.name'] ?? '';
  if (isTag(text)) return importName(entry, { now, tag: text });
  return (/[/:@]/.test(text) ? archivedName(text) : undefined) ?? importName(entry, { now });
}
