import { existsSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import { currentOwner, ingestName } from '../host/owner.ts';
import type { DigestAlgorithm } from '../oci/digest.ts';
import type { ServerLimits } from './limits.ts';
import { RegistryError } from './registry-error.ts';
import { type UploadPlace, UploadSession } from './upload-session.ts';

/** Among too many uploads, one that nobody used for this long makes room for a new one. */
const MAKES_ROOM_MS = 60_000;

/** How {@link UploadSessions} are kept. */
export interface UploadSessionsOptions {
  readonly now: () => Date;
  readonly limits: Pick<ServerLimits, 'uploads' | 'abandonedMs'>;
}

/** The uploads in progress of one server: one file each, in a folder that several servers may share. */
export class UploadSessions {
  readonly folder: string;
  readonly #now: () => Date;
  readonly #limits: Pick<ServerLimits, 'uploads' | 'abandonedMs'>;
  readonly #sessions = new Map<string, UploadSession>();

  constructor(folder: string, { now, limits }: UploadSessionsOptions) {
    this.folder = folder;
    this.#now = now;
    this.#limits = limits;
  }

  /**
   * Makes the folder.
   * @throws FinchError `IO`
   */
  async prepare(): Promise<void> {
    try {
      await mkdir(this.folder, { recursive: true });
    } catch (error) {
      throw ioError(error, 'write', this.folder);
    }
  }

  /**
   * Starts an upload to a repository.
   * @param algorithm of the digest that it is expected to end with
   * @throws RegistryError 429 when too many are open
   * @throws FinchError `IO`
   */
  async start(repository: string, algorithm: DigestAlgorithm): Promise<UploadSession> {
    const dropped = this.#makeRoom();
    const place = { id: crypto.randomUUID(), repository };
    // By the owner in its name, the store can tell what a server that was killed left behind.
    const path = join(this.folder, ingestName(currentOwner()));
    const session = new UploadSession(place, { path, algorithm, usedAt: this.#now() });
    // Before anything is waited for, so that those that begin together are counted together.
    this.#sessions.set(session.id, session);
    try {
      await removeFiles(dropped);
      await this.#createFile(path);
    } catch (error) {
      this.#sessions.delete(session.id);
      throw error;
    }
    return session;
  }

  /**
   * The upload that a client names.
   * @throws RegistryError 404 when there is none, or no more
   */
  async find({ id, repository }: UploadPlace): Promise<UploadSession> {
    await this.dropIdle();
    const session = this.#sessions.get(id);
    if (session?.repository !== repository) throw unknownUpload();
    // Somebody removed it, or the blob got its place and could not be written down.
    if (session.user === undefined && !existsSync(session.path)) {
      await this.end(session);
      throw unknownUpload();
    }
    this.#touch(session);
    return session;
  }

  /** Whether there is an upload that a client names. */
  async knows(place: UploadPlace): Promise<boolean> {
    try {
      return (await this.find(place)) !== undefined;
    } catch (error) {
      if (error instanceof RegistryError) return false;
      throw error;
    }
  }

  /**
   * Runs `work` on an upload while no other request may.
   * @throws RegistryError 404 when there is no such upload, 409 when another request uses it
   */
  async use<T>(place: UploadPlace, work: (session: UploadSession) => Promise<T>): Promise<T> {
    const session = await this.find(place);
    if (session.user !== undefined) {
      throw new RegistryError(409, 'BLOB_UPLOAD_INVALID', {
        message: 'another request uses this upload now',
      });
    }
    const stopping = new AbortController();
    const done = Promise.withResolvers<void>();
    session.user = {
      signal: stopping.signal,
      done: done.promise,
      stop: (reason) => stopping.abort(reason),
    };
    try {
      return await work(session);
    } finally {
      session.user = undefined;
      this.#touch(session);
      done.resolve();
    }
  }

  /**
   * Ends an upload. The request that sends to it now, if there is one, is told that it is gone.
   * @throws RegistryError 404 when there is no such upload, also when it ended well meanwhile
   */
  async cancel(place: UploadPlace): Promise<void> {
    const session = await this.find(place);
    session.user?.stop(unknownUpload());
    await session.user?.done;
    if (!this.#sessions.has(session.id)) throw unknownUpload();
    await this.end(session);
  }

  /** Forgets an upload and its bytes. */
  async end(session: UploadSession): Promise<void> {
    this.#sessions.delete(session.id);
    await rm(session.path, { force: true });
  }

  /** Ends the uploads that were given up. */
  async dropIdle(): Promise<void> {
    await removeFiles(this.#forgetIdle());
  }

  /** Ends all uploads. */
  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await this.end(session);
  }

  /** Forgets uploads that were given up; which. */
  #forgetIdle(): readonly UploadSession[] {
    const dropped: UploadSession[] = [];
    // The one that waits longest comes first.
    for (const session of this.#sessions.values()) {
      if (this.#idleMs(session) <= this.#limits.abandonedMs) break;
      if (session.user !== undefined) continue;
      this.#sessions.delete(session.id);
      dropped.push(session);
    }
    return dropped;
  }

  /** Forgets uploads until there is room for one more; which. */
  #makeRoom(): readonly UploadSession[] {
    const dropped = this.#forgetIdle();
    if (this.#sessions.size < this.#limits.uploads) return dropped;
    const idle = this.#sessions.values().filter(({ user }) => user === undefined);
    const oldest = idle.next().value;
    if (oldest !== undefined && this.#idleMs(oldest) >= MAKES_ROOM_MS) {
      this.#sessions.delete(oldest.id);
      return [...dropped, oldest];
    }
    throw new RegistryError(429, 'TOOMANYREQUESTS', {
      message: 'too many uploads are open; try again later',
      headers: { 'Retry-After': '10' },
    });
  }

  async #createFile(path: string): Promise<void> {
    try {
      await (await open(path, 'wx', 0o600)).close();
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw ioError(error, 'write', this.folder);
      // Somebody emptied the home below a server that runs.
      await this.prepare();
      await (await open(path, 'wx', 0o600)).close();
    }
  }

  /** Puts a session behind the others in the map's order. */
  #touch(session: UploadSession): void {
    session.usedAt = this.#now();
    if (this.#sessions.delete(session.id)) this.#sessions.set(session.id, session);
  }

  #idleMs({ usedAt }: UploadSession): number {
    return this.#now().getTime() - usedAt.getTime();
  }
}

async function removeFiles(sessions: readonly UploadSession[]): Promise<void> {
  for (const { path } of sessions) await rm(path, { force: true });
}

function unknownUpload(): RegistryError {
  return new RegistryError(404, 'BLOB_UPLOAD_UNKNOWN', {
    message: 'there is no such upload; it may have ended, or been idle for too long',
  });
}
