import { isJsonObject, type JsonObject } from '../../oci/json.ts';
import { printable } from '../../text.ts';
import type { AwsCallOptions } from '../call/call.ts';
import type { AwsOutcome } from '../call/refusal.ts';
import type { EcrPlace } from '../ecr-host.ts';
import type { AwsIdentity } from '../identity.ts';
import { callEcr } from './ecr-call.ts';

/** A repository of Amazon ECR. */
export interface EcrRepository {
  readonly name: string;
  /** `111222333444.dkr.ecr.us-east-1.amazonaws.com/app`. */
  readonly uri: string;
  /** Whether no tag of it can be given to another image. */
  readonly isImmutable: boolean;
  /** Whether each image is searched for known faults when it is pushed. */
  readonly scanOnPush: boolean;
}

/** A list of repositories may be long: 1 MiB. */
const MAX_LIST_BYTES = 1024 * 1024;

/** What a new repository is to be. */
export interface NewRepository {
  readonly name: string;
  /** Whether a tag, once pushed, names the same image for ever. */
  readonly immutable?: boolean;
  /** Whether each image is searched for known faults when it is pushed. */
  readonly scanOnPush?: boolean;
  readonly tags?: readonly { readonly key: string; readonly value: string }[];
}

/** What {@link createRepository} makes. */
interface CreateOptions extends AwsCallOptions {
  readonly repository: NewRepository;
}

/**
 * Makes a repository. One that exists already is the refusal `RepositoryAlreadyExistsException`.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
 * @throws FinchError as {@link callEcr}
 */
export function createRepository(
  place: EcrPlace,
  identity: AwsIdentity,
  { repository, ...options }: CreateOptions,
): Promise<AwsOutcome<EcrRepository>> {
  const { name, immutable = false, scanOnPush = false, tags = [] } = repository;
  const call = {
    action: 'CreateRepository',
    input: {
      ...ofAccount(place),
      repositoryName: name,
      ...(immutable && { imageTagMutability: 'IMMUTABLE' }),
      ...(scanOnPush && { imageScanningConfiguration: { scanOnPush } }),
      ...(tags.length > 0 && { tags: tags.map(({ key, value }) => ({ Key: key, Value: value })) }),
    },
    read: (answer: JsonObject) => readRepository(answer['repository']),
  };
  return callEcr(place, call, { ...options, identity });
}

/** A part of the list of all repositories of a registry. */
export interface RepositoryPage {
  readonly names: readonly string[];
  /** What asks for the next part; missing in the last one. */
  readonly next: string | undefined;
}

/**
 * The names of the repositories of a registry, up to 1000 at a time.
 * @throws FinchError as {@link callEcr}
 */
export function listRepositories(
  place: EcrPlace,
  identity: AwsIdentity,
  { next: from, ...options }: AwsCallOptions & { readonly next?: string | undefined },
): Promise<AwsOutcome<RepositoryPage>> {
  const call = {
    action: 'DescribeRepositories',
    input: {
      ...ofAccount(place),
      maxResults: 1000,
      ...(from !== undefined && { nextToken: from }),
    },
    limit: MAX_LIST_BYTES,
    read: ({ repositories: list, nextToken }: JsonObject) => {
      const names = Array.isArray(list)
        ? list.flatMap((entry) => readRepository(entry)?.name ?? [])
        : undefined;
      const next = typeof nextToken === 'string' ? nextToken : undefined;
      return names && { names, next };
    },
  };
  return callEcr(place, call, { ...options, identity });
}

/** Which repositories {@link describeRepositories} asks for. */
export interface DescribeOptions extends AwsCallOptions {
  /** At most 100. */
  readonly names: readonly string[];
}

/**
 * Repositories by their names. One that does not exist is the refusal `RepositoryNotFoundException`, for all of them.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html
 * @throws FinchError as {@link callEcr}
 */
export function describeRepositories(
  place: EcrPlace,
  identity: AwsIdentity,
  { names, ...options }: DescribeOptions,
): Promise<AwsOutcome<readonly EcrRepository[]>> {
  const call = {
    action: 'DescribeRepositories',
    input: { ...ofAccount(place), repositoryNames: names },
    limit: MAX_LIST_BYTES,
    read: ({ repositories: list }: JsonObject) =>
      Array.isArray(list) ? list.flatMap((entry) => readRepository(entry) ?? []) : undefined,
  };
  return callEcr(place, call, { ...options, identity });
}

/** The account of a registry, which may be another than that of the caller. */
function ofAccount(place: EcrPlace): JsonObject {
  const account = place.kind === 'private' ? place.account : undefined;
  return account === undefined ? {} : { registryId: account };
}

function readRepository(entry: unknown): EcrRepository | undefined {
  if (!isJsonObject(entry)) return undefined;
  const { repositoryName: name, repositoryUri: uri, imageTagMutability } = entry;
  const { imageScanningConfiguration: scanning } = entry;
  if (typeof name !== 'string' || typeof uri !== 'string') return undefined;
  return {
    name: printable(name),
    uri: printable(uri),
    isImmutable: imageTagMutability === 'IMMUTABLE',
    scanOnPush: isJsonObject(scanning) && scanning['scanOnPush'] === true,
  };
}
