import type { AbortOptions } from '../content.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { excerpt } from '../text.ts';
import { askEngine } from './ask-engine.ts';
import type { Engine } from './engine.ts';

/** A program, by the names that docker gives these fields. */
export interface Component {
  readonly Name: string;
  readonly Version: string;
  readonly Details: { readonly GitCommit: string };
}

/** What runs in the machine: what commands work with, and what they ask. */
export interface EngineVersion {
  readonly client: readonly Component[];
  readonly server: readonly Component[];
}

/**
 * Which programs the engine is made of: nerdctl and buildctl, containerd and runc.
 * @throws FinchError `VM` when nerdctl does not say
 */
export async function engineVersion(engine: Engine, options: AbortOptions): Promise<EngineVersion> {
  const { value } = await askEngine(engine, ['version', '--format', 'json'], options);
  const client = objectIn(value, 'Client');
  const nerdctl = {
    Name: 'nerdctl',
    Version: textIn(client, 'Version'),
    Details: { GitCommit: textIn(client, 'GitCommit') },
  };
  return {
    client: [nerdctl, ...componentsIn(client)],
    server: componentsIn(objectIn(value, 'Server')),
  };
}

/** https://github.com/containerd/nerdctl/blob/v2.2.2/pkg/inspecttypes/dockercompat/info.go */
function componentsIn(value: JsonObject): readonly Component[] {
  const components = value['Components'];
  if (!Array.isArray(components)) return [];
  return components.filter(isJsonObject).map((component) => ({
    Name: textIn(component, 'Name'),
    Version: textIn(component, 'Version'),
    Details: { GitCommit: textIn(objectIn(component, 'Details'), 'GitCommit') },
  }));
}

function objectIn(value: JsonObject, key: string): JsonObject {
  const member = value[key];
  return isJsonObject(member) ? member : {};
}

function textIn(value: JsonObject, key: string): string {
  const member = value[key];
  return typeof member === 'string' ? excerpt(member) : '';
}
