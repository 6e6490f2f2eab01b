import {
  ApiFailure,
  type Call,
  check,
  invalid,
  type Operation,
  paged,
  seconds,
  text,
  texts,
  type World,
} from './operations.ts';
import { partitionOf } from './partitions.ts';
import type { Repository } from './repositories.ts';

const TOKEN_LIFE_MS = 12 * 60 * 60_000;
const WORD = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const NAME = new RegExp(`^(?=.{2,256}$)${WORD}(?:/${WORD})*$`);

/**
 * What Amazon ECR does.
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html
 */
export const ecrOperations: Readonly<Record<string, Operation>> = {
  GetAuthorizationToken(call, world) {
    check(call, 'ecr:GetAuthorizationToken', { world });
    const { user, region } = call;
    const expires = new Date(world.now() + TOKEN_LIFE_MS);
    return {
      authorizationData: (texts(call, 'registryIds') ?? [user.account]).map((account) => ({
        authorizationToken: world.tokens.issue({
          ...{ account, region, service: 'ecr', expires, principal: user },
        }),
        expiresAt: seconds(expires),
        proxyEndpoint: `https://${account}.dkr.ecr.${region}.${partitionOf(region).suffix}`,
      })),
    };
  },

  CreateRepository(call, world) {
    const name = newName(call);
    const { region } = call;
    const account = accountOf(call);
    check(call, 'ecr:CreateRepository', { world, on: arnOf(call, name) });
    if (world.repositories.find({ account, region, name })) throw exists(call, name);
    const { repositoryQuota = Number.POSITIVE_INFINITY } = world.rules;
    if (world.repositories.list({ account, region }).length >= repositoryQuota) {
      throw new ApiFailure(
        'LimitExceededException',
        `The maximum number of repositories per account has been reached: ${repositoryQuota}`,
      );
    }
    const mutability = text(call, 'imageTagMutability') ?? 'MUTABLE';
    if (!/^(IM)?MUTABLE(_WITH_EXCLUSION)?$/.test(mutability)) {
      throw invalid(
        'imageTagMutability',
        'Member must satisfy enum value set: [MUTABLE, IMMUTABLE]',
      );
    }
    const repository = world.repositories.create({
      ...{ account, region, name, mutability, tags: tagsOf(call) },
      scanOnPush: scansOnPush(call),
      created: new Date(world.now()),
    });
    return { repository: described(repository) };
  },

  DescribeRepositories(call, world) {
    const { region } = call;
    const account = accountOf(call);
    const names = texts(call, 'repositoryNames');
    check(call, 'ecr:DescribeRepositories', { world, on: arnOf(call, names?.[0] ?? '*') });
    const found =
      names?.map((name) => findOrFail(call, { world, name })) ??
      world.repositories.list({ account, region });
    const { page, next } = paged(call, found);
    return { repositories: page.map(described), ...next };
  },

  DeleteRepository(call, world) {
    const name = text(call, 'repositoryName') ?? '';
    const repository = findOrFail(call, { world, name });
    check(call, 'ecr:DeleteRepository', { world, on: repository });
    if (repository.images.size > 0 && call.input['force'] !== true) {
      throw new ApiFailure(
        'RepositoryNotEmptyException',
        `The repository with name '${name}' in registry with id '${repository.account}' cannot be deleted because it still contains images`,
      );
    }
    world.repositories.remove(repository);
    return { repository: described(repository) };
  },

  DescribeImages(call, world) {
    const name = text(call, 'repositoryName') ?? '';
    const repository = findOrFail(call, { world, name });
    check(call, 'ecr:DescribeImages', { world, on: repository });
    const wanted = imageIds(call);
    const all = [...repository.images.values()];
    const found = wanted === undefined ? all : wanted.map((id) => imageOf(repository, id));
    const { page, next } = paged(call, found);
    return {
      imageDetails: page.map((image) => ({
        registryId: repository.account,
        repositoryName: repository.name,
        imageDigest: image.digest,
        ...(image.tags.size > 0 && { imageTags: [...image.tags] }),
        imageSizeInBytes: image.sizeInBytes,
        imagePushedAt: seconds(image.pushedAt),
        imageManifestMediaType: image.mediaType,
      })),
      ...next,
    };
  },

  DescribePullThroughCacheRules(call, world) {
    check(call, 'ecr:DescribePullThroughCacheRules', { world });
    const account = accountOf(call);
    const prefixes = texts(call, 'ecrRepositoryPrefixes');
    const rules = world.repositories.pullThrough
      .filter((rule) => rule.account === account && rule.region === call.region)
      .filter(({ prefix }) => prefixes?.includes(prefix) ?? true);
    const { page, next } = paged(call, rules);
    return {
      pullThroughCacheRules: page.map(({ prefix, upstream, created }) => ({
        ecrRepositoryPrefix: prefix,
        upstreamRegistryUrl: upstream,
        createdAt: seconds(created),
        registryId: account,
      })),
      ...next,
    };
  },

  DescribeRegistry(call, world) {
    check(call, 'ecr:DescribeRegistry', { world });
    return { registryId: call.user.account, replicationConfiguration: { rules: [] } };
  },
};

