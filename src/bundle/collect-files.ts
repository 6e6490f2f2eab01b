import { basename, posix, resolve } from 'node:path';
import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { quote } from '../text.ts';
import type { BundleSource } from './bundle-sources.ts';
import type { BundleFile } from './write-bundle.ts';

/** How the files of a bundle are collected. */
export interface CollectOptions extends AbortOptions {
  /** Paths, base names, `service:NAME`, `service:all`. */
  readonly exclude: readonly string[];
  readonly redact: (text: string) => string;
  /** Takes a line about what is left out, and what cannot be had. */
  readonly report: (line: string) => void;
}

/** The most that a bundle holds, in characters before it is compressed. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

/**
 * The files of a bundle, with nothing in them that others are not to know. What cannot be had is reported, and left out.
 * @throws the signal's reason
 */
export async function collectFiles(
  sources: readonly BundleSource[],
  { exclude, redact, report, signal }: CollectOptions,
): Promise<readonly BundleFile[]> {
  const files = new Map<string, string>();
  const abort = signal === undefined ? {} : { signal };
  let left = MAX_CHARACTERS;
  for (const source of sources) {
    signal?.throwIfAborted();
    const { label } = source;
    if (isExcluded(label, exclude)) {
      report(`Excluding ${redact(label)}...`);
      continue;
    }
    try {
      const text = redact(await source.read(abort));
      if (text.length > left) throw new FinchError('IO', 'the bundle is full');
      left -= text.length;
      files.set(freePath(files, source), text);
    } catch (error) {
      if (!(error instanceof FinchError)) throw error;
      signal?.throwIfAborted();
      report(`Could not copy in ${quote(redact(label))}. Error: ${redact(error.message)}`);
    }
  }
  return [...files];
}

/** Whether a file is left out: its path is named, or its base name is; of a service its name, or all are. */
function isExcluded(label: string, exclude: readonly string[]): boolean {
  const service = /^service:(.*)$/.exec(label)?.[1];
  if (service !== undefined) {
    return [label, service, 'service:all'].some((name) => exclude.includes(name));
  }
  const path = label.replace(/^vm:/, '');
  return exclude.some((name) => {
    const excluded = name.replace(/^vm:/, '');
    return excluded === basename(path) || resolve(excluded) === resolve(path);
  });
}

function freePath(files: ReadonlyMap<string, string>, { folder, label }: BundleSource): string {
  const name = basename(label.replace(/^(?:service|vm):/, '')) || 'file';
  const path = posix.join(folder, name);
  let free = path;
  for (let i = 2; files.has(free); i++) free = `${path}-${i}`;
  return free;
}
