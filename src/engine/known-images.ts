import type { AbortOptions } from '../content.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import type { ImageRecord } from '../store/image-store.ts';
import type { Engine } from './engine.ts';

/** What the engine has by a name. */
export interface KnownImage {
  readonly digest: Digest;
  /** When the name was last given, in milliseconds. */
  readonly updatedAt: number;
}

/** Options of {@link knownImages}. */
export interface KnownOptions extends AbortOptions {
  /** Whole names. */
  readonly names: readonly string[];
}

const FORMAT = '{{.Image.Name}} {{.Image.Target.Digest}} {{.Image.UpdatedAt.UnixMilli}}';

/** Names that one command line has room for. */
const MAX_NAMES = 200;
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * What the engine has by names, each as the store writes it. A name that it does not have, or of which it says
 * nothing, is left out.
 * @throws FinchError `VM` when there is no nerdctl; the signal's reason
 */
export async function knownImages(
  engine: Engine,
  { names, signal }: KnownOptions,
): Promise<ReadonlyMap<string, KnownImage>> {
  const wanted = [...new Set(names)];
  const known = new Map<string, KnownImage>();
  for (let at = 0; at < wanted.length; at += MAX_NAMES) {
    const some = new Set(wanted.slice(at, at + MAX_NAMES));
    // It fails when a name is missing, and still says what it knows of the others.
    const { stdout } = await engine.capture(
      ['image', 'inspect', '--mode', 'native', '--format', FORMAT, ...some],
      { maxBytes: MAX_BYTES, signal },
    );
    for (const line of new TextDecoder().decode(stdout).split('\n')) {
      const [name = '', digest, time] = line.split(' ');
      const updatedAt = Number(time);
      // It has a line for every name of the same digest.
      if (!some.has(name) || !isDigest(digest) || !Number.isFinite(updatedAt)) continue;
      known.set(name, { digest, updatedAt });
    }
  }
  return known;
}

/**
 * Of a name that both sides may hold: which counts. The newer one does, when they hold different images, and the
 * only one there is; `same` also when there is none.
 * @param here what the store has
 * @param there what the engine has
 */
export function newerSide(
  here: Pick<ImageRecord, 'target' | 'createdAt'> | undefined,
  there: KnownImage | undefined,
): 'same' | 'here' | 'there' {
  if (here?.target.digest === there?.digest) return 'same';
  if (there === undefined) return 'here';
  if (here === undefined) return 'there';
  return there.updatedAt > here.createdAt.getTime() ? 'there' : 'here';
}
