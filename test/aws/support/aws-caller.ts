import type { AwsIdentity } from '../../../src/aws/identity.ts';
import { openIdentity } from '../../../src/aws/keys/open-identity.ts';
import type { AwsSurroundings } from '../../../src/aws/surroundings.ts';
import { proxyFor } from '../../../src/http/proxy.ts';
import { transportWith } from '../../../src/http/transport.ts';
import type { AwsStandIn, AwsUser } from '../../support/aws/stand-in.ts';
import { temporaryFolder } from '../../support/temporary.ts';

/** Somebody who calls AWS, with what was said to the user and what was traced. */
export interface AwsCaller extends AsyncDisposable {
  readonly identity: AwsIdentity;
  readonly surroundings: AwsSurroundings;
  readonly reported: readonly string[];
  readonly traced: readonly string[];
}

/** A caller with the environment that the stand-in gives a user, and `extra`. */
export async function awsCaller(
  aws: AwsStandIn,
  user: AwsUser,
  extra: Readonly<Record<string, string>> = {},
): Promise<AwsCaller> {
  const folder = await temporaryFolder();
  const env = { HOME: folder.path, ...aws.environment(user), ...extra };
  const reported: string[] = [];
  const traced: string[] = [];
  const surroundings: AwsSurroundings = {
    ...{ env, home: folder.path, userAgent: 'finch/test', now: Date.now },
    transport: transportWith({ proxyFor: (url) => proxyFor(url, env) }),
    trace: (line) => traced.push(line),
    report: (line) => reported.push(line),
  };
  return {
    ...{ identity: await openIdentity(surroundings), surroundings, reported, traced },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
