import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import { hasCode } from '../errors.ts';
import type { NamedEcrRepository } from './ecr-repository.ts';

/** What {@link pushCreating} makes where it is missing. */
interface CreatingOptions extends AbortOptions {
  readonly repository: NamedEcrRepository;
}

/**
 * Runs `push`; when the repository turns out to be missing, makes it and runs `push` again.
 * @throws FinchError of the push, of `ensureRepository`
 */
export async function pushCreating(
  push: () => Promise<void>,
  app: App,
  { repository: { registry, name, alias }, signal }: CreatingOptions,
): Promise<void> {
  try {
    await push();
  } catch (error) {
    if (!hasCode(error, 'REMOTE_NOT_FOUND')) throw error;
    const { ensureRepository } = await import('../aws/ecr/ensure-repository.ts');
    const aws = await app.aws();
    const identity = await aws.identity({ registry });
    const options = { repository: { name }, alias, surroundings: aws.surroundings, signal };
    const { uri, isNew } = await ensureRepository(registry, identity, options);
    if (isNew) app.talk.note(`created repository ${uri}`);
    await push();
  }
}
