import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AbortOptions } from '../content.ts';
import { stageFile } from '../host/atomic-file.ts';

/** A file of a bundle: its path in there, and what it says. */
export type BundleFile = readonly [path: string, text: string];

/**
 * Writes files as `finch-support-YYYYMMDDhhmmss.zip` into a folder, for this user alone; whole, or not at all.
 * @param now gives its name
 * @returns the name of the file
 * @throws FinchError `IO`; the signal's reason
 */
export async function writeBundle(
  files: readonly BundleFile[],
  { folder, now, signal }: AbortOptions & { readonly folder: string; readonly now: Date },
): Promise<string> {
  const name = freeName(folder, `finch-support-${stamp(now)}`);
  const { zipSync } = await import('fflate');
  const content: Record<string, Uint8Array> = {};
  for (const [path, text] of files) {
    content[`${name}/${path}`] = new TextEncoder().encode(text);
  }
  const bytes = zipSync(content, { mtime: now });
  await using staged = await stageFile(join(folder, `${name}.zip`), bytes, { mode: 0o600 });
  signal?.throwIfAborted();
  staged.publish();
  return `${name}.zip`;
}

/** In one second there may be two. */
function freeName(folder: string, base: string): string {
  let name = base;
  for (let i = 2; existsSync(join(folder, `${name}.zip`)); i++) name = `${base}-${i}`;
  return name;
}

/** The time here as `YYYYMMDDhhmmss`. */
function stamp(now: Date): string {
  const parts = [
    now.getMonth() + 1,
    now.getDate(),
    now.getHours(),
    now.getMinutes(),
    now.getSeconds(),
  ];
  return [now.getFullYear(), ...parts.map((part) => String(part).padStart(2, '0'))].join('');
}
