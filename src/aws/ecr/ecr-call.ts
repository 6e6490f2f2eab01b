import { isJsonObject, type JsonObject } from '../../oci/json.ts';
import { type AwsCallOptions, callAws } from '../call/call.ts';
import { ecrEndpoint } from '../call/endpoints.ts';
import type { AwsOutcome } from '../call/refusal.ts';
import type { EcrPlace } from '../ecr-host.ts';
import type { AwsIdentity } from '../identity.ts';

/** What the two services of Amazon ECR are called in requests. */
const TARGETS = {
  private: { service: 'ecr', target: 'AmazonEC2ContainerRegistry_V20150921' },
  public: { service: 'ecr-public', target: 'SpencerFrontendService' },
} as const;

/** An operation of Amazon ECR. */
export interface EcrCall<T> {
  /** `GetAuthorizationToken`. */
  readonly action: string;
  readonly input: JsonObject;
  /** The most bytes of an answer. */
  readonly limit?: number;
  /** What the answer says; undefined when it is not what it should be. */
  readonly read: (answer: JsonObject) => T | undefined;
}

/**
 * Calls Amazon ECR for a place, private or public.
 * https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 * @throws FinchError `AWS_IDENTITY`, `USAGE` for an endpoint or a region that cannot be used, `CANCELLED`
 */
export async function callEcr<T>(
  place: EcrPlace,
  { action, input, limit, read }: EcrCall<T>,
  { identity, ...options }: AwsCallOptions & { readonly identity: AwsIdentity },
): Promise<AwsOutcome<T>> {
  const { service, target } = TARGETS[place.kind];
  const endpoint = await ecrEndpoint(place, identity);
  const call = {
    ...{ service, action, endpoint },
    ...(limit !== undefined && { limit }),
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `${target}.${action}`,
    },
    body: JSON.stringify(input),
    read: (text: string) => {
      const answer = jsonObject(text);
      return answer && read(answer);
    },
  };
  return callAws(call, identity, options);
}

function jsonObject(text: string): JsonObject | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isJsonObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
