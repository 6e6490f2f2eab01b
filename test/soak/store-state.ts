import { Database } from 'bun:sqlite';
import { copyFile, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../src/oci/digest.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { type GraphSource, walkGraph } from './walk-graph.ts';

/** All that a store holds, found without any of finch's own code for stores. */
export interface StoreState {
  /** By their whole name, the digest of what each names, as the database has it. */
  readonly names: Readonly<Record<string, string>>;
  /** The same as `index.json` shows it. */
  readonly shown: Readonly<Record<string, string>>;
  /** By name, the digests of the configurations that it reaches, sorted. */
  readonly configs: Readonly<Record<string, readonly string[]>>;
  /** The digests of the files among the blobs, sorted. */
  readonly blobs: readonly string[];
  /** What the database says of blobs, of what names what, and of layers: one line a row, sorted. */
  readonly rows: readonly string[];
  /** How many leases there are. */
  readonly leases: number;
  /** Files that are there only while something is being done. */
  readonly leftovers: readonly string[];
  /** What is wrong. */
  readonly faults: readonly string[];
}

interface Row {
  readonly [column: string]: string | number | null;
}

type Tables = Readonly<Record<'names' | 'blobs' | 'edges' | 'layers' | 'leases', readonly Row[]>>;

/**
 * Reads the store of a home in which nothing runs, and changes nothing in it. It is at fault when a file
 * among the blobs has another digest than its name says; when something that is named, in the database or
 * in `index.json`, is not here with everything below it; when the database is damaged or speaks of what is
 * not here; and when a manifest is here without its parts.
 */
export async function storeState(home: string): Promise<StoreState> {
  const store = join(home, 'store');
  const faults: string[] = [];
  const blobs = await readBlobs(store, faults);
  const tables = await readTables(store, faults);
  const source: GraphSource = async (digest) => blobs.get(digest);
  const names = Object.fromEntries(
    tables.names.map(({ name, digest }) => [`${name}`, `${digest}`]),
  );
  const shown = await readIndex(store, faults);
  const configs: Record<string, readonly string[]> = {};
  for (const [name, digest] of [...Object.entries(names), ...Object.entries(shown)]) {
    try {
      const graph = await walkGraph(source, digest);
      if (names[name] === digest) configs[name] = graph.configs;
    } catch (error) {
      faults.push(`${name}: ${error}`);
    }
  }
  const leftovers = await findLeftovers(store);
  // What a killed process was about to free goes back to its place, or away, with the next command.
  const trashed = new Set(
    leftovers.map((file) => /^trash\/.*-[0-9a-f]+\.(\w+\.\w+)$/.exec(file)?.[1]?.replace('.', ':')),
  );
  for (const { digest, size } of tables.blobs) {
    const isHere = blobs.get(`${digest}`)?.length === size || trashed.has(`${digest}`);
    if (!isHere) faults.push(`${digest} is known and not here`);
  }
  const known = new Set(tables.blobs.map(({ digest }) => digest));
  for (const { holder, held, kind } of tables.edges) {
    const isHere = blobs.has(`${held}`) || trashed.has(`${held}`);
    if (kind === 'required' && known.has(holder ?? '') && !isHere) {
      faults.push(`${holder} is here without ${held}`);
    }
  }
  const rowsOf = (table: string, rows: readonly Row[]) =>
    rows.map((row) => `${table} ${Object.values(row).join(' ')}`);
  return {
    ...{ names, shown, configs, faults },
    blobs: [...blobs.keys()].toSorted(),
    rows: [
      ...rowsOf('blob', tables.blobs),
      ...rowsOf('edge', tables.edges),
      ...rowsOf('layer', tables.layers),
    ].toSorted(),
    leases: tables.leases.length,
    leftovers,
  };
}

async function readBlobs(
  store: string,
  faults: string[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (const algorithm of await list(join(store, 'blobs'))) {
    for (const hex of await list(join(store, 'blobs', algorithm))) {
      const bytes = await readFile(join(store, 'blobs', algorithm, hex));
      const digest = `${algorithm}:${hex}`;
      const real = digestOf(bytes, algorithm === 'sha512' ? 'sha512' : 'sha256');
      if (real !== digest) faults.push(`the file ${digest} has the digest ${real}`);
      found.set(digest, bytes);
    }
  }
  return found;
}

async function readIndex(store: string, faults: string[]): Promise<Record<string, string>> {
  const path = join(store, 'index.json');
  const found: Record<string, string> = {};
  if (!(await Bun.file(path).exists())) return found;
  try {
    const { manifests } = JSON.parse(await readFile(path, 'utf8')) as {
      manifests: { digest: string; annotations: Record<string, string> }[];
    };
    for (const { digest, annotations } of manifests) {
      found[annotations['io.containerd.image.name'] ?? ''] = digest;
    }
  } catch (error) {
    faults.push(`index.json: ${error}`);
  }
  return found;
}

/** The database as SQLite finds it after a crash: a copy, because to open one can change it. */
async function readTables(store: string, faults: string[]): Promise<Tables> {
  await using copy = await temporaryFolder();
  const path = join(copy.path, 'meta.db');
  const empty = { names: [], blobs: [], edges: [], layers: [], leases: [] };
  if (!(await Bun.file(join(store, 'meta.db')).exists())) return empty;
  for (const end of ['', '-wal']) {
    const from = join(store, `meta.db${end}`);
    if (await Bun.file(from).exists()) await copyFile(from, `${path}${end}`);
  }
  using database = new Database(path);
  const all = (sql: string) => database.query<Row, []>(sql).all();
  for (const problem of [...all('PRAGMA integrity_check'), ...all('PRAGMA foreign_key_check')]) {
    if (problem['integrity_check'] !== 'ok') faults.push(`meta.db: ${JSON.stringify(problem)}`);
  }
  // A process that was killed at its very beginning leaves a database without tables.
  if (all('PRAGMA user_version')[0]?.['user_version'] === 0) return empty;
  return {
    names: all('SELECT name, digest FROM names'),
    blobs: all('SELECT digest, size FROM blobs'),
    edges: all('SELECT holder, held, kind FROM edges'),
    layers: all('SELECT digest, media_type, diff_id, diff_size FROM layers'),
    leases: all('SELECT id FROM leases'),
  };
}

async function findLeftovers(store: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await list(store)) {
    const path = join(store, name);
    if (['blobs', 'meta.db', 'meta.db-wal', 'meta.db-shm'].includes(name)) continue;
    if (['oci-layout', 'index.json', 'reserve'].includes(name)) continue;
    if (!(await stat(path)).isDirectory()) found.push(name);
    else found.push(...(await list(path)).map((file) => `${name}/${file}`));
  }
  return found;
}

async function list(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}
