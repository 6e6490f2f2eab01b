import { hasCode } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { quote } from '../text.ts';
import { chosenHelpers } from './chosen-helpers.ts';
import { readConfigFile } from './config-file.ts';
import { expiryOf } from './expiry.ts';
import { fileStore } from './file-store.ts';
import { brokenLink, findHelper, isLink } from './find-helper.ts';
import { isHelperName } from './helper-protocol.ts';
import { isOurs } from './helper-store.ts';
import { type LoginFile, loginFiles, type PlacesOptions } from './places.ts';
import type { ServerName } from './server-name.ts';

/** What the programs that read a file of logins make of it for one server. */
export interface ClientView {
  /** The file, and who reads it. */
  readonly file: string;
  readonly readers: string;
  /** Whether it is the one in which finch keeps logins. */
  readonly isOwn: boolean;
  /** What they use: `docker-credential-pass`, `a login that ends at …`. */
  readonly uses: string;
  /** Why that cannot work; undefined when nothing speaks against it. */
  readonly problem?: string | undefined;
  /** What to do about the problem. */
  readonly hint?: string | undefined;
  /** What is worth knowing besides. */
  readonly remark?: string | undefined;
}

/** What a view says of what is used. */
type Use = Pick<ClientView, 'uses' | 'problem' | 'hint' | 'remark'>;

interface ViewOptions extends PlacesOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What guides, and configurations made from them, have in place of an account or a region. */
const PLACEHOLDER = /<[^<>]{0,100}>.{0,100}\bdkr[.-]ecr\b|\bdkr[.-]ecr\b.{0,100}<[^<>]{0,100}>/;

/**
 * What docker, skopeo and others use for a server of Amazon ECR, by the files that finch looks into too. A file that
 * says nothing about the server has no view. No helper is run, and nothing is changed.
 */
export async function clientViews(
  server: ServerName,
  options: ViewOptions,
): Promise<readonly ClientView[]> {
  const views = await Array.fromAsync(loginFiles(options), async (file) => {
    const { path, isOwn } = file;
    const use = await useOf(server, file, options).catch((error: unknown): Use => {
      if (!hasCode(error, 'CONFIG_INVALID', 'IO')) throw error;
      return { uses: 'nothing', problem: error.message, hint: error.hint };
    });
    return use && { file: path, isOwn, readers: readersOf(file), ...use };
  });
  return views.filter((view) => view !== undefined);
}

async function useOf(
  server: ServerName,
  file: LoginFile,
  options: ViewOptions,
): Promise<Use | undefined> {
  const config = await readConfigFile(file.path);
  const [helper] = chosenHelpers(config, { server, file }) ?? [];
  const use =
    helper === undefined
      ? await useOfLogin(server, { config, file, ...options })
      : useOfHelper(helper, file, options);
  const placeholder = placeholderIn(config);
  if (placeholder === undefined) return use;
  const remark = `${quote(placeholder)} in it is no registry but a pattern to fill in; name yours with: finch ecr setup ${server.registry}`;
  return { uses: 'nothing', ...use, remark };
}

function useOfHelper(
  helper: string,
  { path: file, isOwn }: LoginFile,
  options: PlacesOptions,
): Use {
  const uses = `docker-credential-${helper}`;
  // finch itself needs no program for Amazon ECR, nor for what it is.
  if (isOwn && (helper === 'ecr-login' || isOurs(helper))) return { uses };
  const hint = `take it out of ${file}: for Amazon ECR finch needs no helper`;
  if (!isHelperName(helper)) {
    return { uses, hint, problem: `${quote(helper)} is no name of a credential helper` };
  }
  const path = findHelper(helper, options);
  if (path === undefined) {
    const link = brokenLink(helper, options);
    const broken = link && `${link} is a link that leads to no program`;
    return { uses, hint, problem: broken ?? `${uses} is not on PATH` };
  }
  if (options.platform !== 'darwin' || !isLink(path)) return { uses };
  return {
    uses,
    remark: `${path} is a symbolic link, which Finch's virtual machine does not take`,
  };
}

/** Those files are looked into alone: what is elsewhere, other programs do not see. */
async function useOfLogin(
  server: ServerName,
  { config, file, now }: ViewOptions & { readonly config: JsonObject; readonly file: LoginFile },
): Promise<Use | undefined> {
  if (!isJsonObject(config['auths'])) return undefined;
  const login = await fileStore(file.path).get(server);
  if (login === undefined) return undefined;
  const ends = expiryOf(login);
  if (ends === undefined) return { uses: 'a login in the file' };
  const hasEnded = ends.getTime() <= now();
  const uses = `a login in the file that ${hasEnded ? 'ended' : 'ends'} at ${ends.toISOString()}`;
  return { uses, remark: hasEnded ? 'it has ended' : undefined };
}

function placeholderIn({ credHelpers, auths }: JsonObject): string | undefined {
  return [credHelpers, auths]
    .flatMap((keys) => (isJsonObject(keys) ? Object.keys(keys) : []))
    .find((key) => PLACEHOLDER.test(key));
}

function readersOf({ isOwn, format }: LoginFile): string {
  if (isOwn) return 'finch';
  return format === 'auth.json' ? 'skopeo, podman and buildah' : 'docker, crane and nerdctl';
}
