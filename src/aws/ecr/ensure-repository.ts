import { FinchError } from '../../errors.ts';
import type { AwsCallOptions } from '../call/call.ts';
import { awsRefusalError } from '../call/refusal-error.ts';
import type { EcrPlace } from '../ecr-host.ts';
import type { AwsIdentity } from '../identity.ts';
import { publicAliases } from './public-aliases.ts';
import {
  createRepository,
  describeRepositories,
  type EcrRepository,
  type NewRepository,
} from './repositories.ts';

/** A repository that is there now. */
export interface EnsuredRepository {
  /** `111222333444.dkr.ecr.us-east-1.amazonaws.com/app`. */
  readonly uri: string;
  /** Whether it was made just now. */
  readonly isNew: boolean;
  /** One that was there before as AWS describes it; undefined when AWS does not. */
  readonly found?: EcrRepository | undefined;
}

/** What {@link ensureRepository} makes. */
interface EnsureOptions extends AwsCallOptions {
  readonly repository: NewRepository;
  /** At ECR Public, what its name begins with: it must be an alias of the caller's. */
  readonly alias?: string | undefined;
}

/**
 * Makes a repository unless there is one of that name, which then stays as it is.
 * @throws FinchError `AWS` when AWS refuses, `AWS_IDENTITY`, `NETWORK`, `USAGE`, `CANCELLED`
 */
export async function ensureRepository(
  place: EcrPlace,
  identity: AwsIdentity,
  { repository, alias, ...options }: EnsureOptions,
): Promise<EnsuredRepository> {
  const { name } = repository;
  if (place.kind === 'public' && alias !== undefined) {
    await assertOwn(alias, { place, identity, name }, options);
  }
  const asked = [place.host, alias, name].filter((part) => part !== undefined).join('/');
  const made = await createRepository(place, identity, { repository, ...options });
  if (made.ok) return { uri: made.value.uri, isNew: true };
  if (made.refusal.type !== 'RepositoryAlreadyExistsException') {
    throw awsRefusalError(made.refusal, { registry: asked });
  }
  const found = await describeRepositories(place, identity, { names: [name], ...options });
  const [there] = found.ok ? found.value : [];
  if (there !== undefined) return { uri: there.uri, isNew: false, found: there };
  // Who may make one need not be allowed to look at one.
  const isWhole = place.kind === 'public' ? alias !== undefined : place.host !== undefined;
  if (isWhole) return { uri: asked, isNew: false };
  throw awsRefusalError(found.ok ? made.refusal : found.refusal, { registry: asked });
}

/** Without this, a repository of the same name would be made in the caller's own registry. */
async function assertOwn(
  alias: string,
  asked: {
    readonly place: EcrPlace & { readonly kind: 'public' };
    readonly identity: AwsIdentity;
    readonly name: string;
  },
  options: AwsCallOptions,
): Promise<void> {
  const { place, identity, name } = asked;
  const own = await publicAliases(place, identity, options);
  if (!own.ok) throw awsRefusalError(own.refusal, { registry: `${place.host}/${alias}` });
  if (own.value.includes(alias)) return;
  const [first] = own.value;
  throw new FinchError('AWS', `${place.host}/${alias} is not a registry of yours`, {
    hint:
      first === undefined
        ? `make your first repository there with: finch ecr create-repo --public ${name}`
        : `name the repository ${place.host}/${first}/${name}`,
  });
}
