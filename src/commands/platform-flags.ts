import type { PlatformChoice } from '../copy/select.ts';
import { FinchError } from '../errors.ts';
import { parsePlatform } from '../oci/platform.ts';
import type { Flag, Invocation } from './command.ts';

/** The flags by which a user chooses platforms. */
export const platformFlags: readonly Flag[] = [
  {
    name: 'platform',
    value: 'OS/ARCH[/VARIANT]',
    summary: 'only these platforms; with commas between them, or repeated',
  },
  { name: 'all-platforms', summary: 'every platform that the image has' },
];

/**
 * What the flags choose; `otherwise` when none is given.
 * @throws FinchError `PLATFORM_INVALID`, or `USAGE` when both flags are given
 */
export function platformChoice(
  invocation: Invocation,
  { otherwise }: { otherwise: PlatformChoice },
): PlatformChoice {
  const platforms = invocation.list('platform').map(parsePlatform);
  if (platforms.length === 0 && invocation.text('platform') !== undefined) {
    throw new FinchError('PLATFORM_INVALID', '--platform names no platform', {
      hint: 'a platform is OS/ARCH[/VARIANT], for example linux/arm64',
    });
  }
  if (!invocation.on('all-platforms')) {
    return platforms.length > 0 ? { kind: 'named', platforms } : otherwise;
  }
  if (platforms.length === 0) return { kind: 'all' };
  throw new FinchError('USAGE', '--platform and --all-platforms exclude each other', {
    hint: 'give one of them',
  });
}
