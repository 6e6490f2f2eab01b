import type { AbortOptions } from '../../content.ts';
import { FinchError } from '../../errors.ts';
import { printable } from '../../text.ts';
import { authoritiesOf, endpointOf, regionOf, variantOf } from '../files/settings.ts';
import { NO_CONFIG, readSharedConfig, type SharedConfig } from '../files/shared-config.ts';
import type { AwsIdentity, AwsKeys } from '../identity.ts';
import { endedKeys } from '../identity-errors.ts';
import type { AwsSurroundings } from '../surroundings.ts';
import { fingerprintOf } from './fingerprint.ts';
import { KeptKeys, leftOf } from './kept-keys.ts';
import { type KeySource, keySource, profileName } from './key-source.ts';
import { firstOf, resolveKeys, withFirstKeys } from './resolve-keys.ts';
import { nameOfSource } from './source-name.ts';
import { environmentKeys, hideEnvironmentKeys } from './static-keys.ts';

/** Sources that are asked on this machine, and give the keys of whomever they like. */
const LOCAL: ReadonlySet<KeySource['kind']> = new Set(['process', 'container', 'metadata']);

/** Whether one of the roles on the way wants a code. */
function needsCode(source: KeySource): boolean {
  return source.kind === 'role' && (source.mfaSerial !== undefined || needsCode(source.source));
}

/**
 * Who the user is at AWS, by the environment and the shared files, or by a profile that the user named, in the order of
 * the AWS CLI. Nobody is asked here, and nothing is thrown: that there is no identity, or that a file is broken,
 * is said by what needs it. Where the environment has the keys, no file is read for them, and one that cannot be read
 * counts as none.
 */
export async function openIdentity(
  surroundings: AwsSurroundings,
  { profile: named }: { readonly profile?: string | undefined } = {},
): Promise<AwsIdentity> {
  const { env } = surroundings;
  hideEnvironmentKeys(env);
  const profile = profileName({ env, profile: named });
  let files: Promise<SharedConfig> | undefined;
  const settings = async () => {
    files ??= readConfig();
    return { env, profile, config: await files };
  };
  const found = await findSource();
  const source = () => {
    if (found instanceof FinchError) throw found;
    return found;
  };
  const lasting = new KeptKeys(surroundings, ask);
  /** Those that the first role is assumed with, where they come from this machine. */
  const first = new KeptKeys(surroundings, async (options) => resolve(firstOf(source()), options));

  const identity: AwsIdentity = {
    source: found instanceof FinchError ? `profile ${profile}` : nameOfSource(found),
    needsCode: !(found instanceof FinchError) && needsCode(found),
    async fingerprint(keys = {}) {
      return fingerprintOf(source(), { env, ...keys });
    },
    async knownKey(options = {}) {
      const known = source();
      if (known.kind === 'static') return { accessKeyId: known.keys.accessKeyId };
      if (!LOCAL.has(firstOf(known).kind)) return {};
      if (known.kind === 'role') return { assumedWith: (await first.get(options)).accessKeyId };
      return { accessKeyId: (await identity.keys(options)).accessKeyId };
    },
    async keys({ signal } = {}) {
      return await lasting.get({ ...(signal && { signal }) });
    },
    async region() {
      return regionOf(await settings());
    },
    async endpointOf(service) {
      return endpointOf(service.replace('-', '_'), await settings());
    },
    async variant() {
      return variantOf(await settings());
    },
    async authorities() {
      return authoritiesOf({ ...(await settings()), trace: surroundings.trace });
    },
  };
  return identity;

  async function ask(options: AbortOptions): Promise<AwsKeys> {
    surroundings.trace(`the AWS keys are those of ${printable(identity.source)}`);
    const found = source();
    if (found.kind !== 'role' || !LOCAL.has(firstOf(found).kind)) return resolve(found, options);
    const keys = await first.get(options);
    const own = await resolve(withFirstKeys(found, keys), options);
    return { ...own, assumedWith: keys.accessKeyId };
  }

  async function resolve(from: KeySource, options: AbortOptions): Promise<AwsKeys> {
    const keys = await resolveKeys(from, { surroundings, identity, ...options });
    if (keys.expires !== undefined && leftOf(keys, surroundings) <= 0) {
      throw endedKeys(nameOfSource(from), keys.expires);
    }
    return keys;
  }

  async function findSource(): Promise<KeySource | FinchError> {
    try {
      const fast = named === undefined ? environmentKeys(env) : undefined;
      return fast ?? keySource({ env, profile: named }, (await settings()).config);
    } catch (error) {
      if (error instanceof FinchError) return error;
      throw error;
    }
  }

  async function readConfig(): Promise<SharedConfig> {
    try {
      return await readSharedConfig(env);
    } catch (error) {
      const isNeeded = named !== undefined || !env['AWS_ACCESS_KEY_ID'];
      if (isNeeded || !(error instanceof FinchError)) throw error;
      // A folder that is not the user's is usual where programs run as somebody else; a broken file is news.
      const tell = error.code === 'IO' ? surroundings.trace : surroundings.report;
      tell(`going on without the settings of AWS: ${error.message}`);
      return NO_CONFIG;
    }
  }
}
