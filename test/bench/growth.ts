import { link, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf, parseDigest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { finchBinary, finchEnvironment, finchOk } from '../e2e/support/finch.ts';
import { json } from '../support/images.ts';
import { writeIndex } from './layouts.ts';
import { type Contestant, measureInTurns, measureOnce } from './measure.ts';
import type { RowResult } from './results.ts';
import type { Row } from './rows.ts';
import type { Stage } from './stage.ts';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

/** What finch costs as the work grows; nobody else is measured. */
export const growthRows: readonly Row[] = [
  { id: 'grow-layers', measure: (stage) => requests(stage, 'layers') },
  { id: 'grow-members', measure: (stage) => requests(stage, 'members') },
  { id: 'grow-names', measure: names },
  { id: 'grow-sparse', measure: sparse },
];

/** Requests for each blob of an image of 500 layers, or an index of 1,000 images with a layer each. */
async function requests(stage: Stage, kind: 'layers' | 'members'): Promise<RowResult> {
  const folder = join(stage.folder, `grow-${kind}`);
  const blobs =
    kind === 'layers' ? await writeLayers(folder, 500) : await writeMembers(folder, 1000);
  const home = await stage.newHome();
  await load(folder, 'grow:1', home);
  const server = await stage.server('sink http');
  const name = `${server.host}/grow/${kind}:1`;
  await finchOk(['tag', 'grow:1', name], { home });
  const sample = await measureOnce({
    command: [finchBinary, 'push', '-q', name],
    env: finchEnvironment(home),
    counts: () => server.counts(),
  });
  const each = (sample.requests ?? Number.NaN) / blobs;
  return {
    id: `grow-${kind}`,
    what: kind === 'layers' ? 'image of 500 layers → sink' : 'index of 1,000 manifests → sink',
    samples: { finch: sample },
    targets: [{ figure: 'requests', atMost: 3 * blobs }],
    notes: [`${blobs} blobs and documents, ${each.toFixed(2)} requests for each`],
  };
}

/** An image of many small layers. Gives how many blobs and documents there are. */
async function writeLayers(folder: string, count: number): Promise<number> {
  const layers = Array.from({ length: count }, (_, i) => new TextEncoder().encode(`layer ${i}`));
  const { manifest, blobs } = imageOf(layers, 0);
  await writeBlobs(folder, blobs);
  await writeIndex(folder, [{ name: 'grow', manifest }]);
  return blobs.length;
}

async function writeMembers(folder: string, count: number): Promise<number> {
  const images = Array.from({ length: count }, (_, i) =>
    imageOf([new TextEncoder().encode(`layer of ${i}`)], i),
  );
  const index = json({
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: images.map(({ manifest }, i) => ({
      mediaType: mediaTypes.manifest,
      digest: digestOf(manifest),
      size: manifest.length,
      platform: { os: 'linux', architecture: 'riscv64', variant: `v${i}` },
    })),
  });
  const blobs = [...images.flatMap((image) => image.blobs), index];
  await writeBlobs(folder, blobs);
  await writeIndex(folder, [{ name: 'grow', manifest: index }]);
  return blobs.length;
}

function imageOf(layers: readonly Uint8Array[], n: number) {
  const config = json({ os: 'linux', architecture: 'riscv64', variant: `v${n}`, config: {} });
  const manifest = json({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: digestOf(config), size: config.length },
    layers: layers.map((bytes) => ({
      mediaType: 'application/octet-stream',
      digest: digestOf(bytes),
      size: bytes.length,
    })),
  });
  return { manifest, blobs: [...layers, config, manifest] };
}

async function writeBlobs(folder: string, blobs: readonly Uint8Array[]): Promise<void> {
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  for (const bytes of blobs) {
    await Bun.write(join(folder, 'blobs', digestOf(bytes).replace(':', '/')), bytes);
  }
}

async function load(folder: string, name: string, home: string): Promise<void> {
  const said = await finchOk(['load', '-q', '-i', folder], { home });
  await finchOk(['tag', said.trim().split('\n')[0]?.replace('Loaded image: ', '') ?? '', name], {
    home,
  });
}

/** `tag` and `images` with 10 names and with 10,000. */
async function names(stage: Stage): Promise<RowResult> {
  const homes = { few: await homeWithNames(stage, 10), many: await homeWithNames(stage, 10_000) };
  const run = (size: keyof typeof homes, command: 'tag' | 'images'): Contestant => ({
    name: `${command} ${size}`,
    runs: 10,
    prepare: async (n) => ({
      command: [
        finchBinary,
        ...(command === 'tag' ? ['tag', 'n.example/n:0', `n.example/new:${n}`] : ['images', '-q']),
      ],
      env: finchEnvironment(homes[size]),
    }),
  });
  const samples = await measureInTurns([
    ...(['tag', 'images'] as const).flatMap((command) => [
      run('few', command),
      run('many', command),
    ]),
  ]);
  const wall = (command: string, size: string) =>
    samples.get(`${command} ${size}`)?.wallMs ?? Number.NaN;
  const ratio = (command: string) => wall(command, 'many') / wall(command, 'few');
  const note = (command: string) => {
    const [few, many] = [wall(command, 'few').toFixed(1), wall(command, 'many').toFixed(1)];
    return `${command}: ${few} ms with 10 names, ${many} ms with 10,000`;
  };
  const worst = ratio('tag') > ratio('images') ? 'tag' : 'images';
  const [finch, few] = [samples.get(`${worst} many`), samples.get(`${worst} few`)];
  return {
    ...{ id: 'grow-names', what: `\`${worst}\` with 10,000 names, beside 10` },
    samples: { ...(finch && { finch }), ...(few && { few }) },
    targets: [{ figure: 'wall', peer: 'few', atMost: 3 }],
    notes: [note('tag'), note('images')],
  };
}

