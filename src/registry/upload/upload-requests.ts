import type { RegistryMemory } from '../memory/registry-memory.ts';
import type { Session } from './session.ts';
import { Ways } from './ways.ts';

/**
 * How many requests bring a blob of `size` bytes to an upload that is open at `location`, one that closes it among them, by
 * what is known of its host. Asks nobody.
 */
export function uploadRequests(
  size: number,
  { location, memory }: { readonly location: URL; readonly memory: RegistryMemory },
): number {
  const ways = new Ways(location.host, memory);
  for (let offset = 0, count = 1; ; count += 1) {
    const session: Session = { location, offset, minChunkBytes: 0 };
    const { end, closes } = ways.next(session, size);
    if (closes) return count;
    offset = end;
  }
}
