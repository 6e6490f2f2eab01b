import type { FinchError } from '../../errors.ts';
import type { SsoSource } from '../files/sso-source.ts';
import type { AwsKeys } from '../identity.ts';
import type { KeyContext } from './key-context.ts';
import type { LoginSource } from './key-source.ts';
import { type SdkRefusal, type SdkTransport, sdkTransport } from './sdk-transport.ts';
import { assertLogin, loginFailure, ssoFailure, usableSsoToken } from './sso-session.ts';
import { hidden } from './static-keys.ts';
import { withoutConsole } from './without-console.ts';

/**
 * What the AWS SDK does for finch: the sign-ins of people, IAM Identity Center and `aws login`, which renew sessions and
 * write the files that the AWS CLI shares with them. Everything else is finch's own, because the SDK does it
 * differently: roles are one signed request beside those of `call/`, with their retries, clock, time limits
 * and advice; the container and the metadata service are asked once and past proxies; the SDK lets the stderr of
 * a `credential_process` through to the terminal.
 */

/** Sends of one request: the second is still within the time for all. */
const MAX_ATTEMPTS = 2;

/** Keys as the SDK has them. */
interface SdkKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly expiration?: Date | undefined;
}

type Sdk = typeof import('@aws-sdk/credential-providers');

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
        ...{ profile, ssoAccountId: account, ssoRegion: region, ssoRoleName: role },
        ...(token.isRenewable && session !== undefined
          ? { ssoStartUrl: startUrl, ssoSession: session }
          : // It would not use a token of a session in its last minutes; all it does with this is to find the file.
            { ssoStartUrl: session ?? startUrl }),
        clientConfig: { requestHandler, maxAttempts: MAX_ATTEMPTS },
      })(),
    (error, refusal) => ssoFailure(error, source, { ...token, refusal }),
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
        clientConfig: {
          ...{ requestHandler, maxAttempts: MAX_ATTEMPTS },
          ...(region !== undefined && { region }),
        },
      })(),
    (error, refusal) => loginFailure(error, source, { region, refusal }),
  );
}

/** Loads the SDK and asks it, without a word of its own on the terminal. */
async function withSdk(
  context: KeyContext,
  ask: (sdk: Sdk, requestHandler: SdkTransport) => Promise<SdkKeys>,
  explain: (error: unknown, refusal: SdkRefusal | undefined) => FinchError,
): Promise<AwsKeys> {
  const transport = sdkTransport(context);
  try {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await withoutConsole(
      async () => ask(await import('@aws-sdk/credential-providers'), transport),
    );
    const keys = hidden({ accessKeyId, secretAccessKey }, sessionToken);
    return expiration === undefined ? keys : { ...keys, expires: expiration };
  } catch (error) {
    throw transport.failure ?? explain(error, transport.refusal);
  }
}
