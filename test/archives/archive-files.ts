import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf } from '../../src/oci/digest.ts';
import type { ImageStore } from '../../src/store/image-store.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { json } from '../support/images.ts';
import { type TarMember, tarFile } from '../support/tar.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** A new store, and a folder to make archives in. */
export interface Workplace extends AsyncDisposable {
  readonly path: string;
  readonly store: ImageStore;
  /** Writes a file in the folder and gives its path. */
  file(name: string, bytes: Uint8Array): Promise<string>;
}

/** A place for one test, which goes away with its `await using`. */
export async function workplace(): Promise<Workplace> {
  const folder = await temporaryFolder();
  const store = await openImageStore(join(folder.path, 'store'));
  return {
    path: folder.path,
    store,
    async file(name, bytes) {
      const path = join(folder.path, name);
      await Bun.write(path, bytes);
      return path;
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The files as a plain tar file. */
export function tarOf(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  return tarFile([...files].map(([name, bytes]) => ({ name, bytes })));
}

/** Writes the files below `folder`. */
export async function writeFolder(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<string> {
  for (const [name, bytes] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await Bun.write(join(folder, name), bytes);
  }
  return folder;
}

/** An image of a docker-archive that a test makes. */
export interface DockerArchiveImage {
  readonly tags?: readonly string[] | null;
  /** Uncompressed layers. */
  readonly layers: readonly Uint8Array[];
  /** What is in the archive in place of the uncompressed layers. */
  readonly stored?: readonly Uint8Array[];
  /** Default: the digests of the layers. */
  readonly diffIds?: readonly string[];
  /** Default: `amd64`. */
  readonly architecture?: string;
}

/** The members of a docker-archive as `docker save` wrote it before version 25, `manifest.json` last. */
export function dockerMembers(images: readonly DockerArchiveImage[]): readonly TarMember[] {
  const members: TarMember[] = [];
  const seen = new Map<string, string>();
  const manifest = images.map(({ tags, layers, stored = layers, ...image }, number) => {
    const diffIds = image.diffIds ?? layers.map((layer) => digestOf(layer));
    const config = dockerConfig(diffIds, image.architecture);
    const configName = `${digestOf(config).slice('sha256:'.length)}.json`;
    members.push({ name: configName, bytes: config });
    const paths = stored.map((bytes, i) => {
      const name = `image${number}-layer${i}/layer.tar`;
      const first = seen.get(digestOf(bytes));
      members.push(
        first === undefined ? { name, bytes } : { name, type: '2', linkName: `../${first}` },
      );
      seen.set(digestOf(bytes), first ?? name);
      return name;
    });
    return { Config: configName, RepoTags: tags === undefined ? ['app:1'] : tags, Layers: paths };
  });
  return [...members, { name: 'manifest.json', bytes: json(manifest) }];
}

/** An image configuration as Docker writes it. */
export function dockerConfig(diffIds: readonly string[], architecture = 'amd64'): Uint8Array {
  const config = { Cmd: ['/hello'] };
  return json({ architecture, os: 'linux', config, rootfs: { type: 'layers', diff_ids: diffIds } });
}
