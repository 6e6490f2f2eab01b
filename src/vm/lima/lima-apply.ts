import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { MachineSettings, VmType } from '../../config/machine-settings.ts';
import { parseSize } from '../../config/size.ts';
import { readTextFile } from '../../config/text-file.ts';
import { writeFileAtomic } from '../../host/atomic-file.ts';
import { ioError } from '../../host/io-error.ts';
import { DOCUMENT_HEAD } from './document-head.ts';
import { instanceFolder, type Lima } from './find-limactl.ts';
import type { LimaContext } from './lima-disk.ts';
import { type LimaDocument, limaDocument, limaText, STARTED_WITH } from './lima-document.ts';
import type { LimaHost } from './lima-host.ts';
import { staysLarger } from './lima-size.ts';
import { askLimactl } from './run-limactl.ts';

/** What {@link applySettings} goes to work with. */
interface ApplyOptions extends LimaContext {
  readonly settings: MachineSettings;
  readonly host: LimaHost;
  /** Takes a line about what is not applied. */
  readonly onStage: (line: string) => void;
}

/**
 * Applies what `finch.yaml` says by now to a machine that is stopped. What it was made as stays. One that this
 * finch has not made is left as it is, which is told; a document of finch's that is damaged is made anew.
 * @throws FinchError `VM` when Lima takes no such machine, which is then as before; `IO`
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
  const after = limaText(changed(parseDocument(before), options));
  if (after !== before) await replaceDocument(lima, path, { ...options, text: after });
  const override = join(lima.home, '_config/override.yaml');
  if (existsSync(override)) onStage(`what ${override} says comes before finch.yaml`);
}

/** The document of a machine, with what may change of it. */
function changed(
  made: LimaDocument | undefined,
  { settings, host, onStage }: ApplyOptions,
): LimaDocument {
  if (made === undefined) return limaDocument(settings, host);
  const vmType = VM_TYPES.find((type) => type === made['vmType']) ?? settings.vmType;
  const wanted = limaDocument({ ...settings, vmType }, host);
  const started = STARTED_WITH.map((key) => [key, wanted[key]] as const);
  const disk = largerDisk(made['disk'], wanted['disk'], onStage);
  return { ...made, ...Object.fromEntries(started), disk };
}

const VM_TYPES: readonly VmType[] = ['vz', 'qemu', 'wsl2'];

/** Once Lima has a document, it knows of no machine any more that it cannot read: it is asked before. */
async function replaceDocument(
  lima: Lima,
  path: string,
  { env, signal, text }: ApplyOptions & { readonly text: string },
): Promise<void> {
  const draft = join(instanceFolder(lima), 'lima.new.yaml');
  try {
    await writeFileAtomic(draft, new TextEncoder().encode(text), { mode: 0o644 });
    await askLimactl(lima, ['validate', draft], {
      ...{ env, ...(signal && { signal }) },
      what: 'start the virtual machine as finch.yaml says',
      hint: 'correct finch.yaml, and start it again with: finch vm start',
    });
    await rename(draft, path).catch((error: unknown) => {
      throw ioError(error, 'write', path);
    });
  } finally {
    await rm(draft, { force: true });
  }
}

function largerDisk(made: unknown, wanted: unknown, onStage: (line: string) => void): unknown {
  const [current, configured] = [made, wanted].map((size) => parseSize(String(size)));
  if (current === undefined || configured === undefined || configured >= current) return wanted;
  onStage(staysLarger('boot', { configured, current }));
  return made;
}

/** Undefined for what is no document. */
function parseDocument(text: string): LimaDocument | undefined {
  try {
    const value: unknown = parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // It is made anew.
  }
  return undefined;
}
