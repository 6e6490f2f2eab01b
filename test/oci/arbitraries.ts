import { expect } from 'bun:test';
import {
  type Arbitrary,
  assert,
  constantFrom,
  type IProperty,
  oneof,
  option,
  type Parameters,
  record,
  stringMatching,
  tuple,
} from 'fast-check';
import { FinchError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { type Digest, parseDigest } from '../../src/oci/digest.ts';
import type { Platform } from '../../src/oci/platform.ts';
import type { Reference } from '../../src/oci/reference.ts';

/** Any digest. */
export const digests: Arbitrary<Digest> = oneof(
  stringMatching(/^sha256:[0-9a-f]{64}$/),
  stringMatching(/^sha512:[0-9a-f]{128}$/),
).map(parseDigest);

/** Any platform that a user can ask for, in the one spelling that finch shows. */
export const platforms: Arbitrary<Platform> = oneof(
  record({
    os: constantFrom('linux', 'windows', 'darwin', 'freebsd'),
    architecture: constantFrom('amd64', 'arm64', '386', 's390x', 'riscv64'),
  }),
  record({
    os: constantFrom('linux'),
    architecture: constantFrom('arm'),
    variant: constantFrom('v5', 'v6', 'v7', 'v8'),
  }),
);

/** Any whole reference. */
export const references: Arbitrary<Reference> = tuple(
  constantFrom(
    'docker.io',
    'ghcr.io',
    'localhost',
    'localhost:5000',
    '[::1]:5000',
    'Host',
    'a.b-c.d:1',
  ),
  stringMatching(/^[a-z0-9]{1,8}(?:(?:[.]|_|__|-{1,3})[a-z0-9]{1,8}){0,2}$/),
  option(stringMatching(/^[a-z0-9]{1,8}(?:(?:[.]|_|__|-{1,3})[a-z0-9]{1,8}){0,2}$/)),
  option(stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/)),
  option(digests),
).map(([registry, first, second, tag, digest]) => ({
  registry,
  repository:
    second === null
      ? `${registry === 'docker.io' ? 'library/' : ''}${first}`
      : `${first}/${second}`,
  ...(tag !== null && { tag }),
  ...(digest !== null && { digest }),
  ...(tag === null && digest === null && { tag: 'latest' }),
}));

/** Any descriptor, as JSON holds one. */
export const descriptors: Arbitrary<Descriptor> = record({
  mediaType: constantFrom('application/vnd.oci.image.manifest.v1+json', 'application/x'),
  digest: digests,
  size: constantFrom(0, 1, 4096, Number.MAX_SAFE_INTEGER),
});

/** Checks that a property holds for many random values, and for the examples in `parameters`. */
export function check<T>(property: IProperty<T>, parameters?: Parameters<T>): void {
  // This overload is not asynchronous, which the linter cannot see.
  void assert(property, parameters);
}

/** Checks that `work` ends well or with a {@link FinchError} that is fit to be shown. */
export function expectOnlyFinchErrors(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(FinchError);
    if (error instanceof FinchError) {
      expect(error.message).not.toMatch(/[\p{Cc}]/u);
      expect(error.message.length).toBeLessThan(1000);
    }
  }
}

/** The {@link FinchError} that `work` throws. */
export function finchErrorOf(work: () => unknown): FinchError {
  try {
    work();
  } catch (error) {
    if (error instanceof FinchError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
