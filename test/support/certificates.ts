import { join } from 'node:path';

/** Files of a certificate authority and of a certificate that it has signed. */
export interface Certificates {
  /** The authority's own certificate. */
  readonly ca: string;
  /** The server's certificate. */
  readonly certificate: string;
  /** The server's private key. */
  readonly key: string;
}

/**
 * Makes an authority and a certificate for `localhost` and `127.0.0.1`, with `openssl`.
 */
export async function makeAuthority(folder: string): Promise<Certificates> {
  const [ca, caKey, certificate, key, request, extensions] = [
    ...['ca.pem', 'ca.key', 'server.pem', 'server.key', 'server.csr', 'extensions'],
  ].map((name) => join(folder, name)) as [string, string, string, string, string, string];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl('req', '-x509', ...newKey, '-keyout', caKey, '-out', ca, '-subj', '/CN=finch test');
  await openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', '/CN=localhost');
  await Bun.write(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  const signer = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-extfile', extensions];
  await openssl('x509', '-req', '-in', request, ...signer, '-out', certificate);
  return { ca, certificate, key };
}

async function openssl(...args: readonly string[]): Promise<void> {
  const child = Bun.spawn(['openssl', ...args], { stdout: 'ignore', stderr: 'pipe' });
  const [status, talk] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${talk}`);
}
