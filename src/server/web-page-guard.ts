import { RegistryError } from './registry-error.ts';

const ADDRESS = /^(?:\[.*\]|\d{1,3}(?:\.\d{1,3}){3})$/;
// None of these can be a name on the internet, whose owner could point it at this machine.
const LOCAL_NAME = /^(?:localhost|.*\.localhost|.*\.internal)$/;

/**
 * Keeps web pages away from a registry that trusts everything on its machine: a page in a browser here
 * could write to it across origins, or read from it by a name that its owner makes mean 127.0.0.1.
 * @param anyName accepts whatever name the client calls this machine by
 * @throws RegistryError 403
 */
export function refuseWebPages(
  request: Request,
  url: URL,
  { anyName }: { readonly anyName: boolean },
): void {
  const origin = request.headers.get('origin');
  const isForeign = origin !== null && URL.parse(origin)?.host !== url.host;
  const isKnown = anyName || ADDRESS.test(url.hostname) || LOCAL_NAME.test(url.hostname);
  if (!isForeign && isKnown) return;
  throw new RegistryError(403, 'DENIED', {
    message: isForeign
      ? 'this registry does not answer web pages of other origins'
      : 'this registry answers to its address and to localhost only',
  });
}
