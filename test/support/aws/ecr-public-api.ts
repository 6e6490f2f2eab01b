import { exists, newName, tagsOf } from './ecr-api.ts';
import { ApiFailure, check, type Operation, seconds, texts } from './operations.ts';
import { aliasOf, type Repository } from './repositories.ts';

const TOKEN_LIFE_MS = 12 * 60 * 60_000;

/**
 * What Amazon ECR Public does.
 * @see https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_Operations.html
 */
export const ecrPublicOperations: Readonly<Record<string, Operation>> = {
  GetAuthorizationToken(call, world) {
    check(call, 'ecr-public:GetAuthorizationToken', { world });
    check(call, 'sts:GetServiceBearerToken', { world });
    const { user, region } = call;
    const expires = new Date(world.now() + TOKEN_LIFE_MS);
    const issued = { account: user.account, region, expires, principal: user };
    const authorizationToken = world.tokens.issue({ ...issued, service: 'ecr-public' });
    return { authorizationData: { authorizationToken, expiresAt: seconds(expires) } };
  },

  CreateRepository(call, world) {
    const name = newName(call);
    const { account } = call.user;
    const arn = `arn:aws:ecr-public::${account}:repository/${name}`;
    check(call, 'ecr-public:CreateRepository', { world, on: arn });
    if (world.repositories.find({ account, name, isPublic: true })) throw exists(call, name);
    const repository = world.repositories.create({
      ...{ account, name, isPublic: true, tags: tagsOf(call) },
      created: new Date(world.now()),
    });
    return { repository: described(repository), catalogData: {} };
  },

  DescribeRepositories(call, world) {
    const { account } = call.user;
    check(call, 'ecr-public:DescribeRepositories', { world });
    const names = texts(call, 'repositoryNames');
    const all = world.repositories.list({ account, isPublic: true });
    const missing = names?.find((name) => !all.some((it) => it.name === name));
    if (missing !== undefined) {
      throw new ApiFailure(
        'RepositoryNotFoundException',
        `The repository with name '${missing}' does not exist in the registry with id '${account}'`,
      );
    }
    const found = all.filter(({ name }) => names?.includes(name) ?? true);
    return { repositories: found.map(described) };
  },

  DescribeRegistries(call, world) {
    const { account } = call.user;
    check(call, 'ecr-public:DescribeRegistries', { world });
    const name = aliasOf(account);
    return {
      registries: [
        {
          registryId: account,
          registryArn: `arn:aws:ecr-public::${account}:registry/${account}`,
          registryUri: `public.ecr.aws/${name}`,
          verified: false,
          aliases: [
            { name, status: 'ACTIVE', primaryRegistryAlias: true, defaultRegistryAlias: true },
          ],
        },
      ],
    };
  },
};

function described({ arn, account, name, uri, created }: Repository): object {
  return {
    ...{ repositoryArn: arn, registryId: account, repositoryName: name, repositoryUri: uri },
    createdAt: seconds(created),
  };
}
