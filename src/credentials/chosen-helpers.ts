import { FinchError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { quote } from '../text.ts';
import type { LoginFile } from './places.ts';
import { isKeyOf, type ServerName } from './server-name.ts';

/** After which no other is asked: docker's word for none, and finch's own helper. */
const LAST = /^(?:finch)?$/i;

/**
 * The helpers that a configuration names for a server, as in `docker-credential-NAME`: that in
 * `credHelpers`, under whichever spelling of the server, and then the `credsStore`. After both come the
 * `auths` of the same file, for which an empty name stands. `finch` stands for what the file in finch's home
 * says, and so there for those `auths` too.
 * https://github.com/docker/cli/blob/v28.3.3/cli/config/configfile/file.go
 * @returns undefined when it says nothing about where logins for the server are kept
 * @throws FinchError `CONFIG_INVALID`
 */
export function chosenHelpers(
  config: JsonObject,
  { server, file }: { readonly server: ServerName; readonly file: LoginFile },
): readonly string[] | undefined {
  const names = [
    helperOf(server, { config, file }),
    // docker takes an empty one for none, and podman knows none.
    file.format === 'config.json' ? defaultHelper(config, file) || undefined : undefined,
  ].filter((name) => name !== undefined);
  if (names.length === 0) return undefined;
  const last = names.findIndex((name) => LAST.test(name));
  const asked = last < 0 ? names : names.slice(0, last + 1);
  return [...new Set(asked.filter((name) => !isNone(name, file)))];
}

/**
 * All helpers that a configuration names, each once.
 * @throws FinchError `CONFIG_INVALID`
 */
export function allHelpers(config: JsonObject, file: LoginFile): readonly string[] {
  const helpers = credHelpers(config, file);
  const names = [
    ...Object.keys(helpers).map((key) => nameIn(helpers, { key, file })),
    file.format === 'config.json' ? defaultHelper(config, file) : undefined,
  ].filter((name) => name !== undefined);
  return [...new Set(names.filter((name) => !isNone(name, file)))];
}

/** Whether a name stands for the `auths` of the file in which it is. */
function isNone(name: string, { isHome }: LoginFile): boolean {
  return name === '' || (isHome && LAST.test(name));
}

/**
 * The name in `credHelpers` for just this server, under whichever spelling.
 * @throws FinchError `CONFIG_INVALID`
 */
export function helperOf(
  server: ServerName,
  { config, file }: { config: JsonObject; file: LoginFile },
): string | undefined {
  const helpers = credHelpers(config, file);
  const key =
    server.spellings.find((spelling) => Object.hasOwn(helpers, spelling)) ??
    Object.keys(helpers).find((other) => isKeyOf(server, other));
  return key === undefined ? undefined : nameIn(helpers, { key, file });
}

function credHelpers(config: JsonObject, file: LoginFile): JsonObject {
  // Go programs write an empty map as null.
  const helpers = (file.format === 'auths' ? undefined : config['credHelpers']) ?? {};
  if (isJsonObject(helpers)) return helpers;
  throw invalid(`"credHelpers" in ${file.path} is not an object`);
}

function defaultHelper(config: JsonObject, file: LoginFile): string | undefined {
  return nameIn(config, { key: 'credsStore', file });
}

function nameIn(
  object: JsonObject,
  { key, file }: { key: string; file: LoginFile },
): string | undefined {
  const name = object[key] ?? undefined;
  if (name === undefined || typeof name === 'string') return name;
  throw invalid(`the name of the credential helper ${quote(key)} in ${file.path} is not a string`);
}

function invalid(message: string): FinchError {
  return new FinchError('CONFIG_INVALID', message, {
    hint: 'correct the file, or move it away and log in again',
  });
}