/** A name that a repository may have. @throws ApiFailure */
export function newName(call: Call): string {
  const name = text(call, 'repositoryName') ?? '';
  if (NAME.test(name)) return name;
  throw invalid('repositoryName', `must satisfy regular expression '${NAME.source}'`);
}

/** That there is a repository of that name already. */
export function exists(call: Call, name: string): ApiFailure {
  return new ApiFailure(
    'RepositoryAlreadyExistsException',
    `The repository with name '${name}' already exists in the registry with id '${accountOf(call)}'`,
  );
}

/** The tags of the input. */
export function tagsOf({ input }: Call): Record<string, string> {
  const tags = input['tags'] ?? [];
  if (!Array.isArray(tags)) throw new ApiFailure('SerializationException', 'tags is not a list');
  return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [`${Key}`, `${Value}`]));
}

function accountOf(call: Call): string {
  return text(call, 'registryId') ?? call.user.account;
}

function arnOf(call: Call, name: string): string {
  const { region } = call;
  return `arn:${partitionOf(region).name}:ecr:${region}:${accountOf(call)}:repository/${name}`;
}

function findOrFail(call: Call, { world, name }: { world: World; name: string }): Repository {
  const account = accountOf(call);
  const found = world.repositories.find({ account, region: call.region, name });
  if (found !== undefined) return found;
  throw new ApiFailure(
    'RepositoryNotFoundException',
    `The repository with name '${name}' does not exist in the registry with id '${account}'`,
  );
}

function scansOnPush({ input }: Call): boolean {
  const setting = input['imageScanningConfiguration'];
  return typeof setting === 'object' && setting !== null && 'scanOnPush' in setting
    ? setting.scanOnPush === true
    : false;
}

function described(repository: Repository): object {
  return {
    repositoryArn: repository.arn,
    registryId: repository.account,
    repositoryName: repository.name,
    repositoryUri: repository.uri,
    createdAt: seconds(repository.created),
    imageTagMutability: repository.mutability,
    imageScanningConfiguration: { scanOnPush: repository.scanOnPush },
    encryptionConfiguration: { encryptionType: 'AES256' },
  };
}

interface ImageId {
  readonly imageDigest?: unknown;
  readonly imageTag?: unknown;
}

function imageIds({ input }: Call): readonly ImageId[] | undefined {
  const ids = input['imageIds'];
  if (ids === undefined || Array.isArray(ids)) return ids;
  throw new ApiFailure('SerializationException', 'imageIds is not a list');
}

function imageOf({ images, name, account }: Repository, { imageDigest, imageTag }: ImageId) {
  const found = [...images.values()].find(
    ({ digest, tags }) => digest === imageDigest || tags.has(`${imageTag}`),
  );
  if (found !== undefined) return found;
  const id = `imageDigest:'${imageDigest ?? 'null'}', imageTag:'${imageTag ?? 'null'}'`;
  throw new ApiFailure(
    'ImageNotFoundException',
    `The image with imageId {${id}} does not exist within the repository with name '${name}' in the registry with id '${account}'`,
  );
}
