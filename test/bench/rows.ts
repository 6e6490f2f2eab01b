import { join } from 'node:path';
import { finchBinary, finchEnvironment } from '../e2e/support/finch.ts';
import { goProgram, peerPrograms } from './go-programs.ts';
import { type ArchiveContent, writeDockerArchive } from './layouts.ts';
import { type Contestant, measureInTurns } from './measure.ts';
import { peers } from './peers.ts';
import type { RowResult, Target } from './results.ts';
import type { PushOptions, Stage } from './stage.ts';

const MIB = 1024 * 1024;

/** Something that is measured. */
export interface Row {
  /** A word for `--only`. */
  readonly id: string;
  measure(stage: Stage): Promise<RowResult>;
}

type PeerRuns = Partial<Record<'crane' | 'oras' | 'regctl' | 'skopeo' | 'curl', number>>;

/** A push of one image to one place by finch and others. */
function push(
  row: Omit<PushOptions, 'row'> & {
    readonly id: string;
    readonly what: string;
    readonly peers: PeerRuns;
    readonly targets: readonly Target[];
  },
): Row {
  const { id, what, targets } = row;
  return {
    id,
    async measure(stage) {
      const options = { ...row, row: id };
      const others = Object.entries(row.peers) as [keyof PeerRuns, number][];
      const contestants = others.map(([name, runs]) =>
        name === 'curl' ? stage.curl({ ...options, runs }) : stage.peer(name, { ...options, runs }),
      );
      const samples = await measureInTurns([stage.finch(options), ...contestants]);
      return { id, what, targets, samples: Object.fromEntries(samples) };
    },
  };
}

/** Every row of the table, cheap ones first. */
export const rows: readonly Row[] = [
  { id: 'start', measure: start },
  push({
    ...{ id: 'tiny-sink', what: 'tiny → sink, http', image: 'tiny', to: 'sink http', runs: 10 },
    peers: { crane: 10, oras: 10, regctl: 10, skopeo: 3 },
    targets: [{ figure: 'wall', peer: 'oras', atMost: 2 }],
  }),
  push({
    ...{ id: 'many-sink', what: 'many → sink, http', image: 'many', to: 'sink http', runs: 7 },
    peers: { crane: 7, oras: 7, regctl: 3, skopeo: 1 },
    targets: [{ figure: 'wall', peer: 'oras', atMost: 1.2 }],
  }),
  push({
    ...{ id: 'big-https', what: 'big → sink, https', image: 'big', to: 'sink https', runs: 5 },
    peers: { crane: 5, oras: 3, regctl: 3, skopeo: 1, curl: 3 },
    targets: [
      { figure: 'wall', peer: 'crane', atMost: 0.8 },
      { figure: 'cpu', peer: 'crane', atMost: 0.8 },
      { figure: 'rss', atMost: 100 * MIB },
    ],
  }),
  push({
    ...{ id: 'big-http', what: 'big → sink, http', image: 'big', to: 'sink http', runs: 5 },
    peers: { crane: 3, oras: 5, regctl: 3, skopeo: 1, curl: 3 },
    targets: [{ figure: 'wall', peer: 'oras', atMost: 1.1 }],
  }),
  push({
    ...{ id: 'typical-registry', what: 'typical → registry, http', image: 'typical' },
    ...{ to: 'registry http', runs: 7 },
    peers: { crane: 5, oras: 7, regctl: 3, skopeo: 1 },
    targets: [{ figure: 'wall', peer: 'oras', atMost: 1 }],
  }),
  { id: 'archive-programs', measure: (stage) => archive(stage, 'programs') },
  { id: 'archive-noise', measure: (stage) => archive(stage, 'noise') },
  { id: 'archive-mixed', measure: (stage) => archive(stage, 'mixed') },
  push({
    ...{ id: 'tiny-link', what: 'tiny → registry, 50 ms away, first push', image: 'tiny' },
    ...{ to: 'link to registry', runs: 7 },
    peers: { crane: 7, oras: 7, regctl: 3, skopeo: 1 },
    targets: [{ figure: 'wall', peer: 'oras', atMost: 0.85 }],
  }),
  push({
    ...{ id: 'typical-link', what: 'typical → registry, 50 ms away, first push', image: 'typical' },
    ...{ to: 'link to registry', runs: 4 },
    peers: { crane: 2, oras: 1, regctl: 1, skopeo: 1 },
    targets: [{ figure: 'wall', peer: 'crane', atMost: 0.2 }],
  }),
  push({
    ...{ id: 'again-link', what: 'typical → registry, 50 ms away, unchanged', image: 'typical' },
    ...{ to: 'link to registry', runs: 7, again: true },
    peers: { crane: 7, oras: 7, regctl: 3, skopeo: 3 },
    targets: [{ figure: 'wall', peer: 'crane', atMost: 0.8 }],
  }),
  push({
    ...{ id: 'big-link', what: 'big → sink, https, 50 ms away', image: 'big' },
    ...{ to: 'link to sink', runs: 3 },
    peers: { crane: 1, curl: 3 },
    targets: [{ figure: 'wall', peer: 'crane', atMost: 0.1 }],
  }),
];

