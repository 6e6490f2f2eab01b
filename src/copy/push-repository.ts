import { FinchError, hasCode } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import type { CopyEvent } from './events.ts';
import type { PushOptions, PushOutcome, PushTarget } from './push-target.ts';
import { type PushWay, pushWalk } from './push-walk.ts';
import { verifyPush } from './verify-push.ts';

/**
 * Pushes images to one repository, in one walk. When that fails, those that are not there yet are tried one by one, so
 * that what is wrong with an image or a tag is the fault of that one alone.
 * @returns how each ended, in their order
 */
export async function pushToRepository(
  targets: readonly PushTarget[],
  way: PushWay,
  options: PushOptions,
): Promise<readonly PushOutcome[]> {
  const { verifyMembers = false, verify = false, signal } = options;
  const [first] = targets;
  if (first === undefined) return [];
  const { to } = first;
  const over = new Set<Digest>();
  const onEvent = (event: CopyEvent) => {
    const { kind, descriptor } = event;
    // A later walk finds again what an earlier one has told.
    if (over.has(descriptor.digest) && (kind === 'found' || kind === 'exists')) return;
    if (kind === 'done' || kind === 'exists') over.add(descriptor.digest);
    options.onEvent?.(event, to);
  };
  const walk = (some: readonly PushTarget[], { anew = false } = {}) =>
    pushWalk(some, { ...way, to }, { verifyMembers, anew, signal, onEvent });

  const errors = new Map<PushTarget, unknown>();
  const walkAlone = async (left: readonly PushTarget[], error: unknown) => {
    let last = error;
    let isShared = left.length === 1 || concernsAll(error);
    for (const target of left) {
      if (!isShared) {
        const own = await walk([target]).then(() => undefined, caught);
        if (own === undefined) continue;
        isShared = concernsAll(own.error, last);
        last = own.error;
      }
      errors.set(target, last);
    }
  };
  const mend = async (target: PushTarget, error: unknown) => {
    if (!hasCode(error, 'REMOTE_NOT_FOUND')) throw error;
    await walk([target], { anew: true });
    await verifyPush({ ...target, to }, { signal });
  };
  const outcome = async (target: PushTarget): Promise<PushOutcome> => {
    const ended = { target, digest: target.root.digest, verified: false };
    if (errors.has(target)) return { ...ended, error: errors.get(target) };
    if (!verify) return ended;
    return verifyPush({ ...target, to }, { signal })
      .catch((error: unknown) => mend(target, error))
      .then(
        () => ({ ...ended, verified: true }),
        (error: unknown) => ({ ...ended, error: signal?.aborted ? signal.reason : error }),
      );
  };

  await walk(targets).catch((error: unknown) =>
    walkAlone(
      targets.filter(({ root }) => !over.has(root.digest)),
      error,
    ),
  );
  return Promise.all(targets.map(outcome));
}

const caught = (error: unknown) => ({ error });

/**
 * Whether it is no use to try another image after this error: the registry is out of reach, wants a login, does not know
 * the repository, or gives the same strange answer again, for which it may have taken minutes.
 */
function concernsAll(error: unknown, before?: unknown): boolean {
  if (hasCode(error, 'NETWORK', 'UNAUTHENTICATED', 'CANCELLED')) return true;
  const isAgain = before instanceof FinchError && hasCode(error, before.code);
  return (
    isAgain && hasCode(error, 'REGISTRY', 'REMOTE_NOT_FOUND') && error.message === before.message
  );
}
