import type { StoreDatabase } from './database.ts';
import type { FolderSync } from './folder-sync.ts';
import type { Layout } from './layout.ts';
import type { Leases } from './leases.ts';
import type { SharedWork } from './shared-work.ts';

/** One open store: what its parts work on. */
export interface StoreContext {
  readonly layout: Layout;
  readonly database: StoreDatabase;
  readonly leases: Leases;
  readonly folders: FolderSync;
  /** Whether a file is what its digest names, for those who find out now. */
  readonly checks: SharedWork<boolean>;
  /** This process, as `owner.ts` writes it. */
  readonly owner: string;
  now(): Date;
}
