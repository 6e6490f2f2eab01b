import { digestOf } from '../../src/oci/digest.ts';

/** Gives the bytes of some content; undefined when it is not there. */
export type GraphSource = (
  digest: string,
  mediaType: string | undefined,
) => Promise<Uint8Array | undefined>;

/** What {@link walkGraph} found. */
export interface Graph {
  readonly configs: readonly string[];
  readonly digests: ReadonlySet<string>;
  readonly bytes: number;
}

interface Part {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
}

interface Fields {
  readonly manifests?: readonly Part[];
  readonly config?: Part;
  readonly layers?: readonly Part[];
}

/**
 * Reads everything below a root and checks each digest and size, by nothing but JSON and SHA-256.
 * @throws Error that says what is missing or damaged
 */
export async function walkGraph(source: GraphSource, root: string): Promise<Graph> {
  const digests = new Set<string>();
  const configs = new Set<string>();
  let total = 0;
  const read = async (digest: string, part?: Part): Promise<Uint8Array> => {
    const bytes = await source(digest, part?.mediaType);
    if (bytes === undefined) throw new Error(`${digest} below ${root} is missing`);
    if (digestOf(bytes) !== digest) throw new Error(`${digest} below ${root} is damaged`);
    if (part !== undefined && part.size !== bytes.length) {
      throw new Error(`${digest} below ${root} has ${bytes.length} bytes instead of ${part.size}`);
    }
    if (!digests.has(digest)) total += bytes.length;
    digests.add(digest);
    return bytes;
  };
  const walk = async (digest: string, part?: Part): Promise<void> => {
    const bytes = await read(digest, part);
    const {
      manifests = [],
      config,
      layers = [],
    } = JSON.parse(Buffer.from(bytes).toString()) as Fields;
    for (const member of manifests) await walk(member.digest, member);
    if (config === undefined) return;
    await read(config.digest, config);
    configs.add(config.digest);
    for (const layer of layers) await read(layer.digest, layer);
  };
  await walk(root);
  return { digests, bytes: total, configs: [...configs].toSorted() };
}

/**
 * Reads an image from a registry with every byte of it checked.
 * @param url where the repository's API is, for example `http://127.0.0.1:5000/v2/app`
 */
export async function walkRegistry(url: string, tag: string): Promise<Graph & { root: string }> {
  const get = async (path: string) => {
    const answer = await fetch(`${url}/${path}`, { headers: { accept: ACCEPT } });
    const bytes = await answer.bytes();
    if (answer.ok) return bytes;
    throw new Error(`${url}/${path} answers ${answer.status}: ${Buffer.from(bytes).toString()}`);
  };
  const root = digestOf(await get(`manifests/${tag}`));
  const graph = await walkGraph(
    (digest, type = 'manifest') =>
      get(`${/manifest|index/.test(type) ? 'manifests' : 'blobs'}/${digest}`),
    root,
  );
  return { ...graph, root };
}

const ACCEPT = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
].join(', ');
