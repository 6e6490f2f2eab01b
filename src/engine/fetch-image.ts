import type { Bridge } from '../bridge/bridge.ts';
import { whileFetching } from '../bridge/fetching.ts';
import { writePushHosts } from '../bridge/push-hosts.ts';
import { type AbortOptions, memoryContent } from '../content.ts';
import { underLease } from '../copy/under-lease.ts';
import { FinchError } from '../errors.ts';
import type { ImageRow } from '../images/image-row.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { parseReference } from '../oci/reference.ts';
import type { ImageStore } from '../store/image-store.ts';
import { runEngine } from './ask-engine.ts';
import type { Engine } from './engine.ts';
import { readEngineDocument } from './engine-document.ts';

/** Between what {@link fetchImage} works. */
export interface FetchOptions extends AbortOptions {
  readonly engine: Engine;
  readonly bridge: Bridge;
  /** finch's own folder. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly store: ImageStore;
  /** Takes a line for the user. */
  readonly note: (line: string) => void;
}

/** A push of many GiB through a virtual machine. */
const TIMEOUT_MS = 6 * 60 * 60 * 1000;

/**
 * Brings an image of the engine into the store, with the digest that it has there: the engine pushes it over the
 * bridge, under another name, and then it gets its own. Of an index of which the engine has some platforms those
 * come; the index is the whole one.
 * @param rows what the engine says of the image, a row for each platform
 * @throws FinchError `VM` when the engine does not do it, `CONTENT_MISMATCH`, `IO`; the store is then as it was
 */
export async function fetchImage(
  rows: readonly [ImageRow, ...ImageRow[]],
  options: FetchOptions,
): Promise<void> {
  const [{ name }] = rows;
  const { store, home, note, signal } = options;
  await whileFetching(home, store, {
    ...{ patienceMs: TIMEOUT_MS, signal },
    onWait: () => note('waiting for another finch that gets an image from the virtual machine'),
    work: (path) =>
      underLease(store, async () => {
        const target = await push(rows, path, options);
        await store.changeNames({ set: [{ name, target }] });
      }),
  });
}

async function push(
  rows: readonly [ImageRow, ...ImageRow[]],
  path: string,
  options: FetchOptions,
): Promise<Descriptor> {
  const { engine, bridge, home, store, signal } = options;
  const [{ name, digest }] = rows;
  const { registry } = parseReference(name);
  const { hostAddress } = engine.machine;
  const hosts = await writePushHosts(home, { registry, bridge, hostAddress, below: path });
  const pushing = async (...platforms: readonly string[]) =>
    runEngine(engine, ['push', '--quiet', ...platforms, '--hosts-dir', hosts, name], {
      ...{ timeoutMs: TIMEOUT_MS, signal },
    });
  try {
    await pushing('--all-platforms');
  } catch (error) {
    const named = rows.flatMap(({ platform }) => (platform === '' ? [] : ['--platform', platform]));
    if (!isIncomplete(error) || named.length === 0) throw error;
    // nerdctl pushes the platforms that it has, and an index of its own of them.
    await pushing(...named);
    const { document, bytes } = await readEngineDocument(digest, options);
    const target = { mediaType: document.mediaType, digest, size: bytes.length };
    await store.write(target, memoryContent(bytes), { signal });
  }
  return targetIn(store, { name, digest });
}

/** Whether containerd misses content of an image that it has only in part. */
function isIncomplete(error: unknown): boolean {
  return error instanceof FinchError && /content digest sha256:\w+: not found/.test(error.message);
}

function targetIn(
  store: ImageStore,
  { name, digest }: { readonly name: string; readonly digest: Digest },
): Descriptor {
  const found = store.stat(digest);
  if (found === undefined) throw moved(name);
  return { ...found, digest };
}

function moved(name: string): FinchError {
  return new FinchError('VM', `${name} is another image in the virtual machine by now`, {
    hint: 'try again',
  });
}
