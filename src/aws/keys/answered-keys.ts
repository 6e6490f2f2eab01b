import type { FinchError } from '../../errors.ts';
import type { AwsKeys } from '../identity.ts';
import { hidden } from './static-keys.ts';

/** How an answer with keys is read. */
export interface AnsweredKeysOptions {
  /** What the session token is called in it: `SessionToken`, `Token`. */
  readonly token: string;
  /** The version that it must say; default: none. */
  readonly version?: number;
  /** The error for an answer that is not one: `no JSON`, `no SecretAccessKey`. */
  readonly fault: (why: string) => FinchError;
}

/** The keys in an answer of a program or a metadata service, which are JSON of one shape; their secrets are hidden from here on. */
export function parseAnsweredKeys(
  bytes: Uint8Array,
  { token, version, fault }: AnsweredKeysOptions,
): AwsKeys {
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw fault('no JSON');
  }
  if (typeof answer !== 'object' || answer === null) throw fault('no JSON object');
  const members = new Map(Object.entries(answer));
  const text = (name: string): string | undefined => {
    const value: unknown = members.get(name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  if (version !== undefined && members.get('Version') !== version) {
    throw fault(`no keys of "Version": ${version}`);
  }
  const accessKeyId = text('AccessKeyId');
  const secretAccessKey = text('SecretAccessKey');
  if (accessKeyId === undefined) throw fault('no AccessKeyId');
  if (secretAccessKey === undefined) throw fault('no SecretAccessKey');
  const keys = hidden({ accessKeyId, secretAccessKey }, text(token));
  const expires = new Date(text('Expiration') ?? Number.NaN);
  return Number.isNaN(expires.getTime()) ? keys : { ...keys, expires };
}
