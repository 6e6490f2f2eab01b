import { join } from 'node:path';
import { parseYaml } from '../config/parse-yaml.ts';
import { isJsonObject } from '../oci/json.ts';

/** An image that a compose file has built. */
interface ComposeBuild {
  /** The path of the Dockerfile. */
  readonly dockerfile: string;
  /** The values of build arguments. */
  readonly args: ReadonlyMap<string, string>;
}

/** The images that a compose file is about. */
export interface ComposeImages {
  /** As they are written. */
  readonly names: readonly string[];
  readonly builds: readonly ComposeBuild[];
}

/** More than a project has. */
const MAX_SERVICES = 1000;

/**
 * What images a project is made of.
 * @param config what `nerdctl compose config` writes
 * @throws FinchError `CONFIG_INVALID` for what is no YAML
 */
export function composeImages(config: string): ComposeImages {
  const { value } = parseYaml(config, 'the answer of nerdctl compose config');
  const { services } = isJsonObject(value) ? value : {};
  const all = Object.values(isJsonObject(services) ? services : {})
    .filter(isJsonObject)
    .slice(0, MAX_SERVICES);
  return {
    names: all.flatMap(({ image }) => (typeof image === 'string' ? [image] : [])),
    builds: all.flatMap(({ build }) => (isJsonObject(build) ? [buildOf(build)] : [])),
  };
}

function buildOf(build: Readonly<Record<string, unknown>>): ComposeBuild {
  const { context, dockerfile, args } = build;
  const folder = typeof context === 'string' ? context : '.';
  const name = typeof dockerfile === 'string' ? dockerfile : 'Dockerfile';
  const given = Object.entries(isJsonObject(args) ? args : {});
  return {
    dockerfile: name.startsWith('/') ? name : join(folder, name),
    args: new Map(given.flatMap(([key, text]) => (typeof text === 'string' ? [[key, text]] : []))),
  };
}