async function start(stage: Stage): Promise<RowResult> {
  const env = finchEnvironment(stage.home);
  const timed = (name: string, command: readonly string[]): Contestant => ({
    ...{ name, runs: 40, prepare: async () => ({ command, env }) },
  });
  const samples = await measureInTurns([
    timed('finch', [finchBinary, '--version']),
    timed('crane', [await goProgram(peerPrograms.crane), 'version']),
    timed('oras', [await goProgram(peerPrograms.oras), 'version']),
    timed('regctl', [await goProgram(peerPrograms.regctl), 'version']),
    timed('skopeo', ['skopeo', '--version']),
  ]);
  return {
    ...{ id: 'start', what: 'start: `version`', samples: Object.fromEntries(samples) },
    targets: [{ figure: 'wall', peer: 'crane', atMost: 1.3 }],
  };
}

const ARCHIVE_CONTENTS: Readonly<Record<ArchiveContent, string>> = {
  programs: "of this machine's programs",
  noise: 'of noise',
  mixed: 'half of words',
};

/** Finch loads and pushes, each time in an empty home; the others push the archive itself. */
async function archive(stage: Stage, content: ArchiveContent): Promise<RowResult> {
  const path = join(stage.folder, `archive-${content}.tar`);
  await writeDockerArchive(path, { layers: Array(4).fill(150 * MIB), name: 'archive:1', content });
  const server = await stage.server('sink http');
  const counts = () => server.counts();
  const peer = (name: 'crane' | 'skopeo', runs: number): Contestant => ({
    ...{ name, runs },
    prepare: async (n) => {
      const to = { host: server.host, repository: `archive-${content}/${name}${n}`, isPlain: true };
      const command = await peers[name].push({ kind: 'docker-archive', path }, to);
      return { command, env: { HOME: await stage.newHome() }, counts };
    },
  });
  const finch: Contestant = {
    ...{ name: 'finch', runs: 3 },
    prepare: async (n) => {
      const env = finchEnvironment(await stage.newHome());
      const name = `${server.host}/archive-${content}/finch${n}:1`;
      const script = 'set -e; "$0" load -q -i "$1"; "$0" tag archive:1 "$2"; "$0" push -q "$2"';
      return { command: ['sh', '-c', script, finchBinary, path, name], env, counts };
    },
  };
  const samples = await measureInTurns([finch, peer('crane', 1), peer('skopeo', 3)]);
  return {
    id: `archive-${content}`,
    what: `docker-archive of 600 MiB ${ARCHIVE_CONTENTS[content]} → sink, http`,
    samples: Object.fromEntries(samples),
    targets: [
      // The bar is for what images are made of; the others are no image, and must only not be slower.
      { figure: 'wall', peer: 'skopeo', atMost: content === 'programs' ? 0.6 : 1 },
      { figure: 'bytes', peer: 'skopeo', atMost: 1.001 },
    ],
  };
}
