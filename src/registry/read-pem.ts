import { createPrivateKey, X509Certificate } from 'node:crypto';
import { hideSecret } from '../http/redact.ts';
import type { TlsSettings } from '../http/tls-options.ts';
import { excerpt } from '../text.ts';
import type { ClientFiles, SiteEntry } from './hosts-toml.ts';
import { readText, unfit } from './read-text.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const KEY = /-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY-----[\s\S]*?-----END \1PRIVATE KEY-----/;

const PEM_HINT = 'the file must hold PEM text, as it begins with: -----BEGIN';

/**
 * The certificates that an entry names.
 * @throws FinchError `CONFIG_INVALID` when a file is missing or holds something else, `IO`
 */
export async function readTls({ ca, client }: SiteEntry): Promise<TlsSettings> {
  const [files] = client;
  const authorities = await Promise.all(ca.map(readCertificates));
  const certificate = files && (await readClient(files));
  return {
    ...(ca.length > 0 && { ca: authorities.flat() }),
    ...(certificate && { certificate }),
  };
}

async function readClient(files: ClientFiles): Promise<NonNullable<TlsSettings['certificate']>> {
  const chain = await readCertificates(files.certificate);
  const [key] = KEY.exec(await readPem(files.key)) ?? [];
  if (key === undefined) throw unfit(files.key, 'holds no private key', PEM_HINT);
  hideSecret(key);
  const [first = ''] = chain;
  if (!belongs(first, privateKey(key, files.key))) {
    const other = excerpt(files.certificate);
    throw unfit(files.key, `is not the key of the certificate in ${other}`, 'put its key there');
  }
  return { chain: chain.join('\n'), key };
}

function belongs(certificate: string, key: ReturnType<typeof createPrivateKey>): boolean {
  return new X509Certificate(certificate).checkPrivateKey(key);
}

function privateKey(pem: string, path: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem);
  } catch {
    const isEncrypted = /ENCRYPTED/.test(pem);
    throw isEncrypted
      ? unfit(
          path,
          'is encrypted',
          'write the key without a passphrase: openssl pkey -in KEY -out NEW',
        )
      : unfit(path, 'holds a private key that cannot be read', PEM_HINT);
  }
}

async function readCertificates(path: string): Promise<readonly string[]> {
  const found = (await readPem(path)).match(CERTIFICATE) ?? [];
  if (found.length === 0) throw unfit(path, 'holds no certificate', PEM_HINT);
  for (const certificate of found) {
    if (!isCertificate(certificate)) throw unfit(path, 'holds a broken certificate', PEM_HINT);
  }
  return found;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).fingerprint256 !== '';
  } catch {
    return false;
  }
}

async function readPem(path: string): Promise<string> {
  const text = await readText(path);
  if (text !== undefined) return text;
  throw unfit(path, 'is not there', 'put the file there, or correct its name in hosts.toml');
}
