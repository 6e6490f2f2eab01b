import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Layout, writeLayout } from '../bench/layouts.ts';
import { startRegistry } from '../bench/servers.ts';
import { finchBinary, finchEnvironment, finchOk } from '../e2e/support/finch.ts';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startUploadLink, type UploadLink, type UploadLinkOptions } from './upload-link.ts';

/** A home with an image, to be pushed. */
export interface UploadImage extends AsyncDisposable {
  readonly home: string;
  readonly layout: Layout;
}

/** An empty registry behind a link. */
export interface UploadScene extends AsyncDisposable {
  readonly link: UploadLink;
  /** What the image is called there. */
  readonly name: string;
  /** How many bytes of blobs and of unfinished uploads the registry has on its disk. */
  held(): Promise<number>;
  /** {@link UploadScene.held}, as soon as nobody is connected and it has stopped growing. */
  heldAtRest(): Promise<number>;
  /** What is wrong with the image in the registry; undefined when it is all there. */
  fault(layout: Layout): Promise<string | undefined>;
}

/** Loads an image whose layers have so many bytes. */
export async function loadUploadImage(layers: readonly number[]): Promise<UploadImage> {
  const folder = await temporaryFolder();
  const home = join(folder.path, 'home');
  const layout = await writeLayout({ folder: join(folder.path, 'layout'), layers });
  const said = await finchOk(['load', '-q', '-i', layout.folder], { home });
  await finchOk(['tag', said.trim().replace('Loaded image: ', ''), 'large:1'], { home });
  return { home, layout, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

/**
 * Which registry is pushed to: distribution 3, which knows where an upload was when a request broke in the middle
 * of its body, or Debian's 2.8, which only knows so between two requests, and else has the upload no more.
 */
export type UploadRegistry = 'distribution' | 'docker-registry';

/** Starts a registry with nothing in it, and a link to it that the image is named by. */
export async function setUploadScene(
  { home }: UploadImage,
  { registry: kind, ...options }: UploadLinkOptions & { readonly registry: UploadRegistry },
): Promise<UploadScene> {
  await using stack = new AsyncDisposableStack();
  const root = stack.use(await temporaryFolder());
  const registry = stack.use(
    kind === 'distribution'
      ? await startRegistry(root.path)
      : await startDockerRegistry({ root: root.path }),
  );
  const link = stack.use(startUploadLink(registry.host, options));
  const name = `${link.host}/soak/large:1`;
  await finchOk(['tag', 'large:1', name], { home });
  const all = stack.move();
  const held = () => bytesHeld(root.path);
  return {
    link,
    name,
    held,
    async heldAtRest() {
      await link.idle();
      for (let last = -1, same = 0; ; ) {
        const now = await held();
        same = now === last ? same + 1 : 0;
        if (same === 5) return now;
        last = now;
        await Bun.sleep(20);
      }
    },
    fault: (layout) => faultOf(registry.host, layout),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Starts `finch push NAME`. */
export function startPush(
  { home }: UploadImage,
  { name }: Pick<UploadScene, 'name'>,
): Bun.Subprocess<'ignore', 'ignore', 'pipe'> {
  return Bun.spawn([finchBinary, 'push', '-q', name], {
    env: finchEnvironment(home),
    ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' },
  });
}

/** Both finished blobs and unfinished uploads are files of this name in distribution's storage. */
async function bytesHeld(root: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (entry.name !== 'data' || !entry.isFile()) continue;
    // An upload that ends is moved.
    bytes += await stat(join(entry.parentPath, entry.name)).then(
      ({ size }) => size,
      () => 0,
    );
  }
  return bytes;
}

async function faultOf(host: string, layout: Layout): Promise<string | undefined> {
  const accept = 'application/vnd.oci.image.manifest.v1+json';
  const base = `http://${host}/v2/soak/large`;
  const answer = await fetch(`${base}/manifests/1`, { headers: { accept } });
  if (!answer.ok) return `the manifest is not there: ${answer.status}`;
  await answer.body?.cancel();
  for (const { path, size } of layout.layers) {
    const blob = await fetch(`${base}/blobs/sha256:${path.split('/').at(-1)}`, { method: 'HEAD' });
    const length = Number(blob.headers.get('content-length'));
    if (!blob.ok || length !== size) return `a layer is not there: ${blob.status}, ${length} bytes`;
  }
  return undefined;
}
