import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import { type Amount, planPush } from '../copy/plan-push.ts';
import { formatBytes } from '../humanize.ts';
import { familiarRepository } from '../oci/reference.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { Result } from './command.ts';
import type { PushItem } from './push-items.ts';

/**
 * Says what a push would do: a line for each repository.
 * @throws FinchError of the registries and the store
 */
export async function showPlan(
  items: readonly PushItem[],
  { app, store }: { readonly app: App; readonly store: ImageStore },
  options: AbortOptions & { readonly verifyMembers: boolean },
): Promise<Result> {
  const targets = items.map(({ target }) => target);
  const plans = await planPush(targets, { from: store }, options);
  const lines = plans.map(({ to, exists, mount, send, requests }) => {
    const name = familiarRepository({ registry: to.registry, repository: to.name });
    app.talk.tell({ event: 'plan', repository: name, exists, mount, send, requests });
    const parts = [`${shown(exists)} there`, `${shown(mount)} to mount`, `${shown(send)} to send`];
    return `${name}: ${parts.join(', ')}; ${requests} ${requests === 1 ? 'request' : 'requests'}`;
  });
  return { kind: 'lines', lines };
}

function shown({ count, bytes }: Amount): string {
  return count === 0 ? '0' : `${count} (${formatBytes(bytes)})`;
}
