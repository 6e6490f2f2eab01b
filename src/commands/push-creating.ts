import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import type { NamedEcrRepository } from './ecr-repository.ts';

/**
 * Makes a repository of Amazon ECR where it is missing, and says so.
 * @throws FinchError of `ensureRepository`
 */
export async function createRepository(
  app: App,
  { registry, name, alias }: NamedEcrRepository,
  { signal }: AbortOptions,
): Promise<void> {
  const { ensureRepository } = await import('../aws/ecr/ensure-repository.ts');
  const aws = await app.aws();
  const identity = await aws.identity({ registry });
  const options = { repository: { name }, alias, surroundings: aws.surroundings, signal };
  const { uri, isNew } = await ensureRepository(registry, identity, options);
  if (isNew) app.talk.note(`created repository ${uri}`);
}
