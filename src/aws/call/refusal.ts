import type { AwsKeys } from '../identity.ts';

/** Who asked AWS for what, and where. */
export interface AwsAsked {
  /** What was asked for: `ecr:GetAuthorizationToken`. */
  readonly action: string;
  /** As it is named in actions: `ecr`. */
  readonly service: string;
  readonly region: string;
  /** `host[:port]`. */
  readonly host: string;
  /** Whether the user put that host in place of AWS's own. */
  readonly isOverridden: boolean;
  /** The proxy that connects to it: `127.0.0.1:3128 of HTTPS_PROXY`. */
  readonly proxy: string | undefined;
  /** What needs no proxy, as the user set it, safe to show. */
  readonly noProxy: string | undefined;
  /** How often it was asked. */
  readonly attempts: number;
  /** Where the keys come from: `profile dev`. */
  readonly source: string;
  readonly accessKeyId: string;
  /** Whether a session token belongs to the keys. */
  readonly isSession: boolean;
}

/** Why a call had no result. */
export interface AwsRefusal extends AwsAsked {
  /** AWS said no; somebody else than AWS answered; nobody answered. */
  readonly kind: 'refused' | 'foreign' | 'unreachable';
  /** Whether the same call may go through later: AWS is busy or broken, or the network is. */
  readonly isPassing: boolean;
  /** Of an answer. */
  readonly status?: number;
  /** Its name at AWS, `ExpiredTokenException`; of who was not reached, the system's code. */
  readonly type: string;
  /** What AWS says, or what happened, safe to show. */
  readonly message: string;
  /** How far the time of the signature is before that of AWS, in milliseconds; negative when behind. */
  readonly clockAheadMs?: number;
  readonly cause?: unknown;
}

/** The access key that a request was signed with. */
export type SigningKey = Pick<AwsKeys, 'accessKeyId' | 'expires' | 'assumedWith'>;

/** What came of a call. */
export type AwsOutcome<T> =
  | {
      readonly ok: true;
      readonly value: T;
      /** Undefined where the request was not signed. */
      readonly signer: SigningKey | undefined;
    }
  | { readonly ok: false; readonly refusal: AwsRefusal };
