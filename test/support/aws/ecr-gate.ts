import { tokenHasEnded, unauthorized } from './ecr-refusals.ts';
import type { EcrControl, RegistryKnobs } from './ecr-registry.ts';
import { type EcrRequest, isPublicHost } from './ecr-request.ts';
import type { AwsUser, IssuedToken } from './state.ts';

/** Who pulls from ECR Public without a login. */
export const ANYBODY = 'anybody';

/** What ECR Public gives to those who show nothing. */
const ANONYMOUS = 'anonymous';

/** Looks at the password or token of every request, and lets passwords end when a test wants that. */
export class Gate {
  readonly #control: EcrControl;
  readonly #knobs: RegistryKnobs;
  readonly #ended = new Set<string>();
  readonly #requests = new Map<string, number>();
  readonly #bytes = new Map<string, number>();

  constructor(control: EcrControl, knobs: RegistryKnobs) {
    this.#control = control;
    this.#knobs = knobs;
  }

  /** Who asks, or why they do not come in. */
  enter({ headers }: Request, asked: EcrRequest): AwsUser | typeof ANYBODY | Response {
    const { host, isPublic, region } = asked;
    const challenge = isPublic
      ? `Bearer realm="https://${host}/token/",service="${host}",scope="aws"`
      : `Basic realm="https://${host}/",service="ecr.amazonaws.com"`;
    const password = passwordIn(headers, isPublic ? 'bearer' : 'basic');
    if (password === undefined) return unauthorized(challenge);
    if (isPublic && password === ANONYMOUS) return ANYBODY;
    const token = this.#control.issued(password);
    if (token === undefined) return unauthorized(challenge);
    if (isPublic !== (token.service === 'ecr-public')) return badToken();
    // A principal's password is good at the registries of other accounts too, in its region.
    if (!isPublic && token.region !== region) return badToken();
    if (this.#hasEnded(password, token)) return tokenHasEnded();
    this.#count(password, 1);
    return token.principal;
  }

  /** The answer of ECR Public's token server: the password itself, or a token for nobody in particular. */
  token({ headers }: Request): Response {
    const password = passwordIn(headers, 'basic');
    if (password === undefined) return Response.json({ token: ANONYMOUS });
    const token = this.#control.issued(password);
    if (token?.service !== 'ecr-public') return new Response('Not Authorized\n', { status: 401 });
    if (this.#hasEnded(password, token)) return tokenHasEnded();
    return Response.json({ token: password });
  }

  /** The principal behind a request, also when its password has ended. */
  principal({ headers, url }: Request): string | undefined {
    const scheme = isPublicHost(new URL(url).hostname) ? 'bearer' : 'basic';
    const password = passwordIn(headers, scheme);
    return password === undefined ? undefined : this.#control.issued(password)?.principal.arn;
  }

  /** Counts the bytes that come with a request's password. */
  watch({ headers, url }: Request, body: ReadableStream<Uint8Array> | null) {
    const scheme = isPublicHost(new URL(url).hostname) ? 'bearer' : 'basic';
    const password = passwordIn(headers, scheme);
    const limit = this.#knobs.endTokenAfterBytes;
    if (body === null || password === undefined || limit === undefined) return body;
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform: (piece, controller) => {
        const bytes = (this.#bytes.get(password) ?? 0) + piece.length;
        this.#bytes.set(password, bytes);
        if (bytes >= limit) this.#ended.add(password);
        controller.enqueue(piece);
      },
    });
    return body.pipeThrough(count);
  }

  #hasEnded(password: string, { expires }: IssuedToken): boolean {
    const limit = this.#knobs.endTokenAfterRequests ?? Number.POSITIVE_INFINITY;
    const isUsedUp = (this.#requests.get(password) ?? 0) >= limit;
    return isUsedUp || this.#ended.has(password) || expires.getTime() <= this.#control.now();
  }

  #count(password: string, requests: number): void {
    this.#requests.set(password, (this.#requests.get(password) ?? 0) + requests);
  }
}

/** The token is good, but not here: https://github.com/aws/eks-anywhere/issues/3919. */
function badToken(): Response {
  return new Response(null, { status: 400 });
}

function passwordIn(headers: Headers, scheme: 'basic' | 'bearer'): string | undefined {
  const [, named, value] = /^(\S+) +(\S+)$/.exec(headers.get('authorization') ?? '') ?? [];
  if (value === undefined || named?.toLowerCase() !== scheme) return undefined;
  if (scheme === 'bearer') return value;
  const [, password] = /^AWS:(.+)$/s.exec(Buffer.from(value, 'base64').toString()) ?? [];
  return password;
}
