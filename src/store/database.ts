import type { Database, SQLQueryBindings } from 'bun:sqlite';
import { dirname } from 'node:path';
import { FinchError } from '../errors.ts';
import { isOutOfSpace } from './database-error.ts';
import { inodeOf } from './layout.ts';
import { patiently } from './patience.ts';
import { keepReserve, releaseReserve } from './reserve.ts';

type Bindings = readonly SQLQueryBindings[];

/** Options of {@link StoreDatabase.transaction}. */
export interface TransactionOptions {
  /** Whether the change must survive a power cut as soon as it is made. Default: false. */
  readonly durable?: boolean;
  /** Takes back what the work did beside the database, when that was for nothing. */
  readonly undo?: () => void;
}

/**
 * `meta.db` of one store. Everything runs at once and blocks, so that no other work of this process can
 * slip into a transaction; what another process locks is waited for, for about 10 s.
 */
export class StoreDatabase implements Disposable {
  readonly path: string;
  readonly #database: Database;
  /** Why it cannot be written to, when it cannot. */
  readonly #refusal: FinchError | undefined;
  /** Which file was opened. */
  readonly #inode: bigint | undefined;

  constructor(database: Database, { path, refusal }: { path: string; refusal?: FinchError }) {
    this.#database = database;
    this.path = path;
    this.#refusal = refusal;
    this.#inode = inodeOf(path);
  }

  /** False when the disk, or the rights to it, allow reading alone: then {@link transaction} throws. */
  get writable(): boolean {
    return this.#refusal === undefined;
  }

  /** Every row of the answer. `Row` is what the statement selects. */
  all<Row>(sql: string, ...bindings: Bindings): Row[] {
    return this.#try(() => this.#database.query<Row, SQLQueryBindings[]>(sql).all(...bindings));
  }

  /** The first row of the answer. */
  get<Row>(sql: string, ...bindings: Bindings): Row | undefined {
    return this.#try(
      () => this.#database.query<Row, SQLQueryBindings[]>(sql).get(...bindings) ?? undefined,
    );
  }

  /** Runs a statement that changes something; how many rows it changed. */
  run(sql: string, ...bindings: Bindings): number {
    return this.#try(() => this.#database.query(sql).run(...bindings).changes);
  }

  /**
   * Does `work` with no writer beside it: all of it or, when it throws, nothing. When the disk is full, it is
   * done a second time, with the space that the store keeps for that. What the work does to files is its
   * own to take back: see `undo`.
   * @throws FinchError `IO` when the store cannot be written to, `STORE_UNUSABLE` when the file was
   *   replaced since it was opened
   */
  transaction<T>(work: () => T, options: TransactionOptions = {}): T {
    if (this.#refusal !== undefined) throw this.#refusal;
    try {
      return this.#transaction(work, options);
    } catch (error) {
      if (!isOutOfSpace(error) || !releaseReserve(dirname(this.path))) throw error;
      const result = this.#transaction(work, options);
      // Or content that comes in would take the rest of it.
      keepReserve(dirname(this.path));
      return result;
    }
  }

  #transaction<T>(work: () => T, { durable = false, undo }: TransactionOptions): T {
    // In WAL mode a commit with FULL also puts on disk everything that was committed before it.
    if (durable) this.#try(() => this.#database.run('PRAGMA synchronous = FULL'));
    try {
      const result = this.#within('BEGIN IMMEDIATE', work);
      this.#requireSameFile();
      return result;
    } catch (error) {
      undo?.();
      throw error;
    } finally {
      if (durable) this.#try(() => this.#database.run('PRAGMA synchronous = NORMAL'));
    }
  }

  /** Does `work`, which only reads, on the state of one moment. */
  snapshot<T>(work: () => T): T {
    return this.#within('BEGIN', work);
  }

  /** Whether another file has the name of the one that was opened, or none: nothing can be changed here any more. */
  wasReplaced(): boolean {
    return inodeOf(this.path) !== this.#inode;
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  /** What is written to a file that lost its name is lost, so nobody may believe that it was kept. */
  #requireSameFile(): void {
    if (!this.wasReplaced()) return;
    const message = `the store ${this.path} was replaced while it was used, as store repair does`;
    throw new FinchError('STORE_UNUSABLE', message, { hint: 'run the command again' });
  }

  #within<T>(begin: string, work: () => T): T {
    this.#try(() => this.#database.run(begin));
    try {
      const result = work();
      this.#try(() => this.#database.run('COMMIT'));
      return result;
    } catch (error) {
      // A full disk can make SQLite roll back by itself.
      if (this.#database.inTransaction) this.#database.run('ROLLBACK');
      throw error;
    }
  }

  #try<T>(work: () => T): T {
    return patiently(this.path, work);
  }
}
