/** What a TLS connection trusts and shows, all as PEM text, in place of and beside what the system has. */
export interface TlsSettings {
  /** Certificate authorities that are trusted beside the system's. */
  readonly ca?: readonly string[];
  /** The client's certificate chain, and its private key. */
  readonly certificate?: { readonly chain: string; readonly key: string };
}

/** The parts of a request that its TLS connection depends on. */
interface Secured {
  readonly url: URL;
  readonly insecure?: boolean;
  readonly tls?: TlsSettings;
}

/**
 * What fetch is told about the TLS connection of a request; undefined for the usual. A connection to an
 * address that was looked up before `isPinned`: its certificate is still that of the name.
 */
export function tlsOptions(
  { url, insecure = false, tls = {} }: Secured,
  { isPinned }: { readonly isPinned: boolean },
): BunFetchRequestInitTLS | undefined {
  if (url.protocol !== 'https:') return undefined;
  const { ca, certificate } = tls;
  const isLax = process.env['NODE_TLS_REJECT_UNAUTHORIZED'] !== undefined;
  const options: BunFetchRequestInitTLS = {
    // Certificates are checked unless finch itself was told not to. Not said where it goes without saying:
    // connections that were opened ahead are for requests that say nothing.
    ...((insecure || isLax) && { rejectUnauthorized: !insecure }),
    ...(isPinned && { serverName: url.hostname.replace(/\.$/, '') }),
    ...(ca && { ca: [...ca, ...usualAuthorities()] }),
    ...(certificate && { cert: certificate.chain, key: certificate.key }),
  };
  return Object.keys(options).length === 0 ? undefined : options;
}

let usual: readonly string[] | undefined;

/** What a connection trusts that names no authorities: those that it names would stand in place of these. */
function usualAuthorities(): readonly string[] {
  // `system` has those of SSL_CERT_FILE and SSL_CERT_DIR, `default` those of NODE_EXTRA_CA_CERTS.
  // Loaded here: the module costs a millisecond, and few hosts need it.
  const { getCACertificates } = process.getBuiltinModule('node:tls');
  usual ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
  return usual;
}
