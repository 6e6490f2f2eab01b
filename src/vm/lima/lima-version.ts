import { FinchError } from '../../errors.ts';
import { excerpt } from '../../text.ts';
import type { Lima } from './find-limactl.ts';
import { askLimactl, type RunLimactlOptions } from './run-limactl.ts';

/** The first Lima that reads finch's document as it is meant, and reaches this machine's loopback from its own. */
const OLDEST = [1, 0, 0] as const;

/**
 * Checks that a Lima is new enough. One whose version is no number was built by its user, and passes.
 * @throws FinchError `VM` when it is too old, or does not say
 */
export async function checkLimaVersion(
  lima: Lima,
  options: RunLimactlOptions & { readonly platform?: NodeJS.Platform },
): Promise<void> {
  const { platform = process.platform } = options;
  const said = await askLimactl(lima, ['--version'], {
    ...options,
    what: 'use Lima',
    hint: installHint(platform),
  });
  const [, version = ''] = /version v?(\S+)/.exec(said) ?? [];
  if (!isOlder(version)) return;
  const found = `${lima.program} is Lima ${excerpt(version)}`;
  throw new FinchError('VM', `${found}, and finch needs ${OLDEST.join('.')} or later`, {
    hint: upgradeHint(platform),
  });
}

function isOlder(version: string): boolean {
  const found = /^(\d+)\.(\d+)\.(\d+)/.exec(version);
  if (found === null) return false;
  for (const [i, wanted] of OLDEST.entries()) {
    const part = Number(found[i + 1]);
    if (part !== wanted) return part < wanted;
  }
  return false;
}

/** How to get Lima on a system. */
export function installHint(platform: NodeJS.Platform): string {
  if (platform === 'darwin') return 'install Lima with: brew install lima';
  if (platform === 'win32') return 'install Lima with: winget install Lima';
  return 'install Lima with: brew install lima, or with the package of your distribution or of https://lima-vm.io';
}

function upgradeHint(platform: NodeJS.Platform): string {
  if (platform === 'darwin') return 'upgrade it with: brew upgrade lima';
  return 'upgrade it with: brew upgrade lima, or with the package that it came from, see https://lima-vm.io';
}
