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

/** What is special about the server's certificate. */
export interface CertificateOptions {
  /** For how long it is good; negative for one that has expired. Default: 30. */
  readonly days?: number;
  /** What it is for. Default: `localhost` and `127.0.0.1`. */
  readonly names?: string;
  /** Whether no authority has signed it but itself. Default: false. */
  readonly selfSigned?: boolean;
}

/** Makes an authority and a certificate, with `openssl`. */
export async function makeAuthority(
  folder: string,
  { days = 30, names = 'DNS:localhost,IP:127.0.0.1', selfSigned = false }: CertificateOptions = {},
): Promise<Certificates> {
  const [ca, caKey, certificate, key, request, extensions] = [
    ...['ca.pem', 'ca.key', 'server.pem', 'server.key', 'server.csr', 'extensions'],
  ].map((name) => join(folder, name)) as [string, string, string, string, string, string];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl('req', '-x509', ...newKey, '-keyout', caKey, '-out', ca, '-subj', '/CN=finch test');
  await openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', '/CN=localhost');
  await Bun.write(extensions, `subjectAltName=${names}`);
  const signer = selfSigned ? ['-signkey', key] : ['-CA', ca, '-CAkey', caKey, '-CAcreateserial'];
  await openssl(
    ...['x509', '-req', '-in', request, ...signer, '-extfile', extensions],
    ...['-days', String(days), '-out', certificate],
  );
  return { ca, certificate, key };
}

/** A client's certificate, signed by the authority that {@link makeAuthority} has made in the folder. */
export async function signClient(
  folder: string,
): Promise<{ readonly certificate: string; readonly key: string }> {
  const at = (name: string) => join(folder, name);
  const [certificate, key] = [at('client.cert'), at('client.key')];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const request = at('client.csr');
  await openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', '/CN=a client');
  const signer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'];
  await openssl('x509', '-req', '-in', request, ...signer, '-days', '30', '-out', certificate);
  return { certificate, key };
}

async function openssl(...args: readonly string[]): Promise<void> {
  const child = Bun.spawn(['openssl', ...args], { stdout: 'ignore', stderr: 'pipe' });
  const [status, talk] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${talk}`);
}
