import { FinchError } from '../../errors.ts';
import { printable } from '../../text.ts';
import { authoritiesOf, endpointOf, regionOf } from '../files/settings.ts';
import { readSharedConfig, type SharedConfig } from '../files/shared-config.ts';
import type { AwsIdentity, AwsKeys } from '../identity.ts';
import type { AwsSurroundings } from '../surroundings.ts';
import { fingerprintOf } from './fingerprint.ts';
import { type KeySource, keySource, profileName } from './key-source.ts';
import { resolveKeys } from './resolve-keys.ts';
import { environmentKeys, hideEnvironmentKeys } from './static-keys.ts';

/** Keys that end sooner are asked for again. */
const SPARE_MS = 60_000;

/**
 * Who the user is at AWS, by the environment and the shared files, or by a profile that the user named, in the order of
 * the AWS CLI. Nobody is asked here, and nothing is thrown: that there is no identity, or that a file is broken,
 * is said by what needs it. Where the environment has the keys, no file is read for them.
 */
export async function openIdentity(
  surroundings: AwsSurroundings,
  { profile: named }: { readonly profile?: string | undefined } = {},
): Promise<AwsIdentity> {
  const { env, now } = surroundings;
  hideEnvironmentKeys(env);
  const profile = profileName({ env, profile: named });
  let files: Promise<SharedConfig> | undefined;
  const config = () => {
    files ??= readSharedConfig(env);
    return files;
  };
  const settings = async () => ({ env, profile, config: await config() });
  const found = await findSource();
  const source = () => {
    if (found instanceof FinchError) throw found;
    return found;
  };
  let asked: Promise<AwsKeys> | undefined;

  const identity: AwsIdentity = {
    source: found instanceof FinchError ? `profile ${profile}` : describe(found),
    async fingerprint() {
      return fingerprintOf(source(), env);
    },
    async knownKeyId() {
      const known = source();
      return known.kind === 'static' ? known.keys.accessKeyId : undefined;
    },
    async keys({ signal } = {}) {
      const before = asked;
      const keys = await before;
      if (keys && (keys.expires?.getTime() ?? Number.POSITIVE_INFINITY) - now() > SPARE_MS) {
        return keys;
      }
      // Somebody else who found them too old asks already.
      if (asked !== before) return identity.keys({ ...(signal && { signal }) });
      asked = ask(signal);
      return asked;
    },
    async region() {
      return regionOf(await settings());
    },
    async endpointOf(service) {
      return endpointOf(service.replace('-', '_'), await settings());
    },
    async authorities() {
      return authoritiesOf(await settings());
    },
  };
  return identity;

  function ask(signal: AbortSignal | undefined): Promise<AwsKeys> {
    surroundings.trace(`the AWS keys are those of ${printable(identity.source)}`);
    const context = { surroundings, identity, ...(signal && { signal }) };
    const asking = resolveKeys(source(), context);
    // That one caller gave up says nothing to the next.
    void asking.catch(() => {
      if (signal?.aborted && asked === asking) asked = undefined;
    });
    return asking;
  }

  async function findSource(): Promise<KeySource | FinchError> {
    try {
      const fast = named === undefined ? environmentKeys(env) : undefined;
      return fast ?? keySource({ env, profile: named }, await config());
    } catch (error) {
      if (error instanceof FinchError) return error;
      throw error;
    }
  }
}

/** Where keys come from, in words. */
function describe(source: KeySource): string {
  switch (source.kind) {
    case 'static':
    case 'web-identity':
      return source.from;
    case 'container':
      return 'the container';
    case 'metadata':
      return 'the EC2 metadata service';
    default:
      return `profile ${source.profile}`;
  }
}
