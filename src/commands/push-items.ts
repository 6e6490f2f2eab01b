import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import type { HeldImages } from '../copy/held-images.ts';
import type { PushTarget } from '../copy/push-target.ts';
import { selectPlatforms } from '../copy/select.ts';
import { familiarReference, formatReference, type Reference } from '../oci/reference.ts';
import type { Repository } from '../registry/repository.ts';
import { ecrRepository, type NamedEcrRepository } from './ecr-repository.ts';
import { imageOf } from './engine-side.ts';
import type { PushSettings } from './push-flags.ts';

/** One name of a push: what is sent, and where to. */
export interface PushItem {
  readonly reference: Reference;
  /** As users write it. */
  readonly name: string;
  readonly target: PushTarget;
  /** The repository of Amazon ECR that is made where it is missing. */
  readonly missing: NamedEcrRepository | undefined;
}

/**
 * Finds the images and opens the repositories of a push. Nothing is sent yet: a name that is not here, or a platform,
 * ends the whole push before it begins.
 * @throws FinchError of the look-ups, `USAGE` when nothing of it is at Amazon ECR and `--create-repo` is given
 */
export async function pushItems(
  references: readonly Reference[],
  { app, held }: { readonly app: App; readonly held: HeldImages },
  { signal, ...settings }: AbortOptions & PushSettings,
): Promise<readonly PushItem[]> {
  const missing = settings.createRepo ? creatable(references) : new Map();
  const images = [];
  for (const reference of references) {
    const { target } = await imageOf(app, formatReference(reference), { signal });
    const store = await held.hold(target, { signal });
    const name = familiarReference(reference);
    const image = { name, root: target };
    const { choice } = settings;
    const { root, from, dropped } = await selectPlatforms(image, store, { choice, signal });
    if (dropped.length > 0) {
      app.talk.note(`${name}: left out ${dropped.join(', ')}; what is pushed is ${root.digest}`);
    }
    images.push({ reference, name, root, from });
  }
  const repositories = new Map<string, Repository>();
  const items: PushItem[] = [];
  for (const { reference, name, root, from } of images) {
    const place = `${reference.registry}/${reference.repository}`;
    const { insecure, hostsDir, resume } = settings;
    const to =
      repositories.get(place) ??
      (await app.repository(reference, { access: 'push', insecure, hostsDir, resume }));
    repositories.set(place, to);
    const tags = reference.tag === undefined ? [] : [reference.tag];
    const target = { root, from, to, tags };
    items.push({ reference, name, target, missing: missing.get(reference) });
  }
  return items;
}

/**
 * The repositories that may be made. Of several names some may be elsewhere.
 * @throws FinchError `USAGE` when all are
 */
function creatable(references: readonly Reference[]): ReadonlyMap<Reference, NamedEcrRepository> {
  const made = new Map<Reference, NamedEcrRepository>();
  let refusal: unknown;
  for (const reference of references) {
    try {
      made.set(reference, ecrRepository(reference));
    } catch (error) {
      refusal ??= error;
    }
  }
  if (made.size === 0 && refusal !== undefined) throw refusal;
  return made;
}
