import { existsSync } from 'node:fs';
import { unusableIdentity } from '../identity-errors.ts';
import type { Environment } from '../surroundings.ts';
import { nestedSettings, type Settings } from './ini.ts';
import { expandPath, readSmallFile, type SharedConfig } from './shared-config.ts';

/** Which of a service's names are wanted. */
export interface EndpointVariant {
  /** Whether that whose cryptography is validated by FIPS 140. */
  readonly isFips: boolean;
  /** Whether that which is reached over IPv4 and IPv6. */
  readonly isDualStack: boolean;
}

/** Where a setting is looked for: in the environment, and then in one profile. */
export interface SettingsOptions {
  readonly env: Environment;
  readonly config: SharedConfig;
  /** The profile that counts, which need not be there. */
  readonly profile: string;
}

/** A certificate of OpenSSL's own form, which holds more than a certificate. */
const TRUSTED = '-----BEGIN TRUSTED CERTIFICATE-----';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The region by `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile. */
export function regionOf({ env, config, profile }: SettingsOptions): string | undefined {
  const own = config.profiles.get(profile)?.settings.get('region');
  return env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || own || undefined;
}

/**
 * The address in place of a service's own: that of the environment for the service or for all, then that of the
 * profile, for the service (in the section that `services` names) or for all.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 * @param service as settings write it: `ecr_public`
 * @throws FinchError `AWS_IDENTITY` when it is no address; never with what it is
 */
export function endpointOf(
  service: string,
  { env, config, profile }: SettingsOptions,
): URL | undefined {
  const settings = config.profiles.get(profile)?.settings;
  if (isTrue(env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'])) return undefined;
  const variable = `AWS_ENDPOINT_URL_${service.toUpperCase()}`;
  for (const name of [variable, 'AWS_ENDPOINT_URL']) {
    if (env[name]) return parseEndpoint(env[name], name);
  }
  if (isTrue(settings?.get('ignore_configured_endpoint_urls'))) return undefined;
  const section = servicesOf(settings, config)?.get(service) ?? '';
  const found = nestedSettings(section).get('endpoint_url') || settings?.get('endpoint_url');
  return found ? parseEndpoint(found, `endpoint_url of profile ${profile}`) : undefined;
}

/** Which names of services the environment asks for, or else the profile. */
export function variantOf({ env, config, profile }: SettingsOptions): EndpointVariant {
  const isOn = (name: string): boolean =>
    isTrue(env[`AWS_${name.toUpperCase()}`] || config.profiles.get(profile)?.settings.get(name));
  return { isFips: isOn('use_fips_endpoint'), isDualStack: isOn('use_dualstack_endpoint') };
}

function servicesOf(settings: Settings | undefined, config: SharedConfig): Settings | undefined {
  const name = settings?.get('services');
  return name === undefined ? undefined : config.services.get(name);
}

function parseEndpoint(text: string, name: string): URL {
  const url = URL.parse(text.trim());
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '') return url;
  throw unusableIdentity(
    `${name} is no address of a service`,
    `set ${name} to https://HOST, or remove it`,
  );
}

/**
 * The certificate authorities of `AWS_CA_BUNDLE`, or of the profile's `ca_bundle`, as PEM. One that is broken does not count;
 * that is traced.
 * @throws FinchError `AWS_IDENTITY` when the file is not there or holds none that can be read, `IO` when it cannot be read
 */
export async function authoritiesOf({
  env,
  config,
  profile,
  trace,
}: SettingsOptions & { readonly trace: (line: string) => void }): Promise<
  readonly string[] | undefined
> {
  const own = config.profiles.get(profile)?.settings.get('ca_bundle');
  const [name, path] = env['AWS_CA_BUNDLE']
    ? ['AWS_CA_BUNDLE', env['AWS_CA_BUNDLE']]
    : [`ca_bundle of profile ${profile}`, own];
  if (!path) return undefined;
  const file = expandPath(path, env);
  const refuse = (why: string, hint = `set ${name} to a file of PEM text, or remove it`) =>
    unusableIdentity(`${name} names ${file}, which ${why}`, hint);
  const bytes = await readSmallFile(file);
  if (bytes === undefined) throw refuse(existsSync(file) ? 'is no file' : 'is not there');
  const text = new TextDecoder().decode(bytes);
  const found = text.match(CERTIFICATE) ?? [];
  if (found.length === 0 && text.includes(TRUSTED)) {
    throw refuse(
      "holds no certificate but OpenSSL's TRUSTED CERTIFICATE",
      `write it as a usual one: openssl x509 -in ${file} -out NEW.pem, and set ${name} to NEW.pem`,
    );
  }
  if (found.length === 0) throw refuse('holds no certificate');
  const { X509Certificate } = await import('node:crypto');
  const whole = found.filter((certificate) => {
    try {
      return new X509Certificate(certificate) !== undefined;
    } catch {
      return false;
    }
  });
  if (whole.length === 0) throw refuse('holds a broken certificate');
  const broken = found.length - whole.length;
  if (broken > 0) trace(`${name} names ${file}; passed over ${broken} broken of its certificates`);
  return whole;
}

/** Whether a setting says yes, as the AWS CLI reads it. */
export function isTrue(value: string | undefined): boolean {
  return value?.trim().toLowerCase() === 'true';
}
