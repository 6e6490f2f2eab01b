import { FinchError } from '../errors.ts';
import { quote } from '../text.ts';
import type { JsonObject } from './json.ts';

/**
 * What an image runs on, with Go's names for operating systems and architectures.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md#image-index-property-descriptions
 */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  /** Windows build, for example `10.0.20348.1`. */
  readonly osVersion?: string;
}

/**
 * What a user asks for with `--platform`: a {@link Platform} in which a missing variant or version
 * means any.
 */
export type PlatformSelector = Platform;

const ALIASES = new Map<string, readonly [architecture: string, variant?: string]>(
  Object.entries({
    x86_64: ['amd64'],
    'x86-64': ['amd64'],
    aarch64: ['arm64'],
    armhf: ['arm', 'v7'],
    armel: ['arm', 'v6'],
    i386: ['386'],
    i486: ['386'],
    i586: ['386'],
    i686: ['386'],
  }),
);

const ARCHITECTURES = new Set(
  '386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm'.split(
    ' ',
  ),
);

/** Characters in a part of a platform that a document names. */
const MAX_WORD = 100;

const WORD = /^[A-Za-z0-9_.-]+$/;

/**
 * The platforms that a `--platform` value means: `os/arch[/variant]`, `arch` alone (for Linux), with
 * `:osversion` behind it or `(osversion)` behind the operating system.
 * @throws FinchError `PLATFORM_INVALID`
 */
export function parsePlatform(text: string): PlatformSelector {
  const invalid = () =>
    new FinchError('PLATFORM_INVALID', `invalid platform: ${quote(text)}`, {
      hint: 'a platform is OS/ARCH[/VARIANT], for example linux/arm64 or linux/arm/v7',
    });
  const inBrackets = /^([^(/]+)\(([^)]+)\)(\/.*)$/.exec(text);
  const unbracketed = inBrackets ? `${inBrackets[1]}${inBrackets[3]}` : text;
  const [path = '', afterColon, ...more] = unbracketed.split(':');
  const osVersion = inBrackets?.[2] ?? afterColon;
  const parts = path.split('/');
  const known = (word: string) => ARCHITECTURES.has(word) || ALIASES.has(word);
  const words =
    parts.length === 1 && known(parts[0]?.toLowerCase() ?? '') ? ['linux', ...parts] : parts;
  const [os, architecture, variant] = words;
  if (more.length > 0 || words.length > 3 || os === undefined || architecture === undefined) {
    throw invalid();
  }
  if (![...words, osVersion ?? 'any'].every((word) => WORD.test(word))) throw invalid();
  const asked = {
    os,
    architecture,
    ...optional('variant', variant),
    ...optional('osVersion', osVersion),
  };
  return normalizeSelector(asked);
}

/**
 * One spelling for every platform: lower case, aliases replaced (`x86_64`, `aarch64`), `arm64/v8` and
 * `amd64/v1` without their variant, `arm` with `v7` when it names none.
 */
export function normalizePlatform(platform: Platform): Platform {
  const selector = normalizeSelector(platform);
  return selector.architecture === 'arm' && selector.variant === undefined
    ? { ...selector, variant: 'v7' }
    : selector;
}

function normalizeSelector(platform: Platform): PlatformSelector {
  const word = platform.architecture.toLowerCase();
  const [architecture, aliasVariant] = ALIASES.get(word) ?? [word];
  const given = platform.variant?.toLowerCase() || aliasVariant;
  const variant = given !== undefined && /^\d/.test(given) ? `v${given}` : given;
  const implied =
    (architecture === 'arm64' && variant === 'v8') ||
    (architecture === 'amd64' && variant === 'v1');
  return {
    os: platform.os.toLowerCase() === 'macos' ? 'darwin' : platform.os.toLowerCase(),
    architecture,
    ...optional('variant', implied ? undefined : variant),
    ...optional('osVersion', platform.osVersion),
  };
}

/** `os/architecture[/variant]`, as tables and messages show it. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = normalizePlatform(platform);
  return [os, architecture, variant].filter(Boolean).join('/');
}

/**
 * As {@link formatPlatform}, with the version of the operating system where there is one:
 * `windows(10.0.17763.5)/amd64`.
 * https://github.com/containerd/platforms/blob/01651306b81698ca45b6196e86aa0b82292332eb/platforms.go (FormatAll)
 */
export function formatPlatformAll(platform: Platform): string {
  const { os, architecture, variant, osVersion } = normalizePlatform(platform);
  const versioned = osVersion === undefined ? os : `${os}(${osVersion})`;
  return [versioned, architecture, variant].filter(Boolean).join('/');
}

/**
 * Whether `platform` is one that `selector` asks for. Equality, not "can run": `linux/arm/v7` does not
 * select v6. `linux/arm` selects every variant; a version selects what begins with its parts.
 */
export function matchesPlatform(selector: PlatformSelector, platform: Platform): boolean {
  const wanted = normalizeSelector(selector);
  const has = normalizePlatform(platform);
  if (wanted.os !== has.os || wanted.architecture !== has.architecture) return false;
  if (wanted.variant === undefined) {
    if (has.variant !== undefined && wanted.architecture !== 'arm') return false;
  } else if (wanted.variant !== has.variant) return false;
  if (wanted.osVersion === undefined) return true;
  return (
    has.osVersion === wanted.osVersion || has.osVersion?.startsWith(`${wanted.osVersion}.`) === true
  );
}

/** The platform in a descriptor's `platform` member or in an image configuration, if it names one. */
export function readPlatform(value: JsonObject): Platform | undefined {
  const os = word(value['os']);
  const architecture = word(value['architecture']);
  if (os === undefined || architecture === undefined) return undefined;
  return {
    os,
    architecture,
    ...optional('variant', word(value['variant'])),
    ...optional('osVersion', word(value['os.version'])),
  };
}

/** A part of a platform: text that is not empty, and fits into a line. */
function word(value: unknown): string | undefined {
  const isWord = typeof value === 'string' && value !== '' && value.length <= MAX_WORD;
  return isWord ? value : undefined;
}

function optional<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: string });
}
