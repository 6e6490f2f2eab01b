import {
  type FakeRegistry,
  type ServerTls,
  startFakeRegistry,
} from '../../support/fake-registry.ts';

/** How a {@link leadingRegistry} sends its clients elsewhere. */
export type Lead = 'names a token server' | 'wants an upload' | 'redirects a download';

/** A registry that sends its clients to `target`, which is no part of it. */
export function leadingRegistry(lead: Lead, target: string, tls?: ServerTls): FakeRegistry {
  return startFakeRegistry({
    ...(tls && { tls }),
    script: ({ method }) => {
      const said = (status: number, headers: Record<string, string>) =>
        new Response(null, { status, headers });
      if (lead === 'names a token server') {
        return said(401, { 'www-authenticate': `Bearer realm="${target}",service="x"` });
      }
      if (lead === 'redirects a download') return said(307, { location: target });
      return method === 'POST' ? said(202, { location: target }) : undefined;
    },
  });
}
