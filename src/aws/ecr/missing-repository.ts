import type { EcrRegistry } from '../ecr-host.ts';

/** What there is to say about a repository that does not exist, and how it is made. */
export function missingRepository(
  registry: EcrRegistry,
  name: string,
): { readonly message: string; readonly hint: string } {
  const where =
    registry.kind === 'public'
      ? 'ECR Public'
      : `account ${registry.account}, region ${registry.region}`;
  return {
    message: `repository ${name} does not exist in ${where}`,
    hint: `create it with: finch ecr create-repo ${registry.host}/${name}, or push with --create-repo`,
  };
}
