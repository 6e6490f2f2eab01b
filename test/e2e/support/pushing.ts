import type { Built } from '../../support/images.ts';
import { writeOciArchive } from './archives.ts';
import type { RegistryBench } from './workbench.ts';

/** Loads an image and names it for the bench's registry; gives that name. */
export async function loadAs(bench: RegistryBench, built: Built, name = 'app:1'): Promise<string> {
  await writeOciArchive(bench.path('image.tar'), name, built);
  await bench.ok('load -q -i image.tar');
  const remote = `${bench.registry.host}/${name}`;
  await bench.ok(`tag ${name} ${remote}`);
  return remote;
}

/** The digest in what a push printed; an empty text when there is none. */
export function pushedDigest(stdout: string): string {
  return / digest: (sha256:[0-9a-f]{64}) size: \d+\n$/.exec(stdout)?.[1] ?? '';
}
