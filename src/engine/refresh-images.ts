import type { AbortOptions } from '../content.ts';
import { isDigest } from '../oci/digest.ts';
import { familiarReference, parseReference } from '../oci/reference.ts';
import type { ImageRecord } from '../store/image-store.ts';
import type { Engine } from './engine.ts';

/** Options of {@link refreshImages}. */
export interface RefreshOptions extends AbortOptions {
  /** Whether the engine also gets what it does not know: `run` gets that by itself. */
  readonly missing: boolean;
  /** Takes a line for the user. */
  readonly report: (line: string) => void;
}

/** More images than one command works with. */
const MAX_IMAGES = 20;

/** Gigabytes over loopback, to a disk that may be slow. */
const PULL_MS = 30 * 60_000;

/**
 * Brings images of the store into the engine where that has another by the same name, which got it earlier: else it
 * would go on with the old one, as engines ask nobody for what they have. Never fails: then the engine does what it
 * can.
 * @throws the signal's reason
 */
export async function refreshImages(
  engine: Engine,
  records: readonly ImageRecord[],
  { missing, report, signal }: RefreshOptions,
): Promise<void> {
  for (const { name, target, createdAt } of records.slice(0, MAX_IMAGES)) {
    const known = await imageInEngine(engine, name, { signal });
    if (known === undefined ? !missing : known.digest === target.digest) continue;
    if (known !== undefined && known.updatedAt > createdAt.getTime()) continue;
    const options = { timeoutMs: PULL_MS, signal };
    const { status } = await engine.capture(['pull', '--quiet', name], options);
    if (status === 0) continue;
    const shown = familiarReference(parseReference(name));
    report(`the engine could not get ${shown} from the images of finch, and goes on without it`);
  }
}

interface KnownImage {
  readonly digest: string;
  /** When the name was last given, in milliseconds. */
  readonly updatedAt: number;
}

const FORMAT = '{{.Image.Target.Digest}} {{.Image.UpdatedAt.UnixMilli}}';

/** What the engine has by a name; undefined when it has nothing, or does not say. */
async function imageInEngine(
  engine: Engine,
  name: string,
  { signal }: AbortOptions,
): Promise<KnownImage | undefined> {
  const args = ['image', 'inspect', '--mode', 'native', '--format', FORMAT, name];
  const { status, stdout } = await engine.capture(args, { signal });
  const [digest = '', time = ''] = new TextDecoder().decode(stdout).trim().split(' ');
  const updatedAt = Number(time);
  if (status !== 0 || !isDigest(digest) || !Number.isFinite(updatedAt)) return undefined;
  return { digest, updatedAt };
}
