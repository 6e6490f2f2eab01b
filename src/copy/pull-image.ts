import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { attestationSubject, type Index } from '../oci/document.ts';
import { formatPlatform, matchesPlatform, type Platform } from '../oci/platform.ts';
import {
  familiarReference,
  familiarRepository,
  formatReference,
  type Reference,
} from '../oci/reference.ts';
import type { Repository } from '../registry/repository.ts';
import type { ImageStore } from '../store/image-store.ts';
import { copyGraph } from './copy-graph.ts';
import type { CopyEvent } from './events.ts';
import { recordLayers } from './layer-check.ts';
import { listPlatforms, type PlatformChoice } from './select.ts';
import { underLease } from './under-lease.ts';

/** How {@link pullImage} pulls. */
export interface PullOptions extends AbortOptions {
  readonly choice: PlatformChoice;
  /** What this machine runs; of its images the layers are checked against the configuration. */
  readonly platform: Platform;
  readonly onEvent?: (event: CopyEvent) => void;
}

/**
 * Pulls an image into the store and gives it its name. Every byte is verified; the name comes last.
 * What is here already is not fetched again: for an unchanged tag one answer is all it takes.
 * @returns the root that the name now has
 * @throws FinchError `REMOTE_NOT_FOUND`, `PLATFORM_MISSING`, or one of the registry or the store
 */
export async function pullImage(
  reference: Reference,
  { from, to }: { readonly from: Repository; readonly to: ImageStore },
  { choice, platform, signal, onEvent }: PullOptions,
): Promise<Descriptor> {
  const shown = familiarReference(reference);
  const root = await from.resolve(reference.digest ?? reference.tag ?? 'latest', { signal });
  if (root === undefined) {
    throw new FinchError('REMOTE_NOT_FOUND', `${shown} is not in the registry`, {
      hint: `check the name and the tag; ${familiarRepository(reference)} may also need a login`,
    });
  }
  const name = formatReference(reference);
  const choose = (index: Index, { digest }: Descriptor) =>
    chooseMembers(index, { choice, name: shown, strict: digest === root.digest });
  await underLease(to, async () => {
    const documents = (await to.has(root, { signal })) ? readingFirst(to, from) : from;
    await copyGraph(root, { from: documents, to }, { choose, signal, ...(onEvent && { onEvent }) });
    await recordLayers(root, { store: to, platform, signal });
    if (to.name(name)?.target.digest !== root.digest) {
      await to.changeNames({ set: [{ name, target: root }] });
    }
  });
  return root;
}

/** Reads what is here, and fetches only the rest. */
function readingFirst(here: ImageStore, there: Repository): Pick<Repository, 'has' | 'open'> {
  return {
    has: async (descriptor, options) =>
      (await here.has(descriptor, options)) || (await there.has(descriptor, options)),
    open: async (descriptor, options) =>
      ((await here.has(descriptor, options)) ? here : there).open(descriptor, options),
  };
}

/** Which members of an index to fetch: the chosen platforms and what is attested of them. */
function chooseMembers(
  { manifests }: Index,
  { choice, name, strict }: { choice: PlatformChoice; name: string; strict: boolean },
): readonly Descriptor[] {
  if (choice.kind !== 'named') return manifests;
  const images = manifests.filter((member) => attestationSubject(member) === undefined);
  const has = images.flatMap(({ platform }) => (platform ? [platform] : []));
  const missing = choice.platforms.find(
    (selector) => !has.some((platform) => matchesPlatform(selector, platform)),
  );
  if (strict && missing !== undefined && has.length > 0) {
    throw new FinchError('PLATFORM_MISSING', `${name} has no ${formatPlatform(missing)}`, {
      hint: `${listPlatforms('it has', has)}; choose one with --platform`,
    });
  }
  const isWanted = ({ platform }: Descriptor) =>
    platform === undefined || choice.platforms.some((wanted) => matchesPlatform(wanted, platform));
  const kept = new Set<string>(images.filter(isWanted).map(({ digest }) => digest));
  return manifests.filter((member) => kept.has(attestationSubject(member) ?? member.digest));
}
