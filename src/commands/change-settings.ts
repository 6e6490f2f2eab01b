import type { App } from '../app.ts';
import type { ConfigKey, TakesEffect } from '../config/keys.ts';

/** A key of `finch.yaml`, and the values it is to have; none to take it out. */
export interface SettingChange {
  readonly key: ConfigKey;
  readonly texts: readonly string[];
}

/** What the user does for a change to count. */
const STEPS: Readonly<Record<Exclude<TakesEffect, 'now'>, string>> = {
  start: 'counts when the virtual machine starts next: finch vm stop, then finch vm start',
  init: 'counts for a new virtual machine: finch vm remove --force, then finch vm init',
};

/**
 * Writes values into `finch.yaml`, once all are found to be right, and says what the user does next.
 * @returns whether there was something to change
 * @throws FinchError `USAGE` when one is no value of its key, `CONFIG_INVALID`, `IO`; the file is then as before
 */
export async function changeSettings(
  { host, talk }: App,
  changes: readonly SettingChange[],
): Promise<boolean> {
  const { checkTexts, editsFor, valueAt } = await import('../config/written-values.ts');
  const { thisHost } = await import('../config/read-machine-settings.ts');
  const { readSettings } = await import('../config/settings.ts');
  const { editFinchYaml } = await import('../setup/edit-finch-yaml.ts');
  const size = thisHost();
  const wanted = changes.filter(({ texts }) => texts.length > 0);
  const notes = wanted.flatMap(({ key, texts }) => checkTexts(key, texts, size));
  const isChanged = await editFinchYaml(host.home, (root) =>
    changes.flatMap(({ key, texts }) => editsFor(key, { value: valueAt(root, key.path), texts })),
  );
  for (const note of notes) talk.note(note);
  if (!isChanged) return false;
  const { fault } = await readSettings(host.home, { isNative: false });
  if (fault !== undefined) {
    talk.note(`nothing of it counts before this is corrected: ${fault.message}`);
    return true;
  }
  for (const effect of ['start', 'init'] as const) {
    const names = changes
      .filter(({ key }) => key.takesEffect === effect)
      .map(({ key }) => key.name);
    if (names.length > 0) talk.note(`${names.join(', ')}: ${STEPS[effect]}`);
  }
  return true;
}
