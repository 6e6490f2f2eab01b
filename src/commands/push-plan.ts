import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import { type Amount, planPush } from '../copy/plan-push.ts';
import { formatBytes } from '../humanize.ts';
import { familiarRepository } from '../oci/reference.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { Result } from './command.ts';
import { faultOf } from './push-faults.ts';
import type { PushItem } from './push-items.ts';
import { placeOf } from './push-record.ts';

/**
 * Says what a push would do: a line for each repository; of those where it would fail, why.
 * @throws FinchError of the store
 */
export async function showPlan(
  items: readonly PushItem[],
  { app, store }: { readonly app: App; readonly store: ImageStore },
  options: AbortOptions & { readonly verifyMembers: boolean },
): Promise<Result> {
  const targets = items.map(({ target }) => target);
  const { plans, outcomes } = await planPush(targets, { from: store }, options);
  const lines = plans.map(({ to, exists, mount, send, requests }) => {
    app.talk.tell({ event: 'plan', repository: placeOf(to), exists, mount, send, requests });
    const mounted = `${shown(mount)} to mount${mount.count > 0 ? ' if still there' : ''}`;
    const parts = [`${shown(exists)} there`, mounted, `${shown(send)} to send`];
    const name = familiarRepository({ registry: to.registry, repository: to.name });
    return `${name}: ${parts.join(', ')}; ${requests} ${requests === 1 ? 'request' : 'requests'}`;
  });
  const fault = faultOf(
    items.map((item, i) => ({ item, verified: false, error: outcomes[i]?.error })),
  );
  const result = { kind: 'lines', lines } as const;
  return fault === undefined ? result : { kind: 'faulty', shown: result, fault };
}

function shown({ count, bytes }: Amount): string {
  return count === 0 ? '0' : `${count} (${formatBytes(bytes)})`;
}
