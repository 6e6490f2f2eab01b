/** What a server allows, so that no client takes it away from the others. Real use meets none of this. */
export interface ServerLimits {
  /** Milliseconds in which a client must send or take something. */
  readonly idleMs: number;
  /** Bytes a second that a body must come with, on average after the first {@link idleMs}. */
  readonly minimumRate: number;
  /** Requests that are answered at once; what is more is told to come again. */
  readonly requests: number;
  /** Uploads that are open at once. */
  readonly uploads: number;
  /** Milliseconds in which requests may finish once the server stops. */
  readonly graceMs: number;
  /** Milliseconds after which an upload that nobody goes on with is dropped. */
  readonly abandonedMs: number;
  /** Milliseconds for which content that no manifest names is kept at least; at most twice as long. */
  readonly unnamedMs: number;
}

/** The limits of a server that is told no others. */
export const DEFAULT_LIMITS: ServerLimits = {
  idleMs: 120_000,
  minimumRate: 1024,
  requests: 10_000,
  uploads: 10_000,
  // Less than the ten seconds after which container engines kill what they told to stop.
  graceMs: 5000,
  abandonedMs: 60 * 60 * 1000,
  unnamedMs: 6 * 60 * 60 * 1000,
};
