import { join } from 'node:path';
import { makeAuthority } from '../certificates.ts';
import { temporaryFolder } from '../temporary.ts';

/** A certificate and its key, as PEM. */
export interface HostCertificate {
  readonly cert: string;
  readonly key: string;
}

/** The files of an authority that signing takes, and its own certificate. */
const FILES = ['ca.pem', 'ca.key', 'server.csr', 'server.key'] as const;

// openssl takes longer than most tests, so all stand-ins of a process share what it has made.
let authority: Promise<ReadonlyMap<string, string>> | undefined;
const made = new Map<string, Promise<HostCertificate>>();

/** The certificate of the authority that signs for every host, as PEM. */
export async function authorityCertificate(): Promise<string> {
  return (await files()).get('ca.pem') ?? '';
}

/** A certificate for a host, which is made when it is first asked for. */
export function certificateOf(host: string): Promise<HostCertificate> {
  const known = made.get(host) ?? sign(host);
  made.set(host, known);
  return known;
}

function files(): Promise<ReadonlyMap<string, string>> {
  authority ??= newAuthority();
  return authority;
}

async function newAuthority(): Promise<ReadonlyMap<string, string>> {
  await using folder = await temporaryFolder();
  await makeAuthority(folder.path);
  const read = async (name: string) =>
    [name, await Bun.file(join(folder.path, name)).text()] as const;
  return new Map(await Promise.all(FILES.map(read)));
}

/** Has the authority sign for a host what it has signed for `localhost` before. */
async function sign(host: string): Promise<HostCertificate> {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const shared = await files();
  for (const [name, text] of shared) await Bun.write(at(name), text);
  await Bun.write(at('names'), `subjectAltName=DNS:${host}\nauthorityKeyIdentifier=keyid\n`);
  const serial = `0x${crypto.randomUUID().replaceAll('-', '')}`;
  const child = Bun.spawn(
    [
      ...['openssl', 'x509', '-req', '-in', at('server.csr'), '-CA', at('ca.pem')],
      ...['-CAkey', at('ca.key'), '-set_serial', serial, '-extfile', at('names')],
      ...['-days', '30', '-out', at('host.pem')],
    ],
    { stdout: 'ignore', stderr: 'pipe' },
  );
  const [status, talk] = await Promise.all([child.exited, child.stderr.text()]);
  if (status !== 0) throw new Error(`openssl signed nothing for ${host}: ${talk}`);
  return { cert: await Bun.file(at('host.pem')).text(), key: shared.get('server.key') ?? '' };
}
