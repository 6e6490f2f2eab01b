import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ioError } from '../host/io-error.ts';
import { currentOwner, ingestName } from '../store/owner.ts';
import { RegistryError } from './registry-error.ts';
import { type UploadPlace, UploadSession } from './upload-session.ts';

/** A session that nobody used for this long is dropped. */
const IDLE_MS = 60 * 60 * 1000;

/** The uploads in progress of one server: one file each, in a folder that several servers may share. */
export class UploadSessions {
  readonly #folder: string;
  readonly #now: () => Date;
  readonly #sessions = new Map<string, UploadSession>();

  constructor(folder: string, { now }: { readonly now: () => Date }) {
    this.#folder = folder;
    this.#now = now;
  }

  /**
   * Makes the folder.
   * @throws FinchError `IO`
   */
  async prepare(): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true });
    } catch (error) {
      throw ioError(error, 'write', this.#folder);
    }
  }

  /** Starts an upload to a repository. */
  async start(repository: string): Promise<UploadSession> {
    const id = crypto.randomUUID();
    // By the owner in its name, the store can tell what a server that was killed left behind.
    const path = join(this.#folder, ingestName(currentOwner()));
    await (await open(path, 'wx', 0o600)).close();
    const session = new UploadSession({ id, repository }, path, this.#now());
    this.#sessions.set(id, session);
    return session;
  }

  /**
   * The upload that a client names.
   * @throws RegistryError 404 when there is none, or no more
   */
  async find({ id, repository }: UploadPlace): Promise<UploadSession> {
    await this.dropIdle();
    const session = this.#sessions.get(id);
    if (session?.repository !== repository) {
      throw new RegistryError(404, 'BLOB_UPLOAD_UNKNOWN', {
        message: 'there is no such upload; it may have ended, or been idle for too long',
      });
    }
    session.usedAt = this.#now();
    return session;
  }

  /**
   * Runs `work` on an upload while no other request may.
   * @throws RegistryError 404 when there is no such upload, 409 when another request uses it
   */
  async use<T>(place: UploadPlace, work: (session: UploadSession) => Promise<T>): Promise<T> {
    const session = await this.find(place);
    if (session.busy) {
      throw new RegistryError(409, 'BLOB_UPLOAD_INVALID', {
        message: 'another request uses this upload now',
      });
    }
    session.busy = true;
    try {
      return await work(session);
    } finally {
      session.busy = false;
      session.usedAt = this.#now();
    }
  }

  /** Forgets an upload and its bytes. */
  async end(session: UploadSession): Promise<void> {
    this.#sessions.delete(session.id);
    await rm(session.path, { force: true });
  }

  /** Ends the uploads that nobody used for an hour. */
  async dropIdle(): Promise<void> {
    const now = this.#now().getTime();
    for (const session of this.#sessions.values()) {
      if (!session.busy && now - session.usedAt.getTime() > IDLE_MS) await this.end(session);
    }
  }

  /** Ends all uploads. */
  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await this.end(session);
  }
}
