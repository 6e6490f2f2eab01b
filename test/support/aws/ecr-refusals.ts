/** How Amazon ECR says no at `/v2/`: with the status, code and text that its users report. */

/** An answer in the shape of the distribution API. */
export function refuse(
  status: number,
  {
    code,
    message,
    headers = {},
  }: { code: string; message: string; headers?: Record<string, string> },
): Response {
  return Response.json({ errors: [{ code, message }] }, { status, headers });
}

/** Who asks shows no password, or one that nobody was given. */
export function unauthorized(challenge: string): Response {
  const headers = { 'www-authenticate': challenge, 'content-type': 'text/plain; charset=utf-8' };
  return new Response('Not Authorized\n', { status: 401, headers });
}

/** The password was good once. */
export function tokenHasEnded(): Response {
  return refuse(403, {
    code: 'DENIED',
    message: 'Your authorization token has expired. Reauthenticate and try again.',
  });
}

/** There is no such repository. */
export function repositoryUnknown(name: string, account: string): Response {
  return refuse(404, {
    code: 'NAME_UNKNOWN',
    message: `The repository with name '${name}' does not exist in the registry with id '${account}'`,
  });
}

/** Too many ask without a login. */
export function tooManyRequests(): Response {
  return refuse(429, { code: 'TOOMANYREQUESTS', message: 'Rate exceeded' });
}

/** The registry behind a pull-through cache rule does not take the rule's secret. */
export function upstreamRefuses(prefix: string): Response {
  return refuse(403, {
    code: 'DENIED',
    message: `Unable to pull from the upstream registry of the pull through cache rule '${prefix}': authentication to the upstream registry failed`,
  });
}

/** A tag that may not move, not even to where it is. */
export function tagIsImmutable(tag: string, name: string): Response {
  return refuse(400, {
    code: 'TAG_INVALID',
    message: `The image tag '${tag}' already exists in the '${name}' repository and cannot be overwritten because the repository is immutable.`,
  });
}
