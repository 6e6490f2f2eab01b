import { FinchError, hasCode } from '../../errors.ts';
import { networkCode } from '../../http/failure.ts';
import { hideSecret } from '../../http/redact.ts';
import { stsEndpoint } from '../call/endpoints.ts';
import { expandPath, readSmallFile } from '../files/shared-config.ts';
import type { SsoSource } from '../files/sso-source.ts';
import type { AwsKeys } from '../identity.ts';
import type { KeyContext } from './key-context.ts';
import type { LoginSource, RoleSource, WebIdentitySource } from './key-source.ts';
import { quietly } from './quietly.ts';
import { mfaCode, roleFailure, webIdentityFailure } from './role-errors.ts';
import { type SdkTransport, sdkTransport } from './sdk-transport.ts';
import { assertLogin, loginFailure, ssoFailure, usableSsoToken } from './sso-session.ts';
import { hidden } from './static-keys.ts';

/** The region whose service gives out roles, where nothing names one. */
const DEFAULT_REGION = 'us-east-1';

/** Keys as the SDK has them. */
interface SdkKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly expiration?: Date | undefined;
}

type Sdk = typeof import('@aws-sdk/credential-providers');

/**
 * The keys of a role that is assumed with other keys.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
 * @throws FinchError `AWS_IDENTITY` when it cannot be, `NETWORK`, `CANCELLED`
 */
export async function roleKeys(
  role: RoleSource,
  context: KeyContext & { readonly keys: AwsKeys },
): Promise<AwsKeys> {
  const { mfaSerial, externalId, durationSeconds, sessionName } = role;
  const code =
    mfaSerial === undefined ? undefined : await mfaCode(role.profile, mfaSerial, context);
  const settings = await stsSettings(context);
  return withSdk(
    context,
    ({ fromTemporaryCredentials }, requestHandler) =>
      fromTemporaryCredentials({
        masterCredentials: context.keys,
        params: {
          RoleArn: role.roleArn,
          RoleSessionName: sessionName ?? `finch-${context.surroundings.now()}`,
          ...(externalId !== undefined && { ExternalId: externalId }),
          ...(durationSeconds !== undefined && { DurationSeconds: durationSeconds }),
          ...(mfaSerial !== undefined && { SerialNumber: mfaSerial }),
        },
        ...(code !== undefined && { mfaCodeProvider: async () => code }),
        clientConfig: { ...settings, requestHandler },
      })(),
    (error) => roleFailure(error, role),
  );
}

/**
 * The keys of a role that is assumed with the token of another identity provider.
 * @throws FinchError `AWS_IDENTITY` when it cannot be, `NETWORK`, `CANCELLED`
 */
export async function webIdentityKeys(
  source: WebIdentitySource,
  context: KeyContext,
): Promise<AwsKeys> {
  const { env, now } = context.surroundings;
  const bytes = await readSmallFile(expandPath(source.tokenFile, env));
  if (bytes === undefined) throw webIdentityFailure(undefined, source);
  const token = new TextDecoder().decode(bytes).trim();
  hideSecret(token);
  const settings = await stsSettings(context);
  return withSdk(
    context,
    ({ fromWebToken }, requestHandler) =>
      fromWebToken({
        webIdentityToken: token,
        roleArn: source.roleArn,
        roleSessionName: source.sessionName ?? `finch-${now()}`,
        clientConfig: { ...settings, requestHandler },
      })(),
    (error) => webIdentityFailure(error, source),
  );
}

/**
 * The keys of a role of IAM Identity Center, for which the user has signed in with `aws sso login`.
 * @throws FinchError `AWS_IDENTITY` when that has ended, `NETWORK`, `CANCELLED`
 */
export async function ssoKeys(source: SsoSource, context: KeyContext): Promise<AwsKeys> {
  const token = await usableSsoToken(source, context);
  const { startUrl, account, region, role, session, profile } = source;
  return withSdk(
    context,
    ({ fromSSO }, requestHandler) =>
      fromSSO({
        ...{ profile, ssoStartUrl: startUrl, ssoAccountId: account },
        ...{ ssoRegion: region, ssoRoleName: role },
        ...(session !== undefined && { ssoSession: session }),
        clientConfig: { requestHandler },
      })(),
    (error, status) => ssoFailure(error, source, { ...token, status }),
  );
}

/**
 * The keys of a session that `aws login` has begun.
 * @throws FinchError `AWS_IDENTITY` when there is none, `NETWORK`, `CANCELLED`
 */
export async function loginKeys(source: LoginSource, context: KeyContext): Promise<AwsKeys> {
  await assertLogin(source, context);
  const region = await context.identity.region();
  return withSdk(
    context,
    ({ fromLoginCredentials }, requestHandler) =>
      fromLoginCredentials({
        profile: source.profile,
        clientConfig: { requestHandler, ...(region !== undefined && { region }) },
      })(),
    (error) => loginFailure(error, source),
  );
}

/** Where roles are given out, so that the SDK does not look for that itself, in another profile's settings. */
async function stsSettings({ identity, surroundings }: KeyContext) {
  const asked = (await identity.region()) ?? DEFAULT_REGION;
  const { url, region } = await stsEndpoint(asked, identity, surroundings);
  const isUsual = { useFipsEndpoint: false, useDualstackEndpoint: false };
  return { region, endpoint: url.href, ...isUsual };
}

/** Loads the SDK and asks it, without a word of its own on the terminal. */
async function withSdk(
  context: KeyContext,
  ask: (sdk: Sdk, requestHandler: SdkTransport) => Promise<SdkKeys>,
  explain: (error: unknown, status: number | undefined) => FinchError,
): Promise<AwsKeys> {
  const transport = sdkTransport(context);
  try {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await quietly(async () =>
      ask(await import('@aws-sdk/credential-providers'), transport),
    );
    const keys = hidden({ accessKeyId, secretAccessKey }, sessionToken);
    return expiration === undefined ? keys : { ...keys, expires: expiration };
  } catch (error) {
    const { failure, status } = transport;
    if (hasCode(failure, 'NETWORK')) throw unreachable(failure);
    throw failure ?? explain(error, status);
  }
}

/** The error for a service that did not answer: what the transport says of it speaks of registries. */
function unreachable(error: FinchError): FinchError {
  const isUntrusted = /CERT|UNABLE_TO/.test(networkCode(error) ?? '');
  return new FinchError('NETWORK', error.message, {
    hint: isUntrusted
      ? 'if a proxy opens TLS connections on the way, point AWS_CA_BUNDLE at a file with its certificate authority'
      : 'check the network connection, HTTPS_PROXY and AWS_ENDPOINT_URL',
    cause: error.cause,
  });
}
