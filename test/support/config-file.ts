import { join } from 'node:path';
import { temporaryFolder } from './temporary.ts';

/** A `config.json` in a folder of its own. */
interface ConfigFile extends AsyncDisposable {
  readonly path: string;
  readonly folder: string;
  text(): Promise<string>;
}

/** A folder, and a `config.json` of this text in it; without a text there is none. */
export async function configFile(text?: string | Uint8Array): Promise<ConfigFile> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'config.json');
  if (text !== undefined) await Bun.write(path, text);
  return {
    path,
    folder: folder.path,
    text: () => Bun.file(path).text(),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
