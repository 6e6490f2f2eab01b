import type { ContentReader } from '../content.ts';
import { RateLimit } from '../streams/rate-limit.ts';
import { limitedReader } from './limited-reader.ts';
import { pushToRepository } from './push-repository.ts';
import type { PushOptions, PushOutcome, PushTarget } from './push-target.ts';
import { SharedSource } from './shared-source.ts';
import { UploadSlots } from './upload-slots.ts';

/**
 * Pushes images, each with everything below it, and gives them their tags. A tag comes last, with the
 * root, so nobody can pull what is not whole. When a registry has the root under its tag already, that
 * one answer is all it takes.
 *
 * All targets of one repository are one walk, so what they share goes once. The repositories of one
 * registry come one after another, so that a blob of the first can be mounted in the next. Registries
 * are side by side, and share what is read as a stream; the failure of one does not stop another. When
 * `signal` fires, what is not over ends with its reason.
 * @returns how each target ended, in the order of `targets`; never throws
 */
export async function pushImages(
  targets: readonly PushTarget[],
  { from }: { readonly from: ContentReader },
  options: PushOptions = {},
): Promise<readonly PushOutcome[]> {
  const { limitRate, maxUploads: max } = options;
  const rate = limitRate === undefined ? undefined : new RateLimit(limitRate);
  const registries = Map.groupBy(targets, ({ to }) => to.registry);
  const shared = registries.size > 1 ? new SharedSource() : undefined;
  const through = (reader: ContentReader) => {
    const once = shared?.share(reader) ?? reader;
    return rate ? limitedReader(once, rate) : once;
  };
  const outcomes = new Map<PushTarget, PushOutcome>();
  const pushToRegistry = async (ofRegistry: readonly PushTarget[]) => {
    const uploads = new UploadSlots({ max });
    for (const ofOne of Map.groupBy(ofRegistry, ({ to }) => to.name).values()) {
      const ended = await pushToRepository(ofOne, { from, through, uploads }, options);
      for (const outcome of ended) outcomes.set(outcome.target, outcome);
    }
  };
  await Promise.all(Array.from(registries.values(), pushToRegistry));
  return targets.flatMap((target) => outcomes.get(target) ?? []);
}
