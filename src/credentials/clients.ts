import { hasCode } from '../errors.ts';
import { isJsonObject } from '../oci/json.ts';
import { chosenHelpers } from './chosen-helpers.ts';
import { readConfigFile } from './config-file.ts';
import { expiryOf } from './expiry.ts';
import { fileStore } from './file-store.ts';
import { findHelper } from './find-helper.ts';
import { type LoginFile, loginFiles, type PlacesOptions } from './places.ts';
import type { ServerName } from './server-name.ts';

/** What the programs that read a file of logins make of it for one server. */
export interface ClientView {
  /** The file, and who reads it. */
  readonly file: string;
  readonly readers: string;
  /** What they use: `docker-credential-pass`, `a login that ends at …`. */
  readonly uses: string;
  /** Why that cannot work; undefined when nothing speaks against it. */
  readonly problem?: string;
}

/**
 * What docker, skopeo and others use for a server, by the files that finch looks into too. A file that says
 * nothing about the server has no view. No helper is run, and nothing is changed.
 */
export async function clientViews(
  server: ServerName,
  options: PlacesOptions & { readonly now: () => number },
): Promise<readonly ClientView[]> {
  const views = await Array.fromAsync(loginFiles(options), (file) =>
    viewOf(server, file, options).catch((error: unknown) => {
      if (!hasCode(error, 'CONFIG_INVALID', 'IO')) throw error;
      const { path } = file;
      return { file: path, readers: readersOf(file), uses: 'nothing', problem: error.message };
    }),
  );
  return views.filter((view) => view !== undefined);
}

async function viewOf(
  server: ServerName,
  file: LoginFile,
  { env, home, platform, now }: PlacesOptions & { readonly now: () => number },
): Promise<ClientView | undefined> {
  const { path } = file;
  const view = { file: path, readers: readersOf(file) };
  const config = await readConfigFile(path);
  const [helper] = chosenHelpers(config, { server, file }) ?? [];
  // These look into one place alone; finch itself needs no program for Amazon ECR.
  if (helper !== undefined) {
    const uses = `docker-credential-${helper}`;
    const isMissing = !file.isOwn && findHelper(helper, { env, home, platform }) === undefined;
    return { ...view, uses, ...(isMissing && { problem: `${uses} is not on PATH` }) };
  }
  if (!isJsonObject(config['auths'])) return undefined;
  const login = await fileStore(path).get(server);
  if (login === undefined) return undefined;
  const ends = expiryOf(login);
  if (ends === undefined) return { ...view, uses: 'a login in the file' };
  const hasEnded = ends.getTime() <= now();
  const uses = `a login in the file that ${hasEnded ? 'ended' : 'ends'} at ${ends.toISOString()}`;
  return { ...view, uses, ...(hasEnded && { problem: 'it has ended' }) };
}

function readersOf({ isOwn, format }: LoginFile): string {
  if (isOwn) return 'finch';
  return format === 'auth.json' ? 'skopeo, podman and buildah' : 'docker, crane and nerdctl';
}
