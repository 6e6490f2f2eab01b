import { parseEcrHost } from '../aws/ecr-host.ts';
import type { Credential } from '../credentials/credential.ts';
import type { FoundLogin } from '../credentials/logins.ts';
import type { ServerName } from '../credentials/server-name.ts';
import { FinchError, hasCode } from '../errors.ts';
import type { CheckedLogin } from '../registry/ping.ts';
import { type Attempt, check, keep, settle } from './login-attempt.ts';

/** What became of the attempt with a login that was there. */
interface Tried {
  readonly isAccepted: boolean;
  /** Whose login it was, where that is known. */
  readonly username: string | undefined;
}

/**
 * Tries the login that there is; where there is none, or it is refused, one that is made.
 * @returns undefined when there is none
 * @throws FinchError `AWS_IDENTITY`, `AWS` when none can be made where one should be, and all that
 *   {@link check} throws but that the registry refuses a login which the user gave before
 */
export async function tryExisting(attempt: Attempt): Promise<Tried | undefined> {
  const { app, server, logins, invocation } = attempt;
  const { signal } = invocation;
  const { note } = app.talk;
  const found = await logins.find(server, { signal }).catch(sayHowElse(server));
  if (found === undefined) return undefined;
  if (found.isMade) return useMade(attempt, found);
  const { credential, place } = found;
  const username = credential.kind === 'registry-token' ? undefined : credential.username;
  const who = username === undefined ? '' : ` [Username: ${username}]`;
  note(`Authenticating with existing credentials...${who}`);
  note(`they are in ${place}; for another account: ${howToChange(found, server)}`);
  const refusal = await refusalOf(attempt, credential);
  if (refusal === undefined) return { isAccepted: true, username };
  note(refusal.message);
  const made = await logins.make(server, { signal }).catch(sayHowElse(server));
  if (made === undefined) {
    if (username !== undefined) note(`press enter without a name to log in as ${username}`);
    return { isAccepted: false, username };
  }
  const tried = await useMade(attempt, made);
  await forgetRefused(attempt, found);
  return tried;
}

/** Keeps to a login that is there, if the registry accepts it; else gives why it does not. */
async function refusalOf(
  attempt: Attempt,
  credential: Credential,
): Promise<FinchError | undefined> {
  try {
    const accepted = await check(attempt, credential);
    // Where it is already kept it stays, unless the token server gave another in its place.
    if (accepted.credential === credential) await settle(attempt, accepted);
    else await keep(attempt, accepted);
    return undefined;
  } catch (error) {
    if (!hasCode(error, 'UNAUTHENTICATED', 'DENIED')) throw error;
    return error;
  }
}

/** Takes away what the registry refuses and would be tried first, until that is one which it accepts. */
async function forgetRefused(attempt: Attempt, refused: FoundLogin): Promise<void> {
  const { app, server, logins, invocation } = attempt;
  const { note } = app.talk;
  const { signal } = invocation;
  const { registry } = server;
  let first = refused;
  for (;;) {
    const { place } = first;
    const forgetting = logins.forgetFound(server, first, { signal });
    const keys = await forgetting.catch((error: unknown) => {
      if (!(error instanceof FinchError) || signal.aborted) throw error;
      note(`warning: ${error.message}`);
      return [];
    });
    for (const key of keys) note(`removed the login for ${key} from ${place}: it was refused`);
    if (keys.length === 0) {
      return note(
        `the login in ${place} is still tried first; remove it with: ${programOf(first)} logout ${registry}`,
      );
    }
    const next = await logins.find(server, { signal });
    if (next === undefined || next.isMade) return;
    first = next;
    const refusal = await refusalOf(attempt, first.credential);
    if (refusal === undefined) {
      return note(`from now on the login in ${first.place} is tried first: it was accepted`);
    }
  }
}

/** The user name of Amazon ECR is the same for everybody: there it is the AWS credentials that tell. */
function howToChange(found: FoundLogin, { registry }: ServerName): string {
  const logout = `${programOf(found)} logout ${registry}`;
  if (parseEcrHost(registry) !== undefined) {
    return `${logout}, then finch ecr setup --profile NAME ${registry}`;
  }
  const login = `finch login --username NAME ${registry}`;
  return found.isOwn ? `${logout}, or ${login}` : login;
}

/** Whose `logout` removes a login. */
function programOf({ place, isOwn }: FoundLogin): string {
  if (isOwn) return 'finch';
  return place.endsWith('auth.json') ? 'podman' : 'docker';
}

/** Logs in with a login that was made for it, and keeps nothing. */
async function useMade(attempt: Attempt, found: FoundLogin): Promise<Tried> {
  attempt.app.talk.note(`Authenticating with ${found.place}...`);
  try {
    await settle(attempt, await checkMade(attempt, found));
    return { isAccepted: true, username: undefined };
  } catch (error) {
    if (!hasCode(error, 'UNAUTHENTICATED', 'DENIED')) throw error;
    const hint = 'see whose keys these are with: finch ecr whoami';
    throw new FinchError(error.code, error.message, { hint, cause: error });
  }
}

/** One that is refused may be one that was remembered; another is then made. */
async function checkMade(attempt: Attempt, { credential }: FoundLogin): Promise<CheckedLogin> {
  try {
    return await check(attempt, credential);
  } catch (error) {
    if (!hasCode(error, 'UNAUTHENTICATED', 'DENIED')) throw error;
    const { server, logins, invocation } = attempt;
    const { signal } = invocation;
    const other = await logins.make(server, { afresh: true, refused: credential, signal });
    if (other === undefined) throw error;
    return check(attempt, other.credential);
  }
}

/** Adds to an error of AWS that there is another way to log in. */
function sayHowElse({ registry }: ServerName): (error: unknown) => never {
  return (error) => {
    if (!hasCode(error, 'AWS', 'AWS_IDENTITY')) throw error;
    const other = `log in with a token: finch login --username AWS --password-stdin ${registry}`;
    const hint = [error.hint ?? [], other].flat().join('; or ');
    throw new FinchError(error.code, error.message, { hint, cause: error });
  };
}
