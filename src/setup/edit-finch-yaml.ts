import { editYaml } from '../config/edit-yaml.ts';
import { finchYamlLock, finchYamlPath } from '../config/finch-yaml.ts';
import { parseYaml } from '../config/parse-yaml.ts';
import { readTextFile } from '../config/text-file.ts';
import type { YamlEdit } from '../config/yaml-splice.ts';
import { FinchError } from '../errors.ts';
import { changeFiles } from './change-files.ts';

/** How often a change is planned again because somebody else was faster. */
const MAX_TRIES = 10;

/**
 * Changes the `finch.yaml` of a home, and makes it where there is none. Not one byte of it is another where the edits
 * change nothing, and all others stay where they do.
 * @param plan the edits, given what the file says: null when nothing
 * @returns whether there was something to change
 * @throws FinchError `CONFIG_INVALID`, `IO`, with the file as before
 */
export async function editFinchYaml(
  home: string,
  plan: (value: unknown) => readonly YamlEdit[],
): Promise<boolean> {
  const path = finchYamlPath(home);
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const before = await readTextFile(path);
    const source = before ?? '';
    const after = editYaml(source, plan(parseYaml(source, path).value), path);
    if (after === source) return false;
    const change = { path, before, after };
    if (await changeFiles([change], { locks: [finchYamlLock(home)], read: readTextFile }))
      return true;
  }
  throw new FinchError('IO', `another program keeps changing ${path}`, {
    hint: 'wait until it is done, and try again',
  });
}
