import { syncFolder } from '../host/atomic-file.ts';

/** Puts the names of files in folders on disk, once for all who ask while an earlier round is under way. */
export class FolderSync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  /**
   * Returns when every file that was renamed into the folder before the call survives a crash.
   * @throws FinchError `IO`
   */
  sync(path: string): Promise<void> {
    const running = this.#running.get(path);
    if (running === undefined) return this.#start(path);
    // The round under way may have begun before our rename, so only the next one counts.
    const queued = this.#next.get(path);
    if (queued !== undefined) return queued;
    const next = running
      .catch(() => undefined)
      .then(() => {
        this.#next.delete(path);
        return this.#start(path);
      });
    this.#next.set(path, next);
    return next;
  }

  #start(path: string): Promise<void> {
    const round = syncFolder(path).finally(() => {
      if (this.#running.get(path) === round) this.#running.delete(path);
    });
    this.#running.set(path, round);
    return round;
  }
}
