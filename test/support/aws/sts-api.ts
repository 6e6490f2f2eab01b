import { ApiFailure, type Call, Denied, type Operation, text, type World } from './operations.ts';
import type { GuardedRole } from './users.ts';

/**
 * What AWS STS does.
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html
 */
export const stsOperations: Readonly<Record<string, Operation>> = {
  GetCallerIdentity({ user: { arn, userId, account } }) {
    return { Arn: arn, UserId: userId, Account: account };
  },

  AssumeRole(call, world) {
    const arn = wanted(call, 'RoleArn');
    const role = world.users.role(arn);
    const isTrusted =
      role?.trusts.includes(call.user.arn) && role.externalId === text(call, 'ExternalId');
    // Who may not take on a role does not learn whether there is one.
    if (!role || !isTrusted || world.users.refusal(call.user, 'sts:AssumeRole') !== undefined) {
      throw new Denied(
        `User: ${call.user.arn} is not authorized to perform: sts:AssumeRole on resource: ${arn}`,
      );
    }
    const { mfa } = role;
    if (mfa !== undefined && text(call, 'SerialNumber') !== mfa.serial) {
      throw new Denied(
        `User: ${call.user.arn} is not authorized to perform: sts:AssumeRole on resource: ${arn} with an explicit deny`,
      );
    }
    if (mfa !== undefined && text(call, 'TokenCode') !== mfa.code) {
      throw new Denied('MultiFactorAuthentication failed with invalid MFA one time pass code. ');
    }
    return takenOn(call, { role, world });
  },

  AssumeRoleWithWebIdentity(call, world) {
    const role = world.users.role(wanted(call, 'RoleArn'));
    const token = wanted(call, 'WebIdentityToken');
    if (role?.webIdentity === undefined) {
      throw new Denied('Not authorized to perform sts:AssumeRoleWithWebIdentity');
    }
    if (role.webIdentity !== token) {
      throw new ApiFailure('InvalidIdentityToken', 'Incorrect token audience');
    }
    return {
      SubjectFromWebIdentityToken: 'system:serviceaccount:default:builder',
      ...takenOn(call, { role, world }),
      Provider: 'arn:aws:iam::111222333444:oidc-provider/oidc.test',
      Audience: 'sts.amazonaws.com',
    };
  },
};

/** The operations of STS for which a request needs no signature. */
export const UNSIGNED: readonly string[] = ['AssumeRoleWithWebIdentity'];

function takenOn(call: Call, { role, world }: { role: GuardedRole; world: World }): object {
  const duration = Number(text(call, 'DurationSeconds') ?? 3600);
  if (!(duration >= 900 && duration <= 43_200)) {
    throw new ApiFailure(
      'ValidationError',
      `1 validation error detected: Value '${duration}' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900`,
    );
  }
  const ends = Math.floor(world.now() / 1000 + duration) * 1000;
  const user = world.users.takeOn(role, { name: wanted(call, 'RoleSessionName'), ends });
  return {
    Credentials: {
      AccessKeyId: user.accessKeyId,
      SecretAccessKey: user.secretAccessKey,
      SessionToken: user.sessionToken ?? '',
      Expiration: new Date(ends).toISOString().replace('.000Z', 'Z'),
    },
    AssumedRoleUser: { AssumedRoleId: user.userId, Arn: user.arn },
  };
}

function wanted(call: Call, name: string): string {
  const value = text(call, name);
  if (value !== undefined && value !== '') return value;
  const at = name[0]?.toLowerCase() + name.slice(1);
  throw new ApiFailure(
    'ValidationError',
    `1 validation error detected: Value null at '${at}' failed to satisfy constraint: Member must not be null`,
  );
}
