import type { AbortOptions, ContentReader } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { attestationSubject, type Index } from '../oci/document.ts';
import { isImageConfigType, isIndexType, isManifestType } from '../oci/media-types.ts';
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
import { readDocument, readImageConfig } from './read-document.ts';
import { listPlatforms, type PlatformChoice } from './select.ts';
import { freeUnreached, underLease } from './under-lease.ts';

/** How {@link pullImage} pulls. */
export interface PullOptions extends AbortOptions {
  readonly choice: PlatformChoice;
  /** What this machine runs; of its images the layers are checked against the configuration. */
  readonly platform: Platform;
  /** Told when a lone manifest is for another platform than the default one, and is pulled all the same. */
  readonly onOtherPlatform?: (platform: Platform) => void;
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
  { choice, platform, signal, onEvent, onOtherPlatform }: PullOptions,
): Promise<Descriptor> {
  const shown = familiarReference(reference);
  const root = await from.resolve(reference.digest ?? reference.tag ?? 'latest', { signal });
  if (root === undefined) {
    throw new FinchError('REMOTE_NOT_FOUND', `${shown} is not in the registry`, {
      hint: `check the name and the tag; ${familiarRepository(reference)} may also need a login`,
    });
  }
  const name = formatReference(reference);
  const isLone = isManifestType(root.mediaType);
  const isAsked = choice.kind === 'named' && !choice.isDefault;
  const isNew = to.name(name)?.target.digest !== root.digest;
  await underLease(to, async () => {
    const documents = (await to.has(root, { signal })) ? readingFirst(to, from) : from;
    const seen: Platform[] = [];
    if (isLone && isAsked) {
      const platform = await lonePlatform(root, documents, { signal });
      checkChosen(platform ? [platform] : [], { choice, name: shown });
    }
    const choose = (index: Index, { digest }: Descriptor) => {
      seen.push(...platformsOf(index));
      // An index in this one may have more, so then all are checked when all have been read.
      if (digest === root.digest && !index.manifests.some(isIndex)) {
        checkChosen(seen, { choice, name: shown });
      }
      return chooseMembers(index, choice);
    };
    await copyGraph(root, { from: documents, to }, { choose, signal, ...(onEvent && { onEvent }) });
    checkChosen(seen, { choice, name: shown });
    const lone = isLone && !isAsked ? await lonePlatform(root, to, { signal }) : undefined;
    if (lone !== undefined && !isChosen(choice, lone)) onOtherPlatform?.(lone);
    await recordLayers(root, { store: to, platform, signal });
    // Also one that is here: whoever pulls wants what the registry has, and not what an engine got since.
    await to.changeNames({ set: [{ name, target: root }] });
  });
  if (isNew) await freeUnreached(to);
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

/** What a manifest's configuration says that it is for; undefined for an artifact. */
async function lonePlatform(
  root: Descriptor,
  from: ContentReader,
  options: AbortOptions,
): Promise<Platform | undefined> {
  const { document } = await readDocument(from, root, options);
  if (document.kind !== 'manifest' || !isImageConfigType(document.config.mediaType)) {
    return undefined;
  }
  return (await readImageConfig(from, document.config, options)).platform;
}

/** The platforms that an index names itself. */
function platformsOf({ manifests }: Index): readonly Platform[] {
  const images = manifests.filter((one) => attestationSubject(one) === undefined && !isIndex(one));
  return images.flatMap(({ platform }) => (platform ? [platform] : []));
}

/** @throws FinchError `PLATFORM_MISSING` when a chosen platform is not one of `has`, if there are any */
function checkChosen(
  has: readonly Platform[],
  { choice, name }: { choice: PlatformChoice; name: string },
): void {
  if (choice.kind !== 'named' || has.length === 0) return;
  const missing = choice.platforms.find(
    (selector) => !has.some((platform) => matchesPlatform(selector, platform)),
  );
  if (missing === undefined) return;
  throw new FinchError('PLATFORM_MISSING', `${name} has no ${formatPlatform(missing)}`, {
    hint: `${listPlatforms('it has', has)}; choose one with --platform`,
  });
}

function isChosen(choice: PlatformChoice, platform: Platform): boolean {
  return choice.kind !== 'named' || choice.platforms.some((one) => matchesPlatform(one, platform));
}

function isIndex({ mediaType }: Descriptor): boolean {
  return isIndexType(mediaType);
}

/** Which members of an index to fetch: chosen platforms, what is attested of them, and every index in it. */
function chooseMembers({ manifests }: Index, choice: PlatformChoice): readonly Descriptor[] {
  if (choice.kind !== 'named') return manifests;
  const isWanted = (member: Descriptor) =>
    isIndex(member) || member.platform === undefined || isChosen(choice, member.platform);
  const images = manifests.filter((member) => attestationSubject(member) === undefined);
  const kept = new Set<string>(images.filter(isWanted).map(({ digest }) => digest));
  return manifests.filter((member) => kept.has(attestationSubject(member) ?? member.digest));
}
