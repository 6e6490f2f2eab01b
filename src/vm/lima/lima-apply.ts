import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { MachineSettings } from '../../config/machine-settings.ts';
import { parseSize } from '../../config/size.ts';
import { readTextFile } from '../../config/text-file.ts';
import { FinchError } from '../../errors.ts';
import { writeFileAtomic } from '../../host/atomic-file.ts';
import { instanceFolder, type Lima } from './find-limactl.ts';
import {
  DOCUMENT_HEAD,
  type LimaDocument,
  limaDocument,
  limaText,
  STARTED_WITH,
} from './lima-document.ts';
import type { LimaHost } from './lima-host.ts';
import { shownSize } from './lima-size.ts';

/** What {@link applySettings} goes to work with. */
interface ApplyOptions {
  readonly settings: MachineSettings;
  readonly host: LimaHost;
  /** Takes a line about what is not applied. */
  readonly onStage: (line: string) => void;
}

/**
 * Applies what `finch.yaml` says by now to a machine that is stopped. What it was made as stays. One that this
 * finch has not made is left as it is, which is told.
 * @throws FinchError `CONFIG_INVALID`, `IO`
 */
export async function applySettings(lima: Lima, options: ApplyOptions): Promise<void> {
  const { onStage } = options;
  const path = join(instanceFolder(lima), 'lima.yaml');
  const before = (await readTextFile(path)) ?? '';
  if (!before.startsWith(DOCUMENT_HEAD)) {
    return onStage(
      `the machine was not made by this finch, and stays as ${path} says, whatever is in finch.yaml`,
    );
  }
  const made = parseDocument(before, path);
  const wanted = limaDocument(options.settings, options.host);
  const started = STARTED_WITH.map((key) => [key, wanted[key]] as const);
  const disk = largerDisk(made['disk'], wanted['disk'], onStage);
  const after = limaText({ ...made, ...Object.fromEntries(started), disk });
  if (after !== before) {
    await writeFileAtomic(path, new TextEncoder().encode(after), { keepsAccess: true });
  }
  const override = join(lima.home, '_config/override.yaml');
  if (existsSync(override)) onStage(`what ${override} says comes before finch.yaml`);
}

function largerDisk(made: unknown, wanted: unknown, onStage: (line: string) => void): unknown {
  const [current, configured] = [made, wanted].map((size) => parseSize(String(size)));
  if (current === undefined || configured === undefined || configured >= current) return wanted;
  onStage(
    `Shrinking the boot disk is not supported (configured: ${shownSize(configured)}, current: ${shownSize(current)}), skipping resize`,
  );
  return made;
}

function parseDocument(text: string, path: string): LimaDocument {
  try {
    const value: unknown = parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // It is said below.
  }
  throw new FinchError('CONFIG_INVALID', `${path} is no document of Lima's`, {
    hint: `check it with: limactl validate ${path}`,
  });
}
