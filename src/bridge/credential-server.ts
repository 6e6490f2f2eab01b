import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AbortOptions } from '../content.ts';
import type { HelperFailure } from '../credentials/helper-failure.ts';
import { FinchError } from '../errors.ts';
import { ioError } from '../host/io-error.ts';
import { Pace } from '../server/pace.ts';
import { readBody } from '../server/read-body.ts';
import { RegistryError } from '../server/registry-error.ts';
import { isPrivateFolder } from './socket-folder.ts';

/** What comes of asking for a login: what a credential helper would say. */
type LoginAnswer =
  | { readonly kind: 'login'; readonly json: string }
  | ({ readonly kind: 'none' | 'failure' } & HelperFailure);

/** Asks for the login of a server, as a caller writes it. Its errors are answers. */
export type AskLogin = (server: string, options: AbortOptions) => Promise<LoginAnswer>;

/** A server is a hundred bytes. */
const MAX_BODY_BYTES = 8192;

/** Clients that are answered at once: an engine asks for some registries at a time. */
const MAX_REQUESTS = 64;

/** A request is complete within some milliseconds. */
const PACE = { idleMs: 5000, minimumRate: 1024 };

/**
 * Gives logins over a socket of this user's alone, and does nothing else: `POST /get` with a server as its body is
 * answered with JSON as of a credential helper, or by 404 where there is none. What is not 200 is text: the line of a
 * helper, and then lines for people.
 * @throws FinchError `IO`
 */
export function serveCredentials(socket: string, ask: AskLogin): Bun.Server<undefined> {
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (pathname !== '/get') return refusal(404, 'there is nothing but /get');
    if (request.method !== 'POST') return refusal(405, 'logins are asked for with POST');
    const body = await readBody({ request, pace: new Pace(PACE) }, MAX_BODY_BYTES);
    const said = await ask(textOf(body), { signal: request.signal });
    if (said.kind === 'login') {
      return new Response(`${said.json}\n`, { headers: { 'Content-Type': 'application/json' } });
    }
    const lines = [said.line, ...(said.advice ?? [])];
    return refusal(said.kind === 'none' ? 404 : 422, ...lines);
  };
  try {
    return listenPrivately(socket, () =>
      Bun.serve({
        unix: socket,
        maxRequestBodySize: MAX_BODY_BYTES,
        development: false,
        async fetch(request, server) {
          // Until it is answered; to send the request there is less time.
          if (server.pendingRequests > MAX_REQUESTS) return refusal(429, 'too many requests');
          return answer(request).catch((error: unknown) => {
            if (error instanceof RegistryError) return refusal(error.status, error.message);
            return refusal(500, 'finch could not answer');
          });
        },
        error: () => refusal(500, 'finch could not answer'),
      }),
    );
  } catch (error) {
    throw ioError(error, 'write', socket);
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).trim();
}

function refusal(status: number, ...lines: readonly string[]): Response {
  return new Response(lines.map((line) => `${line}\n`).join(''), {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' },
  });
}

/** Has a socket made that nobody else can connect to, in a folder that nobody else can enter. */
function listenPrivately<T>(socket: string, listen: () => T): T {
  const folder = dirname(socket);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!isPrivateFolder(folder)) {
    throw new FinchError('IO', `${folder} is not this user's alone`, {
      hint: 'remove it, or choose a home with a shorter path with FINCH_HOME',
    });
  }
  const umask = process.umask(0o177);
  try {
    return listen();
  } finally {
    process.umask(umask);
    chmodSync(socket, 0o600);
  }
}
