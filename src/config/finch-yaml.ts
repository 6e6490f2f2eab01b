import { join } from 'node:path';
import { isJsonObject } from '../oci/json.ts';
import { ConfigFault } from './config-value.ts';
import { type FinchYaml, finchYamlShape } from './finch-yaml-shape.ts';
import type { ParsedYaml } from './parse-yaml.ts';
import { invalidConfig, readTextFile } from './text-file.ts';

/** Where `finch.yaml` is in finch's own folder. */
export function finchYamlPath(home: string): string {
  return join(home, 'finch.yaml');
}

/** The lock of all who change it: in that folder, wherever a link in the place of `finch.yaml` leads. */
export function finchYamlLock(home: string): string {
  return `${finchYamlPath(home)}.lock`;
}

/** Options of {@link readFinchYaml}. */
export interface ReadFinchYamlOptions {
  /**
   * The keys that the caller is after: of the others nothing is read, nor found wrong, and a file in which none of
   * these stands is not parsed.
   */
  readonly only?: readonly (keyof FinchYaml)[];
}

/**
 * What the `finch.yaml` at `path` says; no file says nothing. The parser is loaded when there is something
 * to parse: most runs of finch need none.
 * @throws FinchError `CONFIG_INVALID` with path, line and column; `IO` when it cannot be read
 */
export async function readFinchYaml(
  path: string,
  options: ReadFinchYamlOptions = {},
): Promise<FinchYaml> {
  const { only } = options;
  const source = await readTextFile(path);
  if (!source || only?.some((key) => mayHaveKey(source, key)) === false) return {};
  const { parseYaml } = await import('./parse-yaml.ts');
  return finchYamlOf(parseYaml(source, path), options);
}

/**
 * What a YAML text says as a `finch.yaml`.
 * @throws FinchError `CONFIG_INVALID` with path, line and column
 */
export function finchYamlOf(parsed: ParsedYaml, { only }: ReadFinchYamlOptions = {}): FinchYaml {
  const { value } = parsed;
  const isPart = only !== undefined && isJsonObject(value);
  const wanted = isPart ? Object.fromEntries(only.map((key) => [key, value[key]])) : value;
  return withPlace(parsed, () => finchYamlShape(wanted, []) ?? {});
}

/**
 * What `work` makes of a YAML text.
 * @throws FinchError `CONFIG_INVALID` with path, line and column in place of a `ConfigFault`
 */
export function withPlace<T>({ placeOf }: Pick<ParsedYaml, 'placeOf'>, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    const { message, hint } = error;
    throw invalidConfig(`${placeOf(error.path)}: ${message}`, hint === undefined ? {} : { hint });
  }
}

/**
 * The AWS profile that the `finch.yaml` of a home names for a registry. See {@link profileFor}.
 * @throws FinchError `CONFIG_INVALID`, `IO`
 */
export async function profileIn(home: string, host: string): Promise<string | undefined> {
  return profileFor(await readFinchYaml(finchYamlPath(home), { only: ['ecr'] }), host);
}

/**
 * The AWS profile that `finch.yaml` names for a registry. Of the patterns that match its host the one with the
 * most characters other than `*` counts, and among equals the first.
 * @param host `HOST[:PORT]`, in any case
 */
export function profileFor(config: FinchYaml, host: string): string | undefined {
  const name = host.toLowerCase().replace(/:\d+$/, '');
  const [best] = [...(config.ecr?.registries ?? [])]
    .filter(([pattern, { profile }]) => profile !== undefined && matches(pattern, name))
    .toSorted(([a], [b]) => exactness(b) - exactness(a));
  return best?.[1].profile;
}

/** Whether a key of that name may stand in a text: quick, and right when it says no. */
function mayHaveKey(source: string, key: string): boolean {
  if (new RegExp(`\\b${key}["']?\\s*:`).test(source)) return true;
  // A key may also be written with escapes, behind a question mark, or as an alias of a text.
  return /\\[xuU]|^\s*[?*]/m.test(source);
}

/** Whether a pattern is one for `name`. */
function matches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.toLowerCase().split('*');
  const last = rest.pop();
  if (last === undefined) return first === name;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  // The first place that fits is as good as any later one, so that no pattern takes long.
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return at <= name.length - last.length;
}

function exactness(pattern: string): number {
  return pattern.includes('*') ? pattern.replaceAll('*', '').length : Number.POSITIVE_INFINITY;
}
