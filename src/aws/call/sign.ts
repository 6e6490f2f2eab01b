import type { AwsKeys } from '../identity.ts';

/** What is signed of a request. */
export interface SignableRequest {
  readonly method: string;
  /** As it is sent. */
  readonly url: URL;
  /** All of them are signed but what proxies may change; `host` is that of the address. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

/** Who signs, for whom and when. */
export interface SignOptions {
  readonly keys: AwsKeys;
  /** As it is named in signatures: `ecr`. */
  readonly service: string;
  readonly region: string;
  /** Milliseconds since 1970, by the clock of AWS: a quarter of an hour of difference is too much. */
  readonly now: number;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/** What proxies change on the way, and so is never signed: the headers that the SDKs leave out. */
const UNSIGNED = new Set([
  ...['authorization', 'cache-control', 'connection', 'expect', 'from', 'keep-alive'],
  ...['max-forwards', 'pragma', 'referer', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['user-agent', 'x-amzn-trace-id'],
]);

const UNSIGNED_PREFIX = /^(?:proxy|sec)-/;

/**
 * The headers that a request is sent with: its own and those that prove who sends it.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signRequest(
  request: SignableRequest,
  { keys, service, region, now }: SignOptions,
): Record<string, string> {
  const time = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
  const date = time.slice(0, 8);
  const headers = {
    ...request.headers,
    'x-amz-date': time,
    ...(keys.sessionToken !== undefined && { 'x-amz-security-token': keys.sessionToken }),
  };
  const signed = canonicalHeaders({ ...headers, host: request.url.host });
  const names = signed.map(([name]) => name).join(';');
  const canonical = [
    request.method,
    canonicalPath(request.url),
    canonicalQuery(request.url),
    ...signed.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    sha256(request.body),
  ].join('\n');
  const scope = [date, region, service, 'aws4_request'];
  const text = [ALGORITHM, time, scope.join('/'), sha256(canonical)].join('\n');
  const key = scope.reduce<Uint8Array | string>(hmac, `AWS4${keys.secretAccessKey}`);
  const credential = `${keys.accessKeyId}/${scope.join('/')}`;
  const signature = Buffer.from(hmac(key, text)).toString('hex');
  const authorization = `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...headers, authorization };
}

function canonicalHeaders(
  headers: Readonly<Record<string, string>>,
): readonly (readonly [string, string])[] {
  return Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), folded(value)] as const)
    .filter(([name]) => !UNSIGNED.has(name) && !UNSIGNED_PREFIX.test(name))
    .sort(([a], [b]) => compare(a, b));
}

/** As servers read it: blanks are spaces and tabs, and U+00A0 is a character like any other. */
function folded(value: string): string {
  return value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '');
}

/** Each part is encoded once more than in the address: so do all services but Amazon S3. */
function canonicalPath({ pathname }: URL): string {
  const parts = pathname.split('/').filter((part) => part !== '');
  const slash = parts.length > 0 && pathname.endsWith('/') ? '/' : '';
  return `/${parts.map(encode).join('/')}${slash}`;
}

function canonicalQuery({ search }: URL): string {
  return search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const end = pair.includes('=') ? pair.indexOf('=') : pair.length;
      return [pair.slice(0, end), pair.slice(end + 1)].map(recode) as [string, string];
    })
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** As signatures write it, whatever the address encodes. */
function recode(part: string): string {
  return encode(decodeURIComponent(part));
}

/** Everything but letters, digits, `-`, `.`, `_` and `~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** By code units, which is by bytes here: only ASCII is left. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

// The runtime's own: to load node:crypto takes 2 ms.
function sha256(data: Uint8Array | string): string {
  return new Bun.CryptoHasher('sha256').update(data).digest('hex');
}

function hmac(key: Uint8Array | string, text: string): Uint8Array {
  return new Bun.CryptoHasher('sha256', key).update(text).digest();
}
