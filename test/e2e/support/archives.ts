import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Built, layoutFiles } from '../../support/images.ts';
import { tarFile } from '../../support/tar.ts';

/** The annotations that name an image in a layout, as containerd and BuildKit write them. */
function named(name: string): Record<string, string> {
  return { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name };
}

/** Writes an OCI archive with one image in it, and gives its path. */
export async function writeOciArchive(path: string, name: string, built: Built): Promise<string> {
  const files = layoutFiles(built, named(name));
  await Bun.write(path, tarFile([...files].map(([file, bytes]) => ({ name: file, bytes }))));
  return path;
}

/** Writes an OCI layout folder with one image in it, and gives its path. */
export async function writeLayout(folder: string, name: string, built: Built): Promise<string> {
  for (const [file, bytes] of layoutFiles(built, named(name))) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await Bun.write(join(folder, file), bytes);
  }
  return folder;
}
