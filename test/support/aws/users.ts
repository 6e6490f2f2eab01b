import { randomBytes, randomUUID } from 'node:crypto';
import { ACCOUNT, type Repository } from './repositories.ts';
import { AWS_SECRET_CANARY, AWS_SESSION_CANARY } from './secrets.ts';
import type { AwsRole, AwsUser, RoleOptions, UserOptions } from './state.ts';
import type { KnownKey } from './verify.ts';

/** A role with what guards it. */
export interface GuardedRole extends AwsRole, Required<Pick<RoleOptions, 'trusts' | 'allow'>> {
  readonly externalId?: string;
  readonly mfa?: { readonly serial: string; readonly code: string };
  readonly webIdentity?: string;
  readonly roleId: string;
}

/** Who exists, by which keys, and what they may do. */
export class Users {
  readonly #keys = new Map<string, KnownKey<AwsUser> & { readonly partition?: string }>();
  readonly #roles = new Map<string, GuardedRole>();
  /** What each principal may do, by ARN. */
  readonly #allowed = new Map<string, readonly string[]>();
  /** What is denied to each all the same. */
  readonly #denied = new Map<string, readonly string[]>();

  add(options: UserOptions, now: number): AwsUser {
    const { account = ACCOUNT, name = 'alice', allow = ['*'], session = false } = options;
    const isSession = session || options.expired === true;
    const user = {
      ...newKeys(isSession),
      ...{ arn: `arn:aws:iam::${account}:user/${name}`, account, userId: newId('AIDA') },
    };
    const ends = now + (options.expired === true ? -60_000 : 3_600_000);
    const { partition } = options;
    this.#enter(user, {
      ...(isSession && { ends }),
      ...(partition !== undefined && { partition }),
    });
    this.#allowed.set(user.arn, allow);
    this.#denied.set(user.arn, options.deny ?? []);
    return user;
  }

  addRole({
    account = ACCOUNT,
    partition = 'aws',
    name = 'builder',
    trusts = [],
    allow = ['*'],
    ...guards
  }: RoleOptions): AwsRole {
    const arn = `arn:${partition}:iam::${account}:role/${name}`;
    const role = { ...guards, ...{ arn, account, name, trusts, allow, roleId: newId('AROA') } };
    this.#roles.set(arn, role);
    return { arn, account, name };
  }

  role(arn: string): GuardedRole | undefined {
    return this.#roles.get(arn);
  }

  /** Keys of a short life for who takes on a role. */
  takeOn(role: GuardedRole, { name, ends }: { name: string; ends: number }): AwsUser {
    const { account } = role;
    const [, partition] = role.arn.split(':');
    const arn = `arn:${partition}:sts::${account}:assumed-role/${role.name}/${name}`;
    const user = { ...newKeys(true), ...{ arn, account, userId: `${role.roleId}:${name}` } };
    this.#enter(user, { ends });
    this.#allowed.set(arn, role.allow);
    return user;
  }

  remove({ accessKeyId }: AwsUser): void {
    this.#keys.delete(accessKeyId);
  }

  keyOf(accessKeyId: string, partition?: string): KnownKey<AwsUser> | undefined {
    const known = this.#keys.get(accessKeyId);
    const isElsewhere =
      known?.partition !== undefined && partition !== undefined && known.partition !== partition;
    return isElsewhere ? undefined : known;
  }

  /** The one of that ARN, among those who have keys. */
  byArn(arn: string): AwsUser | undefined {
    return [...this.#keys.values()].find(({ owner }) => owner.arn === arn)?.owner;
  }

  refusal(user: AwsUser, action: string, on: Repository | string = '*'): string | undefined {
    const resource = typeof on === 'string' ? on : on.arn;
    const asked = `User: ${user.arn} is not authorized to perform: ${action} on resource: ${resource}`;
    if (allows(this.#denied.get(user.arn) ?? [], action)) {
      return `${asked} with an explicit deny in an identity-based policy`;
    }
    const no = (policy: string) =>
      `${asked} because no ${policy} policy allows the ${action} action`;
    if (!allows(this.#allowed.get(user.arn) ?? [], action)) return no('identity-based');
    if (typeof on === 'string' || on.account === user.account) return undefined;
    const granted = on.grants.filter(({ account }) => account === user.account);
    return granted.some(({ actions }) => allows(actions, action))
      ? undefined
      : no('resource-based');
  }

  #enter(owner: AwsUser, more: { readonly ends?: number; readonly partition?: string }): void {
    const { secretAccessKey, sessionToken } = owner;
    const token = sessionToken !== undefined && { sessionToken };
    this.#keys.set(owner.accessKeyId, { owner, secretAccessKey, ...token, ...more });
  }
}

function newKeys(
  isSession: boolean,
): Pick<AwsUser, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'> {
  return {
    accessKeyId: newId(isSession ? 'ASIA' : 'AKIA'),
    secretAccessKey: `${AWS_SECRET_CANARY}${randomBytes(14).toString('base64').slice(0, 18)}`,
    ...(isSession && {
      sessionToken: `${AWS_SESSION_CANARY}${randomBytes(90).toString('base64')}`,
    }),
  };
}

function newId(prefix: string): string {
  return prefix + randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase();
}

/** Whether a list of actions has one, with `*` for any rest. */
function allows(list: readonly string[], action: string): boolean {
  const is = (it: string) =>
    it.endsWith('*') ? action.startsWith(it.slice(0, -1)) : it === action;
  return list.some(is);
}
