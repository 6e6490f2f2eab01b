import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { header, headerValues, type RawRequest } from './raw-request.ts';

/** What a key is known by. */
export interface KnownKey<Owner> {
  readonly owner: Owner;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Milliseconds since 1970. */
  readonly ends?: number;
}

/** Why a request is not believed. Each service has its own names for these. */
export type Disbelief = 'missing' | 'incomplete' | 'unknown' | 'ended' | 'invalid';

/** What came of a verification. */
export type Verified<Owner> =
  | { readonly ok: true; readonly owner: Owner; readonly region: string }
  | { readonly ok: false; readonly kind: Disbelief; readonly message: string };

/** What a signature must be for. */
export interface Expected<Owner> {
  readonly service: string;
  /** Default: any. */
  readonly region?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly keyOf: (accessKeyId: string) => KnownKey<Owner> | undefined;
}

/** How far a client's clock may be off, either way. */
const TOLERANCE_MS = 15 * 60_000;

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';
const NO_SUCH_KEY = 'The security token included in the request is invalid.';

/**
 * Verifies Signature Version 4 in the `Authorization` header of a request, from its bytes as they came.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function verify<Owner>(request: RawRequest, expected: Expected<Owner>): Verified<Owner> {
  const given = headerValues(request, 'authorization');
  const [authorization] = given;
  if (authorization === undefined) return no('missing', 'Missing Authentication Token');
  const claim = given.length === 1 ? readAuthorization(authorization) : 'Authorization is doubled.';
  if (typeof claim === 'string') return no('incomplete', claim);
  const date = header(request, 'x-amz-date');
  if (date === undefined || !/^\d{8}T\d{6}Z$/.test(date)) {
    const wanted =
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
    return no('incomplete', `${wanted} Authorization=${authorization.split(' ', 1)[0]}`);
  }
  const key = expected.keyOf(claim.keyId);
  if (key === undefined || !isSame(header(request, 'x-amz-security-token'), key.sessionToken)) {
    return no('unknown', NO_SUCH_KEY);
  }
  if (key.ends !== undefined && key.ends <= expected.now) {
    return no('ended', 'The security token included in the request is expired');
  }
  const wrong =
    wrongScope(claim, expected, date) ??
    wrongTime(date, expected.now) ??
    unsigned(request, claim) ??
    (isSigned(request, { claim, date, secret: key.secretAccessKey }) ? undefined : MISMATCH);
  if (wrong !== undefined) return no('invalid', wrong);
  return { ok: true, owner: key.owner, region: claim.region };
}

interface Claim {
  readonly keyId: string;
  readonly day: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
  readonly signed: readonly string[];
  readonly signature: string;
}

function no(kind: Disbelief, message: string): Verified<never> {
  return { ok: false, kind, message };
}

function readAuthorization(text: string): Claim | string {
  const [algorithm, rest = ''] = cut(text, ' ');
  if (algorithm !== 'AWS4-HMAC-SHA256') return `Unsupported AWS 'algorithm': '${algorithm}'.`;
  const parts = new Map(rest.split(',').map((part) => cut(part.trim(), '=')));
  const lacking = ['Credential', 'Signature', 'SignedHeaders'].filter((name) => !parts.get(name));
  if (lacking.length > 0 || parts.size !== 3) {
    return `${lacking.map((name) => `Authorization header requires '${name}' parameter.`).join(' ')} Authorization=${algorithm}`;
  }
  const scope = (parts.get('Credential') ?? '').split('/');
  const [keyId = '', day = '', region = '', service = '', terminator = ''] = scope;
  if (scope.length !== 5) {
    return `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${scope.length}'.`;
  }
  const signed = (parts.get('SignedHeaders') ?? '').split(';');
  const signature = parts.get('Signature') ?? '';
  return { keyId, day, region, service, terminator, signed, signature };
}

function wrongScope(
  { region, service, terminator, day }: Claim,
  expected: Expected<unknown>,
  date: string,
): string | undefined {
  const isRegion = /^[a-z]{2,6}(-[a-z]+)+-\d+$/.test(region);
  if (!isRegion || (expected.region !== undefined && region !== expected.region)) {
    return `Credential should be scoped to a valid region, not '${region}'. `;
  }
  if (service !== expected.service) {
    return `Credential should be scoped to correct service: '${expected.service}'. `;
  }
  if (terminator !== 'aws4_request') {
    return `Credential should be scoped with a valid terminator: 'aws4_request', not '${terminator}'. `;
  }
  const wanted = date.slice(0, 8);
  if (day === wanted) return undefined;
  return `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${day}' != '${wanted}', from '${date}'.`;
}

function wrongTime(date: string, now: number): string | undefined {
  const iso = date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const at = Date.parse(iso);
  const [earliest, latest] = [now - TOLERANCE_MS, now + TOLERANCE_MS];
  if (at < earliest) {
    return `Signature expired: ${date} is now earlier than ${stamp(earliest)} (${stamp(now)} - 15 min.)`;
  }
  // What is no date at all is not before the latest either.
  if (at <= latest) return undefined;
  return `Signature not yet current: ${date} is still later than ${stamp(latest)} (${stamp(now)} + 15 min.)`;
}

function unsigned(request: RawRequest, { signed }: Claim): string | undefined {
  const names = new Set(request.headers.map(([name]) => name.toLowerCase()));
  const wanted = [...names].filter((name) => name === 'host' || name.startsWith('x-amz-'));
  const lacking = ['host', ...wanted].find((name) => !signed.includes(name));
  if (lacking === 'host') {
    return "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
  }
  return lacking && `'${lacking}' must be a 'SignedHeader' in the AWS Authorization.`;
}

function isSigned(
  request: RawRequest,
  { claim, date, secret }: { claim: Claim; date: string; secret: string },
): boolean {
  const payload = sha256(request.body);
  const said = header(request, 'x-amz-content-sha256');
  if (said !== undefined && said !== payload) return false;
  const scope = [claim.day, claim.region, claim.service, claim.terminator];
  const digest = sha256(Buffer.from(canonical(request, { claim, payload })));
  const text = ['AWS4-HMAC-SHA256', date, scope.join('/'), digest].join('\n');
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of scope) key = hmac(key, part);
  return isSame(claim.signature, hmac(key, text).toString('hex'));
}

function canonical(
  request: RawRequest,
  { claim, payload }: { claim: Claim; payload: string },
): string {
  const [path = '', query = ''] = cut(request.target, '?');
  const fields = query === '' ? [] : query.split('&').map((field) => cut(field, '='));
  const sorted = fields
    .map(([name, value]) => [encoded(name), encoded(value)] as const)
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y));
  const lines = claim.signed.map((name) => {
    const values = headerValues(request, name).map((it) => it.trim().replace(/ +/g, ' '));
    return `${name}:${values.join(',')}\n`;
  });
  return [
    request.method,
    canonicalPath(path),
    sorted.map(([name, value]) => `${name}=${value}`).join('&'),
    lines.join(''),
    claim.signed.join(';'),
    payload,
  ].join('\n');
}

/** The path without `.`, `..` and empty parts, escaped once more than it was sent. */
function canonicalPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const isFolder = path.endsWith('/') && parts.length > 0;
  return `/${parts.map(escaped).join('/')}${isFolder ? '/' : ''}`;
}

/** What stands for a name or a value of the query, however the client has encoded it. */
function encoded(part: string): string {
  return part
    .split(/((?:%[0-9a-f]{2})+)/i)
    .map((it, at) =>
      at % 2 === 0 ? escaped(it) : escaped(Buffer.from(it.replaceAll('%', ''), 'hex')),
    )
    .join('');
}

/** All but the unreserved characters as `%XX`; a path is escaped as it was sent, so twice. */
function escaped(part: string | Buffer): string {
  return [...Buffer.from(part)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      if (/[A-Za-z0-9._~-]/.test(char)) return char;
      return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

function cut(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + at.length)];
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Whether two texts are one, without telling by the time it takes where they differ. */
function isSame(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return timingSafeEqual(Buffer.from(sha256(Buffer.from(a))), Buffer.from(sha256(Buffer.from(b))));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function stamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}
