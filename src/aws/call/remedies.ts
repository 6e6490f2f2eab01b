import type { AbortOptions } from '../../content.ts';
import type { AwsKeys } from '../identity.ts';
import type { AwsSurroundings } from '../surroundings.ts';
import type { AwsCaller } from './caller.ts';
import { correctClock, isOff } from './clock.ts';
import type { AwsEndpoint } from './endpoints.ts';
import type { AwsRefusal } from './refusal.ts';
import { BAD_SIGNATURE, ENDED, NO_HOST } from './refusal-types.ts';

/** What one attempt depends on that another may do better with. */
export interface Means {
  readonly url: URL;
  /** Undefined for a request that is not signed. */
  readonly keys: AwsKeys | undefined;
}

/** What remedies know beside the refusal. */
interface RemedyContext extends AbortOptions {
  readonly means: Means;
  readonly endpoint: AwsEndpoint;
  readonly identity: AwsCaller;
  readonly surroundings: AwsSurroundings;
}

/** Gives the means of another attempt at once; undefined when it cannot help. */
type Remedy = (
  refusal: AwsRefusal,
  context: RemedyContext,
) => Means | undefined | Promise<Means | undefined>;

const otherName: Remedy = ({ type }, { means, endpoint: { fallback } }) =>
  fallback !== undefined && NO_HOST.test(type) ? { ...means, url: fallback } : undefined;

const rightTime: Remedy = ({ type, clockAheadMs }, { means, surroundings }) =>
  BAD_SIGNATURE.test(type) && isOff(clockAheadMs) && correctClock(surroundings, clockAheadMs)
    ? means
    : undefined;

const newerKeys: Remedy = async ({ type }, { means, identity, signal }) => {
  if (!ENDED.test(type)) return undefined;
  const keys = await identity.keys({ signal });
  return keys?.accessKeyId === means.keys?.accessKeyId ? undefined : { ...means, keys };
};

/** The remedies of one call. Each helps once. */
export class Remedies {
  readonly #left = new Set<Remedy>([otherName, rightTime, newerKeys]);

  /** The means of another attempt; undefined when nothing is left that helps. */
  async against(refusal: AwsRefusal, context: RemedyContext): Promise<Means | undefined> {
    for (const remedy of this.#left) {
      const means = await remedy(refusal, context);
      if (means === undefined) continue;
      this.#left.delete(remedy);
      return means;
    }
    return undefined;
  }
}
