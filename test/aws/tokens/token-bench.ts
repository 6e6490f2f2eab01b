import { join } from 'node:path';
import type { Aws } from '../../../src/aws/aws.ts';
import { parseEcrHost } from '../../../src/aws/ecr-host.ts';
import { openAws } from '../../../src/aws/open-aws.ts';
import type { AwsSurroundings } from '../../../src/aws/surroundings.ts';
import { sendRequest } from '../../../src/http/transport.ts';
import type { AwsStandIn, AwsUser } from '../../support/aws/stand-in.ts';
import { temporaryFolder } from '../../support/temporary.ts';

/** In milliseconds. */
export const HOUR = 3_600_000;

/** The host of {@link REGISTRY}. */
export const HOST = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';

/** The registry that most tests ask for. */
export const REGISTRY = registryOf(HOST);

/** The registry of a host of Amazon ECR. */
export function registryOf(host: string) {
  const registry = parseEcrHost(host);
  if (registry === undefined) throw new Error(`${host} is no registry`);
  return registry;
}

/** One process of finch after another, in one home. */
export interface TokenBench extends AsyncDisposable {
  readonly home: string;
  readonly user: AwsUser;
  /** What was traced. */
  readonly traced: readonly string[];
  /** Lets time go by, for everyone. */
  pass(milliseconds: number): void;
  start(options?: StartOptions): Aws;
  /** One that is a credential helper. */
  helper(options?: StartOptions): Aws;
}

interface StartOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly surroundings?: Partial<AwsSurroundings>;
  readonly profileFor?: (host: string) => Promise<string | undefined>;
}

/** A home for processes of finch, and a user of the stand-in. */
export async function tokenBench(aws: AwsStandIn): Promise<TokenBench> {
  const folder = await temporaryFolder();
  const home = folder.path;
  const user = aws.addUser();
  const traced: string[] = [];
  const start: TokenBench['start'] = ({
    env = {},
    surroundings = {},
    profileFor = async () => undefined,
  } = {}) => {
    const usual = {
      ...{ HOME: home, AWS_ENDPOINT_URL: aws.endpoint, AWS_EC2_METADATA_DISABLED: 'true' },
      AWS_ACCESS_KEY_ID: user.accessKeyId,
      AWS_SECRET_ACCESS_KEY: user.secretAccessKey,
    };
    const around = {
      ...{ env: { ...usual, ...env }, home: join(home, '.finch'), userAgent: 'finch/test' },
      ...{ transport: sendRequest, now: () => aws.now(), report: () => {} },
      trace: (line: string) => traced.push(line),
    };
    return openAws({ ...around, ...surroundings }, { profileFor });
  };
  return {
    ...{ home, user, traced, start },
    pass(milliseconds) {
      aws.clockOffsetMs += milliseconds;
    },
    helper: ({ surroundings, ...options } = {}) =>
      start({ ...options, surroundings: { isHelper: true, ...surroundings } }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** How often a token was asked for during `work`. */
export async function askedDuring(work: () => Promise<unknown>, aws: AwsStandIn): Promise<number> {
  const before = aws.log.length;
  await work();
  return aws.log.slice(before).filter(({ action }) => action === 'GetAuthorizationToken').length;
}

/** The error of what has to fail. */
export async function failureOf(work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('it did not fail');
  return error;
}
