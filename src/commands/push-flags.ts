import type { PlatformChoice } from '../copy/select.ts';
import { FinchError } from '../errors.ts';
import { quote } from '../text.ts';
import type { Flag, Invocation } from './command.ts';
import { platformChoice, platformFlags } from './platform-flags.ts';
import { progressFlag } from './progress-flags.ts';
import { hostsDirFlag, hostsDirs, insecureFlag, quietFlag } from './registry-flags.ts';

/** The most uploads at once that a user may ask for. */
const MOST_UPLOADS = 64;

/** The flags of `finch push`. */
export const pushFlags: readonly Flag[] = [
  ...platformFlags,
  { name: 'all-tags', short: 'a', summary: 'every tag of the repository that is here' },
  quietFlag,
  progressFlag,
  { name: 'dry-run', summary: 'say what would be sent, and send nothing' },
  { name: 'verify', summary: 'check every digest at the registry afterwards' },
  { name: 'digest-file', value: 'FILE', summary: 'write the digest to a file when all is pushed' },
  { name: 'digestfile', value: 'FILE', summary: 'the same, as podman calls it' },
  {
    name: 'receipt',
    value: 'FILE',
    summary: 'write what happened as JSON, also when the push fails; - is stdout',
  },
  { name: 'limit-rate', value: 'SPEED', summary: 'bytes per second at most: 500K, 10M, 1G' },
  {
    name: 'max-concurrent-uploads',
    value: 'N',
    summary: `uploads to a registry at once, 1 to ${MOST_UPLOADS}`,
  },
  { name: 'no-resume', summary: 'begin every upload anew, and keep none for a later push' },
  { name: 'create-repo', summary: 'at Amazon ECR, make the repository where it is missing' },
  insecureFlag,
  hostsDirFlag,
];

/** What the flags of a push say. */
export interface PushSettings {
  readonly choice: PlatformChoice;
  readonly allTags: boolean;
  readonly quiet: boolean;
  readonly dryRun: boolean;
  readonly verify: boolean;
  readonly digestFile: string | undefined;
  /** A file, or `-`. */
  readonly receipt: string | undefined;
  /** Bytes per second. */
  readonly limitRate: number | undefined;
  readonly maxUploads: number | undefined;
  readonly resume: boolean;
  readonly createRepo: boolean;
  readonly insecure: boolean;
  readonly hostsDir: readonly string[] | undefined;
}

/**
 * Reads the flags.
 * @throws FinchError `USAGE`, `PLATFORM_INVALID`
 */
export function pushSettings(invocation: Invocation): PushSettings {
  const { on, text } = invocation;
  const rate = text('limit-rate');
  const most = text('max-concurrent-uploads');
  const settings = {
    choice: platformChoice(invocation, { otherwise: { kind: 'present' } }),
    ...{ allTags: on('all-tags'), quiet: on('quiet') },
    ...{ dryRun: on('dry-run'), verify: on('verify') },
    digestFile: fileNamed('digest-file', text('digest-file') ?? text('digestfile')),
    receipt: fileNamed('receipt', text('receipt')),
    limitRate: rate === undefined ? undefined : parseRate(rate),
    maxUploads: most === undefined ? undefined : parseUploads(most),
    ...{ resume: !on('no-resume'), createRepo: on('create-repo') },
    ...{ insecure: on('insecure-registry'), hostsDir: hostsDirs(invocation) },
  };
  if (settings.digestFile === '-') {
    throw new FinchError('USAGE', '--digest-file names no file', {
      hint: 'write --digest-file FILE; on stdout the digest is anyway',
    });
  }
  const isLater = settings.digestFile ?? settings.receipt ?? (settings.verify || undefined);
  if (settings.dryRun && isLater !== undefined) {
    throw new FinchError('USAGE', '--dry-run sends nothing that a file or a check could be about', {
      hint: 'leave out --verify, --receipt and --digest-file',
    });
  }
  return settings;
}

function fileNamed(flag: string, value: string | undefined): string | undefined {
  if (value !== '') return value;
  throw new FinchError('USAGE', `--${flag} names no file`, { hint: `write --${flag} FILE` });
}

/**
 * Bytes per second in curl's form: a number, and perhaps K, M, G, T or P for multiples of 1024.
 * https://curl.se/docs/manpage.html#--limit-rate
 * @throws FinchError `USAGE`, also for none at all
 */
export function parseRate(text: string): number {
  const [, number, unit = 'B'] = /^(\d{1,15}(?:\.\d{1,9})?)([BKMGTP])?$/i.exec(text) ?? [];
  const rate = Math.floor(Number(number) * 1024 ** 'BKMGTP'.indexOf(unit.toUpperCase()));
  if (rate >= 1 && rate <= Number.MAX_SAFE_INTEGER) return rate;
  throw new FinchError('USAGE', `--limit-rate ${quote(text)} is no speed`, {
    hint: 'write bytes per second, for example 500K or 10M',
  });
}

function parseUploads(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MOST_UPLOADS) return count;
  throw new FinchError('USAGE', `--max-concurrent-uploads ${quote(text)} is not possible`, {
    hint: `write a number from 1 to ${MOST_UPLOADS}`,
  });
}
