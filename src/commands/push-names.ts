import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import {
  familiarReference,
  familiarRepository,
  formatReference,
  type ParsedReference,
  parseReference,
  type Reference,
  tryParseReference,
} from '../oci/reference.ts';
import { sidesOf } from './engine-side.ts';

/**
 * The images that the arguments of a push name, each once, in their order.
 * @param options.allTags whether they name repositories, of which all tags are meant that are here
 * @throws FinchError `REFERENCE_INVALID`; with `allTags` `USAGE` for a tag and `IMAGE_NOT_FOUND`
 */
export async function pushedNames(
  app: App,
  texts: readonly string[],
  { allTags, signal }: AbortOptions & { readonly allTags: boolean },
): Promise<readonly Reference[]> {
  const parsed = texts.map(parseReference);
  const all = allTags ? await tagsOf(app, parsed, { signal }) : parsed;
  return [...new Map(all.map((one) => [formatReference(one), one] as const)).values()];
}

async function tagsOf(
  app: App,
  wanted: readonly ParsedReference[],
  { signal }: AbortOptions,
): Promise<readonly Reference[]> {
  const tagged = wanted.find(({ tagGiven, digest }) => tagGiven || digest !== undefined);
  if (tagged !== undefined) {
    throw new FinchError('USAGE', `--all-tags is about a repository, and not about one image`, {
      hint: `leave out the tag: finch push --all-tags ${familiarRepository(tagged)}`,
    });
  }
  const known = await namesHere(app, { signal });
  return wanted.flatMap((repository) => {
    const tags = known.filter(
      (one) => one.registry === repository.registry && one.repository === repository.repository,
    );
    if (tags.length > 0) return tags;
    throw new FinchError('IMAGE_NOT_FOUND', `no tag of ${familiarRepository(repository)} is here`, {
      hint: 'see what is here with: finch images',
    });
  });
}

/** All names with a tag, on both sides, sorted. */
async function namesHere(app: App, { signal }: AbortOptions): Promise<readonly Reference[]> {
  const names = (await app.store()).names().map(({ name }) => name);
  const sides = await sidesOf(app);
  if (sides !== undefined) {
    const { rowsThere } = await import('../engine/either-side.ts');
    for (const { name } of (await rowsThere(sides, { signal })) ?? []) names.push(name);
  }
  return names
    .flatMap((name) => tryParseReference(name) ?? [])
    .filter(({ tagGiven, digest }) => tagGiven && digest === undefined)
    .toSorted((a, b) => (familiarReference(a) < familiarReference(b) ? -1 : 1));
}
