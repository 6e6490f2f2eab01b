import type { ControlPlane } from './control-plane.ts';
import type { Door } from './doors.ts';
import type { EcrRegistrySide } from './ecr-registry.ts';
import { onlyDelays } from './faults.ts';
import { certificateOf } from './host-certificates.ts';
import type { Fault } from './state.ts';

/** What a door to the registry needs. */
export interface RegistryDoorOptions {
  readonly side: EcrRegistrySide;
  readonly plane: ControlPlane;
  /** Breaks the connection that comes from a port. */
  readonly cut: (port: number) => void;
}

/** More than any layer of a test. */
const MAX_BODY_BYTES = 1024 ** 4;

/** Opens a door with TLS for the requests to one host of the registry. Bodies go through as they come. */
export async function openRegistryDoor(
  host: string,
  { side, plane, cut }: RegistryDoorOptions,
): Promise<Door> {
  const server = Bun.serve({
    ...{ hostname: '127.0.0.1', port: 0, tls: await certificateOf(host) },
    ...{ maxRequestBodySize: MAX_BODY_BYTES, idleTimeout: 255 },
    async fetch(request, self) {
      const { pathname } = new URL(request.url);
      const action = `${request.method} ${pathname}`;
      const authorization = request.headers.get('authorization') ?? undefined;
      const port = self.requestIP(request)?.port ?? 0;
      const fault = plane.faults.take(action);
      if (fault?.delayMs !== undefined) await Bun.sleep(fault.delayMs);
      const outcome =
        fault === undefined || onlyDelays(fault)
          ? await side.handle(request)
          : { action, response: fault.reset ? undefined : broken(fault) };
      const { response, ...more } = outcome;
      const type = response && (await errorCode(response));
      plane.log({
        ...{ host, service: 'registry', status: response?.status ?? 0, ...more },
        ...(authorization !== undefined && { authorization }),
        ...(type !== undefined && { type }),
      });
      if (response === undefined) {
        cut(port);
        return new Response();
      }
      const dated = new Headers(response.headers);
      dated.set('date', new Date(plane.world.now()).toUTCString());
      const { status, statusText } = response;
      return new Response(response.body, { status, statusText, headers: dated });
    },
  });
  return {
    port: server.port ?? 0,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

function broken({ status = 500, type: code = 'UNKNOWN', message = '', body, headers = {} }: Fault) {
  if (body !== undefined) return new Response(body, { status, headers });
  return Response.json({ errors: [{ code, message }] }, { status, headers });
}

/** The code of the error that an answer gives. */
async function errorCode(response: Response): Promise<string | undefined> {
  if (response.status < 400 || !response.headers.get('content-type')?.includes('json')) {
    return undefined;
  }
  const text = await response.clone().text();
  return /"code"\s*:\s*"([A-Z_]+)"/.exec(text)?.[1];
}
