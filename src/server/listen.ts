import { FinchError } from '../errors.ts';
import type { ServerLimits } from './limits.ts';
import { idleSeconds, Pace } from './pace.ts';
import { errorResponse } from './registry-error.ts';

/** How {@link listen} listens. */
export interface ListenOptions {
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly limits: Pick<ServerLimits, 'idleMs' | 'minimumRate'>;
  /** Called when the file of an answer could not be sent, with the status that the client got instead. */
  readonly onSendFailure: (error: unknown, status: number) => void;
}

/** How a request came. */
export interface Arrival {
  readonly pace: Pace;
  /** Requests that have not been answered to the last byte, with this one. */
  readonly pending: number;
}

/**
 * Listens for requests of HTTP, and has each of them answered by `handle`.
 * @throws FinchError `IO`
 */
export function listen(
  { hostname, port, limits, onSendFailure }: ListenOptions,
  handle: (request: Request, arrival: Arrival) => Response | Promise<Response>,
): Bun.Server<undefined> {
  try {
    return Bun.serve({
      hostname,
      port,
      idleTimeout: idleSeconds(limits),
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      development: false,
      // Without it, Bun lets several processes share a port when it is not in development.
      reusePort: false,
      async fetch(request, server) {
        // It counts also while the server itself is at work: a body has its own pace.
        server.timeout(request, 0);
        const pending = server.pendingRequests;
        const response = await handle(request, { pace: new Pace(limits), pending });
        server.timeout(request, idleSeconds(limits));
        return finished(response);
      },
      // Reached when a file cannot be opened that was about to be sent.
      error(error) {
        const response = finished(errorResponse(error));
        onSendFailure(error, response.status);
        return response;
      },
    });
  } catch (cause) {
    throw new FinchError('IO', `cannot listen on ${hostname}, port ${port}`, {
      hint: 'another program may use the port: choose one with --listen 127.0.0.1:PORT',
      cause,
    });
  }
}

/** Stops to listen, and gives requests a moment to finish. */
export async function stopListening(
  server: Bun.Server<undefined>,
  { graceMs }: Pick<ServerLimits, 'graceMs'>,
): Promise<void> {
  void server.stop();
  const deadline = performance.now() + graceMs;
  // Not `stop()` itself: it also waits for clients that were answered before they had sent all.
  while (server.pendingRequests > 0 && performance.now() < deadline) await Bun.sleep(10);
  await server.stop(true);
}

/** What every answer has. */
function finished(response: Response): Response {
  response.headers.set('Docker-Distribution-API-Version', 'registry/2.0');
  return response;
}
