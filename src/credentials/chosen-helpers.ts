import { FinchError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { quote } from '../text.ts';
import type { LoginFile } from './places.ts';
import { isKeyOf, type ServerName } from './server-name.ts';

/** What stands for the `auths` of the same file: docker's word for it, and finch's own helper. */
const NO_HELPER = /^(?:finch)?$/i;

/**
 * The helpers that a configuration names for a server, as in `docker-credential-NAME`: that in
 * `credHelpers`, under whichever spelling of the server, and then the `credsStore`. After both come the
 * `auths` of the same file. A name that is empty, or that of finch, stands for those `auths`.
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
  const end = names.findIndex((name) => NO_HELPER.test(name));
  return [...new Set(end < 0 ? names : names.slice(0, end))];
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
  return [...new Set(names.filter((name) => !NO_HELPER.test(name)))];
}

function helperOf(
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
  const helpers = config['credHelpers'] ?? {};
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