async function homeWithNames(stage: Stage, count: number): Promise<string> {
  const folder = join(stage.folder, `names-${count}`);
  const { manifest, blobs } = imageOf([new TextEncoder().encode('named')], 0);
  await writeBlobs(folder, blobs);
  const all = Array.from({ length: count }, (_, i) => ({ name: `n.example/n:${i}`, manifest }));
  await writeIndex(folder, all);
  const home = await stage.newHome();
  await finchOk(['load', '-q', '-i', folder], { home });
  return home;
}

/** What a layer of 10 GiB does to finch's memory, over time. */
async function sparse(stage: Stage): Promise<RowResult> {
  const home = await stage.newHome();
  const folder = join(stage.folder, 'sparse');
  const layer = await putSparse(join(home, 'store/blobs/sha256'), 10 * GIB);
  const config = json({ os: 'linux', architecture: 'riscv64', config: {} });
  const manifest = json({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: 'application/octet-stream', ...layer }],
  });
  await writeBlobs(folder, [config, manifest]);
  await writeIndex(folder, [{ name: 'sparse', manifest }]);
  await linkInto(join(folder, 'blobs/sha256'), join(home, 'store/blobs/sha256'), layer.digest);
  await load(folder, 'sparse:1', home);
  const series: Readonly<Record<string, readonly number[]>> = {
    http: await push('sink http'),
    https: await push('sink https'),
  };
  const flat = Object.entries(series).map(([way, mib]) => rssGraph(way, mib));
  const most = Math.max(...Object.values(series).flat()) * MIB;
  return {
    ...{ id: 'grow-sparse', what: 'layer of 10 GiB → sink, peak memory' },
    samples: { finch: { wallMs: Number.NaN, cpuMs: Number.NaN, rssBytes: most } },
    targets: [{ figure: 'rss', atMost: 100 * MIB }],
    notes: flat,
  };

  async function push(to: 'sink http' | 'sink https'): Promise<readonly number[]> {
    const { host } = await stage.server(to);
    const name = `${host}/sparse/layer:1`;
    await finchOk(['tag', 'sparse:1', name], { home });
    const child = Bun.spawn([finchBinary, 'push', '-q', name], {
      env: finchEnvironment(home, await stage.trust()),
      ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'inherit' },
    });
    const values: number[] = [];
    while (child.exitCode === null) {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
      const kib = /VmRSS:\s*(\d+)/.exec(status)?.[1];
      if (kib !== undefined) values.push(Number(kib) / 1024);
      await Promise.race([Bun.sleep(100), child.exited]);
    }
    if (child.exitCode !== 0) throw new Error(`finch push ${name} ended with ${child.exitCode}`);
    return values;
  }
}

/** A file with nothing but a hole in it, where a store has its blobs. */
async function putSparse(
  folder: string,
  size: number,
): Promise<{ readonly digest: Digest; readonly size: number }> {
  await mkdir(folder, { recursive: true });
  const hasher = new Bun.CryptoHasher('sha256');
  const zeros = new Uint8Array(64 * MIB);
  for (let at = 0; at < size; at += zeros.length) hasher.update(zeros);
  const digest = parseDigest(`sha256:${hasher.digest('hex')}`);
  await using file = await open(join(folder, 'part'), 'w');
  await file.truncate(size);
  await rename(join(folder, 'part'), join(folder, digest.replace('sha256:', '')));
  return { digest, size };
}

async function linkInto(folder: string, store: string, digest: Digest): Promise<void> {
  const file = digest.replace('sha256:', '');
  await link(join(store, file), join(folder, file));
}

const BARS = '▁▂▃▄▅▆▇█';

/** A line of bars from 0 to 128 MiB, at most 60 of them. */
export function rssGraph(label: string, mib: readonly number[]): string {
  const step = Math.max(1, Math.ceil(mib.length / 60));
  const shown = mib.filter((_, i) => i % step === 0);
  const bars = shown.map((value) => BARS[Math.min(7, Math.floor(value / 16))] ?? ' ').join('');
  const [least, most] = [Math.min(...mib.slice(2)), Math.max(...mib)];
  return `${label}: ${bars} ${least.toFixed(0)} to ${most.toFixed(0)} MiB, a bar each ${step / 10} s`;
}
