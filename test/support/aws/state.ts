import type { Repositories, Repository } from './repositories.ts';
import type { AwsRules } from './rules.ts';

/** Someone whom the stand-in knows, and the keys that prove it. */
export interface AwsUser {
  readonly accessKeyId: string;
  /** Begins with `AWS_SECRET_CANARY`. */
  readonly secretAccessKey: string;
  /** Keys of a short life have one; it begins with `AWS_SESSION_CANARY`. */
  readonly sessionToken?: string;
  readonly arn: string;
  /** Twelve digits. */
  readonly account: string;
  readonly userId: string;
}

/** How {@link AwsState.addUser} makes a user. */
export interface UserOptions {
  /** Default: `111222333444`. */
  readonly account?: string;
  /** Default: `alice`. */
  readonly name?: string;
  /** The actions that are allowed: `ecr:GetAuthorizationToken`, `ecr:*`, `*`. Default: all. */
  readonly allow?: readonly string[];
  /** The actions that are denied whatever allows them. Default: none. */
  readonly deny?: readonly string[];
  /** Whether the keys are of a short life, with a session token. */
  readonly session?: boolean;
  /** Whether the session has ended. */
  readonly expired?: boolean;
  /** The only partition that knows the keys: `aws`, `aws-cn`, `aws-us-gov`. Default: every one does. */
  readonly partition?: string;
}

/** A role of an account. */
export interface AwsRole {
  readonly arn: string;
  readonly account: string;
  readonly name: string;
}

/** How {@link AwsState.addRole} makes a role. */
export interface RoleOptions {
  readonly account?: string;
  /** Where it is known. Default: `aws`. */
  readonly partition?: string;
  /** Default: `builder`. */
  readonly name?: string;
  /** Who may take it on, as ARNs. Default: nobody. */
  readonly trusts?: readonly string[];
  /** What who takes it on must say. */
  readonly externalId?: string;
  /** The device whose code who takes it on must give, and that code. */
  readonly mfa?: { readonly serial: string; readonly code: string };
  /** The web identity token that is enough to take it on. */
  readonly webIdentity?: string;
  /** What it allows. Default: all. */
  readonly allow?: readonly string[];
}

/** A request that the stand-in has had. */
export interface AwsRequest {
  /** As in its `Host` header, in lower case and without a port. */
  readonly host: string;
  /** `ecr`, `ecr-public`, `sts`, `registry` or `none`. */
  readonly service: string;
  /** `GetAuthorizationToken`; for the registry `PUT /v2/app/manifests/1`. */
  readonly action: string;
  /** The ARN of who has signed it, or whose token it is. */
  readonly principal?: string;
  readonly status: number;
  /** How AWS names the error that it was answered with. */
  readonly type?: string;
  /** Its `Authorization` header. */
  readonly authorization?: string;
}

/** Something that goes wrong, which {@link AwsState.fail} arranges. */
export interface Fault {
  /**
   * What it happens to: an action as policies call it, with or without its service
   * (`ecr-public:GetAuthorizationToken`, `PutImage`), a registry's request (`PUT /v2/app/manifests/1`), or what
   * matches one of these. Default: everything.
   */
  readonly action?: string | RegExp;
  /** Default: 400; 500 for a type of the server's own and for the registry. */
  readonly status?: number;
  /** `ThrottlingException` */
  readonly type?: string;
  readonly message?: string;
  /** How often. Default: always. */
  readonly times?: number;
  /** Milliseconds before the answer. Without anything else, the answer is then the usual one. */
  readonly delayMs?: number;
  /** Whether the connection is broken in place of an answer. */
  readonly reset?: boolean;
  /** The body in place of the one that the service's errors have. */
  readonly body?: string;
  /** Further headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A token that was given out. */
export interface IssuedToken {
  /** The account of the registry that it was asked for. */
  readonly account: string;
  readonly region: string;
  readonly service: 'ecr' | 'ecr-public';
  readonly expires: Date;
  /** Whose it is, and so what it allows. */
  readonly principal: AwsUser;
}

/** What the stand-in knows and remembers, for those who ask it from inside. */
export interface AwsState {
  /** Every request so far, also those of the registry. */
  readonly log: readonly AwsRequest[];
  /** How far its clock is ahead of this machine's, also in its `Date` header. */
  clockOffsetMs: number;
  /** Milliseconds since 1970 by its clock. */
  now(): number;
  addUser(options?: UserOptions): AwsUser;
  addRole(options?: RoleOptions): AwsRole;
  /** Makes keys unknown, as when a user was deleted. */
  removeUser(user: AwsUser): void;
  /** Makes something go wrong from now on, `times` times; what was arranged first happens first. */
  fail(fault: Fault): void;
  /** Ends all that {@link fail} arranged, and all {@link rules}. */
  recover(): void;
  /** What is known of a token, or of the password in it. Ended ones are known too. */
  issued(token: string): IssuedToken | undefined;
  /** Ends a token at once. */
  expire(token: string): void;
  readonly repositories: Repositories;
  /** What holds for everybody; a test changes it. */
  readonly rules: AwsRules;
  /**
   * Why a user may not do something, in AWS's words; `undefined` when it is allowed. Of another account, both
   * the user's policy and the repository's must allow it.
   */
  refusal(user: AwsUser, action: string, on?: Repository | string): string | undefined;
}
