import type { Repositories, Repository } from './repositories.ts';
import type { AwsRules, CallRate } from './rules.ts';
import type { AwsUser } from './state.ts';
import type { Tokens } from './tokens.ts';
import type { Users } from './users.ts';

/** What an operation works on. */
export interface World {
  readonly users: Users;
  readonly tokens: Tokens;
  readonly repositories: Repositories;
  readonly rules: AwsRules;
  readonly rate: CallRate;
  /** Milliseconds since 1970, by the stand-in's clock. */
  now(): number;
}

/** A call whose sender is believed. */
export interface Call {
  readonly input: Readonly<Record<string, unknown>>;
  /** Who calls; missing only where a call needs no signature. */
  readonly user: AwsUser;
  readonly region: string;
}

/** What a service does on a call; gives what the answer holds. */
export type Operation = (call: Call, world: World) => unknown;

/** An operation's own error. */
export class ApiFailure extends Error {
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

/** That a policy does not allow something; each service has a name of its own for it. */
export class Denied extends Error {}

/** @throws Denied unless the caller's policy allows the action. */
export function check(
  { user }: Call,
  action: string,
  { world, on }: { world: World; on?: Repository | string },
): void {
  const refusal = world.users.refusal(user, action, on);
  if (refusal !== undefined) throw new Denied(refusal);
}

/** A text of the input. */
export function text({ input }: Call, name: string): string | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw new ApiFailure('SerializationException', `${name} is not a string`);
}

/** A list of texts of the input. */
export function texts({ input }: Call, name: string): readonly string[] | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value.map(String);
  throw new ApiFailure('SerializationException', `${name} is not a list`);
}

/** One page of a list, as `maxResults` and `nextToken` of the input cut it. */
export function paged<Item>(
  { input }: Call,
  items: readonly Item[],
): { readonly page: readonly Item[]; readonly next: { readonly nextToken?: string } } {
  const { maxResults = 100, nextToken } = input;
  const start = nextToken === undefined ? 0 : Number(Buffer.from(`${nextToken}`, 'base64'));
  if (!Number.isInteger(start)) throw invalid('nextToken', 'it is not one of ours');
  const size = Number(maxResults);
  if (!(size >= 1 && size <= 1000)) throw invalid('maxResults', 'it is not from 1 to 1000');
  const end = start + size;
  const next = end < items.length && { nextToken: Buffer.from(`${end}`).toString('base64') };
  return { page: items.slice(start, end), next: next || {} };
}

/** What is said of a value that cannot be. */
export function invalid(name: string, constraint: string): ApiFailure {
  return new ApiFailure(
    'InvalidParameterException',
    `Invalid parameter at '${name}' failed to satisfy constraint: '${constraint}'`,
  );
}

/** A time as AWS JSON has it: seconds since 1970. */
export function seconds(time: Date): number {
  return time.getTime() / 1000;
}
