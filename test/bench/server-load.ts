import { digestOf } from '../../src/oci/digest.ts';
import { json } from '../support/images.ts';
import { PlainConnection } from './plain-http.ts';

// What `server.ts` does to a registry, in a process of its own: `bun server-load.ts HOST WHAT COUNT`.
// Prints one line of JSON, a `Load`.

/** What one run found. */
export interface Load {
  readonly errors: readonly string[];
  readonly seconds: number;
  readonly bytes: number;
}

const MIB = 1024 * 1024;
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

const [host = '', what = '', count = '1'] = process.argv.slice(2);
const shared = layer(1);
const path = `/v2/bench/shared/blobs/${digestOf(shared)}`;
const began = { at: 0 };
const bytes = await run(Number(count));
const seconds = (performance.now() - began.at) / 1000;
process.stdout.write(`${JSON.stringify({ ...bytes, seconds } satisfies Load)}\n`);
process.exit();

async function run(clients: number): Promise<Omit<Load, 'seconds'>> {
  const start = () => {
    began.at = performance.now();
  };
  switch (what) {
    case 'seed':
      start();
      return all([await PlainConnection.open(host)], (connection) =>
        pushBlob(connection, 'bench/shared', shared),
      );
    case 'pull, connections kept': {
      const open = await connections(clients);
      start();
      return all(open, pull);
    }
    case 'pull, fresh connections':
      start();
      return all(Array.from({ length: clients }), async () => {
        const connection = await PlainConnection.open(host);
        const length = await pull(connection);
        connection.close();
        return length;
      });
    case 'push': {
      const open = await connections(clients);
      const images = open.map((connection, i) => ({ connection, layer: layer(), i }));
      start();
      return all(images, pushImage);
    }
    default:
      throw new Error(`what is ${what}?`);
  }
}

async function all<T>(items: readonly T[], work: (item: T) => Promise<number>) {
  const results = await Promise.allSettled(items.map(work));
  const errors = results.flatMap((r) => (r.status === 'rejected' ? [String(r.reason)] : []));
  const sum = results.reduce((n, r) => n + (r.status === 'fulfilled' ? r.value : 0), 0);
  return { errors, bytes: sum };
}

/** Opened in groups: a listener's queue is short. */
async function connections(count: number): Promise<readonly PlainConnection[]> {
  const open: PlainConnection[] = [];
  while (open.length < count) {
    const group = Math.min(100, count - open.length);
    open.push(
      ...(await Promise.all(Array.from({ length: group }, () => PlainConnection.open(host)))),
    );
  }
  return open;
}

async function pull(connection: PlainConnection): Promise<number> {
  const { status, bodyBytes } = await connection.ask('GET', path);
  if (status !== 200 || bodyBytes !== shared.length)
    throw new Error(`GET: ${status}, ${bodyBytes}`);
  return bodyBytes;
}

async function pushImage(image: { connection: PlainConnection; layer: Uint8Array; i: number }) {
  const { connection, i } = image;
  const diffIds = [digestOf(image.layer)];
  const config = json({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: diffIds },
  });
  const repository = `bench/image-${i}`;
  for (const blob of [image.layer, config]) await pushBlob(connection, repository, blob);
  const describe = (mediaType: string, blob: Uint8Array) => ({
    ...{ mediaType, digest: digestOf(blob), size: blob.length },
  });
  const manifest = json({
    ...{ schemaVersion: 2, mediaType: MANIFEST, config: describe(CONFIG, config) },
    layers: [describe(LAYER, image.layer)],
  });
  const name = `/v2/${repository}/manifests/${crypto.randomUUID()}`;
  const { status } = await connection.ask('PUT', name, manifest, MANIFEST);
  if (status !== 201) throw new Error(`PUT manifest: ${status}`);
  return image.layer.length;
}

/** As crane does it: is it there, begin, send, close. */
async function pushBlob(
  connection: PlainConnection,
  repository: string,
  blob: Uint8Array,
): Promise<number> {
  const digest = digestOf(blob);
  const there = await connection.ask('HEAD', `/v2/${repository}/blobs/${digest}`);
  if (there.status === 200) return 0;
  const begun = await connection.ask('POST', `/v2/${repository}/blobs/uploads/`);
  if (begun.status !== 202) throw new Error(`POST: ${begun.status}`);
  const sent = await connection.ask(
    'PATCH',
    local(begun.location),
    blob,
    'application/octet-stream',
  );
  if (sent.status !== 202) throw new Error(`PATCH: ${sent.status}`);
  const location = local(sent.location);
  const query = `${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
  const closed = await connection.ask('PUT', location + query);
  if (closed.status !== 201) throw new Error(`PUT: ${closed.status}`);
  return blob.length;
}

/** The path and query of a `Location`, which may be absolute. */
function local(location: string): string {
  return location.replace(/^http:\/\/[^/]*/, '');
}

/** 1 MiB that no other layer has; the one of a seed is always the same. */
function layer(seed?: number): Uint8Array {
  const bytes = new Uint8Array(MIB);
  if (seed !== undefined) return bytes.fill(seed);
  for (let at = 0; at < MIB; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return bytes;
}
