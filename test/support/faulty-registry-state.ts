import { createHash } from 'node:crypto';

/** Bytes under a digest. */
export interface KeptManifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** What one repository has. */
export interface KeptRepository {
  /** The bytes by digest; empty where they are only counted. */
  readonly blobs: Map<string, Uint8Array>;
  readonly manifests: Map<string, KeptManifest>;
  /** Digests by tag. */
  readonly tags: Map<string, string>;
}

/** An upload that was begun. */
export interface KeptSession {
  readonly id: string;
  readonly repository: string;
  readonly pieces: Uint8Array[];
  /** Bytes that it has. */
  size: number;
  /** Bodies that it got with a Content-Range. */
  chunks: number;
  /** Bytes that it had after its first chunk. */
  firstChunk: number;
  /** Bodies that are being written to it now, and the most that ever were at once. */
  writers: number;
  mostWriters: number;
}

/** Everything that a faulty registry has. Tests look into it, and put things there. */
export class RegistryState {
  readonly repositories = new Map<string, KeptRepository>();
  readonly sessions = new Map<string, KeptSession>();
  /** All that there ever were, in order. */
  readonly allSessions: KeptSession[] = [];

  /** A repository, which comes to be when it is asked for. */
  repository(name: string): KeptRepository {
    const known = this.repositories.get(name);
    if (known !== undefined) return known;
    const made: KeptRepository = { blobs: new Map(), manifests: new Map(), tags: new Map() };
    this.repositories.set(name, made);
    return made;
  }

  /** Begins an upload; it may have something already. */
  begin(repository: string, { id, size = 0 }: { id?: string; size?: number } = {}): KeptSession {
    const session: KeptSession = {
      ...{ id: id ?? `u${this.allSessions.length + 1}`, repository, size },
      ...{ pieces: [], chunks: 0, firstChunk: 0, writers: 0, mostWriters: 0 },
    };
    this.sessions.set(session.id, session);
    this.allSessions.push(session);
    return session;
  }

  /** Puts a blob into a repository. */
  addBlob(repository: string, bytes: Uint8Array): void {
    this.repository(repository).blobs.set(hexDigest(bytes), bytes);
  }

  /** Tags and what they name, in one repository, with the manifests that have none. */
  summary(name: string): {
    readonly tags: Record<string, string>;
    readonly blobs: readonly string[];
  } {
    const { tags, blobs } = this.repository(name);
    return { tags: Object.fromEntries(tags), blobs: [...blobs.keys()].toSorted() };
  }
}

/** The digest of bytes, by the algorithm of another digest or of a name. Default: sha256. */
export function hexDigest(bytes: Uint8Array, like = 'sha256'): string {
  const [algorithm = 'sha256'] = like.split(':');
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}
