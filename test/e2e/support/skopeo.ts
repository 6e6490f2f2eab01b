import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../../src/oci/digest.ts';
import { childrenOf, type Document, parseDocument } from '../../../src/oci/document.ts';
import { isDocumentType } from '../../../src/oci/media-types.ts';
import type { DockerRegistry } from '../../support/docker-registry.ts';
import { runOk } from './program.ts';

/** A name and password for a registry. */
interface User {
  readonly name: string;
  readonly password: string;
}

/** Runs `skopeo copy` between any two places that need no login. */
export async function skopeoCopy(
  from: string,
  to: string,
  flags: readonly string[] = [],
): Promise<void> {
  await runOk(['skopeo', 'copy', '--quiet', '--insecure-policy', ...flags, from, to]);
}

/** The digest of the bytes that skopeo gets for `NAME:TAG` or `NAME@DIGEST` in a registry. */
export async function skopeoDigest(
  registry: DockerRegistry,
  name: string,
  user?: User,
): Promise<string> {
  const raw = await runOk(
    [
      'skopeo',
      'inspect',
      '--raw',
      ...flagsFor(registry, user),
      `docker://${registry.host}/${name}`,
    ],
    { env: environmentFor(registry) },
  );
  return digestOf(new TextEncoder().encode(raw));
}

/**
 * Pulls an image with everything below it, by skopeo, into the new folder `to`, and checks every file
 * of it against the digest that names it.
 * @returns the digest of the root, and how many other files there are
 */
export async function pullVerified(
  registry: DockerRegistry,
  { name, to, user }: { readonly name: string; readonly to: string; readonly user?: User },
): Promise<{ readonly root: string; readonly blobs: number }> {
  const flags = flagsFor(registry, user).map((flag) => flag.replace('--', '--src-'));
  await runOk(
    [
      ...[
        'skopeo',
        'copy',
        '--quiet',
        '--insecure-policy',
        '--all',
        '--preserve-digests',
        ...flags,
      ],
      ...[`docker://${registry.host}/${name}`, `dir:${to}`],
    ],
    { env: environmentFor(registry) },
  );
  return verifyFolder(to);
}

/**
 * Checks a folder that skopeo's `dir:` wrote: every document and blob that the root reaches is there
 * and has its digest.
 */
export async function verifyFolder(
  folder: string,
): Promise<{ readonly root: string; readonly blobs: number }> {
  const bytesOf = (name: string) => Bun.file(join(folder, name)).bytes();
  const seen = new Set<string>();
  const verify = async (document: Document) => {
    for (const { digest, mediaType } of childrenOf(document)) {
      const hex = digest.replace('sha256:', '');
      const isDocument = isDocumentType(mediaType);
      const bytes = await bytesOf(isDocument ? `${hex}.manifest.json` : hex);
      if (digestOf(bytes) !== digest) throw new Error(`${hex} in ${folder} has another digest`);
      seen.add(hex);
      if (isDocument) await verify(parseDocument(bytes, { what: hex }));
    }
  };
  const bytes = await bytesOf('manifest.json');
  await verify(parseDocument(bytes, { what: 'manifest.json' }));
  const files = (await readdir(folder)).filter((name) => /^[0-9a-f]{64}/.test(name));
  const stray = files.filter((name) => !seen.has(name.slice(0, 64)));
  if (stray.length > 0) throw new Error(`nothing names ${stray.join(', ')} in ${folder}`);
  return { root: digestOf(bytes), blobs: seen.size };
}

/** What a docker-registry holds of a repository, read from its disk. */
export async function repositoryOn(
  root: string,
  name: string,
): Promise<{
  readonly tags: Readonly<Record<string, string>>;
  readonly manifests: readonly string[];
}> {
  const folder = join(root, 'docker/registry/v2/repositories', name, '_manifests');
  const tags: Record<string, string> = {};
  for (const tag of await readdir(join(folder, 'tags'))) {
    tags[tag] = await Bun.file(join(folder, 'tags', tag, 'current/link')).text();
  }
  const hexes = await readdir(join(folder, 'revisions/sha256'));
  return { tags, manifests: hexes.map((hex) => `sha256:${hex}`) };
}

function flagsFor({ ca }: DockerRegistry, user: User | undefined): readonly string[] {
  return [
    ...(ca === undefined ? ['--tls-verify=false'] : []),
    ...(user === undefined ? [] : [`--creds=${user.name}:${user.password}`]),
  ];
}

function environmentFor({ ca }: DockerRegistry): Record<string, string> {
  return ca === undefined ? {} : { SSL_CERT_FILE: ca };
}
