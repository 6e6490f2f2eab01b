import { createHash } from 'node:crypto';
import { partitionOf } from './partitions.ts';

/** An image in a repository. */
export interface RepositoryImage {
  readonly digest: string;
  readonly tags: Set<string>;
  readonly sizeInBytes: number;
  readonly mediaType: string;
  readonly pushedAt: Date;
}

/** A repository of an account's registry in a region, or of its public one. */
export interface Repository {
  readonly account: string;
  /** For a public one `us-east-1`. */
  readonly region: string;
  /** Below the registry; for a public one without the alias. */
  readonly name: string;
  readonly isPublic: boolean;
  readonly arn: string;
  /** Where it is pushed to: `111222333444.dkr.ecr.eu-west-1.amazonaws.com/app`. */
  readonly uri: string;
  readonly created: Date;
  mutability: string;
  scanOnPush: boolean;
  readonly tags: Map<string, string>;
  /** By digest; the registry's side enters and removes them. */
  readonly images: Map<string, RepositoryImage>;
  /** What its policy allows other accounts. */
  readonly grants: { readonly account: string; readonly actions: readonly string[] }[];
}

/** Where a repository is. */
export interface RepositoryPlace {
  /** Default: `111222333444`. */
  readonly account?: string;
  /** Default: `us-east-1`. */
  readonly region?: string;
  readonly name: string;
  readonly isPublic?: boolean;
}

/** How a repository is made. */
export interface RepositoryOptions extends RepositoryPlace {
  /** `MUTABLE`, `IMMUTABLE` and so on. Default: `MUTABLE`. */
  readonly mutability?: string;
  readonly scanOnPush?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
  readonly created?: Date;
}

/** A rule by which a prefix of a registry stands for another registry. */
export interface PullThroughRule {
  readonly prefix: string;
  readonly upstream: string;
  readonly account: string;
  readonly region: string;
  readonly created: Date;
  /** Whether the other registry takes the rule's secret. Default: it does. */
  readonly isRefused?: boolean;
}

/** The account that tests use when they name none. */
export const ACCOUNT = '111222333444';

/** The repositories of every account. */
export class Repositories {
  readonly pullThrough: PullThroughRule[] = [];
  readonly #all = new Map<string, Repository>();

  /** Makes one; replaces none. */
  create(options: RepositoryOptions): Repository {
    const { account, region, name, isPublic } = whole(options);
    const partition = partitionOf(region);
    const service = isPublic ? 'ecr-public' : 'ecr';
    const arnRegion = isPublic ? '' : region;
    const repository: Repository = {
      ...{ account, region, name, isPublic },
      arn: `arn:${partition.name}:${service}:${arnRegion}:${account}:repository/${name}`,
      uri: isPublic
        ? `public.ecr.aws/${aliasOf(account)}/${name}`
        : `${account}.dkr.ecr.${region}.${partition.suffix}/${name}`,
      created: options.created ?? new Date(),
      mutability: options.mutability ?? 'MUTABLE',
      scanOnPush: options.scanOnPush ?? false,
      tags: new Map(Object.entries(options.tags ?? {})),
      ...{ images: new Map(), grants: [] },
    };
    const key = keyOf(options);
    if (this.#all.has(key)) throw new Error(`there is a repository ${key} already`);
    this.#all.set(key, repository);
    return repository;
  }

  /** The one of that name. */
  find(place: RepositoryPlace): Repository | undefined {
    return this.#all.get(keyOf(place));
  }

  /** The rule that the name of a repository is below. */
  ruleFor(place: RepositoryPlace): PullThroughRule | undefined {
    const { account, region, name } = whole(place);
    return this.pullThrough.find(
      (rule) =>
        rule.account === account && rule.region === region && name.startsWith(`${rule.prefix}/`),
    );
  }

  /** The public one that clients call `ALIAS/NAME`. */
  findPublic(path: string): Repository | undefined {
    return [...this.#all.values()].find(({ uri }) => uri === `public.ecr.aws/${path}`);
  }

  /** Those of a registry, by name. */
  list({ account, region, isPublic }: Omit<RepositoryPlace, 'name'> = {}): readonly Repository[] {
    const place = whole({ account, region, isPublic, name: '' });
    return [...this.#all.values()]
      .filter((it) => it.account === place.account && it.region === place.region)
      .filter((it) => it.isPublic === place.isPublic)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Removes the one of that name; says whether there was one. */
  remove(place: RepositoryPlace): boolean {
    return this.#all.delete(keyOf(place));
  }
}

/** The name that ECR Public gives to an account's registry: `public.ecr.aws/ALIAS/…`. */
export function aliasOf(account: string): string {
  const digits = createHash('sha256').update(account).digest('hex').slice(0, 7);
  return `a${digits}`;
}

function keyOf(place: RepositoryPlace): string {
  const { account, region, name, isPublic } = whole(place);
  return `${isPublic ? 'public' : region}/${account}/${name}`;
}

function whole(place: {
  readonly account?: string | undefined;
  readonly region?: string | undefined;
  readonly name: string;
  readonly isPublic?: boolean | undefined;
}): Required<RepositoryPlace> {
  const { account = ACCOUNT, name, isPublic = false } = place;
  return {
    account,
    name,
    isPublic,
    region: isPublic ? 'us-east-1' : (place.region ?? 'us-east-1'),
  };
}
