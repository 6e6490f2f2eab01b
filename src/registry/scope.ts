/** What may be done with a repository; pushing needs to look first. */
export type Access = 'pull' | 'push';

/**
 * The scope of a repository, as tokens are asked for.
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/scope.md
 */
export function repositoryScope(name: string, access: Access): string {
  return `repository:${name}:${access === 'push' ? 'pull,push' : 'pull'}`;
}

/**
 * The scopes of both lists, with one entry for each resource that has all its actions. The first list
 * comes first, because some token servers read no further. Empty scopes are left out.
 */
export function mergeScopes(
  first: readonly string[],
  second: readonly string[],
): readonly string[] {
  const actionsByResource = new Map<string, Set<string>>();
  for (const scope of [...first, ...second]) {
    // What a split leaves over, and nothing that could be asked for.
    if (/^[:,]*$/.test(scope)) continue;
    const colon = scope.lastIndexOf(':');
    const resource = scope.slice(0, Math.max(colon, 0));
    const actions = actionsByResource.get(resource) ?? new Set();
    for (const action of scope.slice(colon + 1).split(',')) actions.add(action);
    actionsByResource.set(resource, actions);
  }
  return [...actionsByResource].map(([resource, actions]) =>
    resource === '' ? [...actions].join(',') : `${resource}:${[...actions].join(',')}`,
  );
}
