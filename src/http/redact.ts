import { forbidCoreDump } from '../host/core-dump.ts';
import { partsOf } from './secret-parts.ts';
import { findSpellings, plainly, type Span } from './spellings.ts';

const HIDDEN = 'REDACTED';

/** A shorter secret is hidden in its login only: messages would lose their words. */
const SHORTEST = 4;

/** Of so many logins and other lasting secrets finch knows the forms. No command meets as many. */
const MAX_LASTING = 1024;

/** Tokens of so many characters in all are known; the one that was longest out of use is forgotten. */
const MAX_TOKENS = 131_072;

/** A longer secret is hidden piece by piece. */
const PIECE = 512;

/** No secret is longer: what comes behind is not known. */
const MAX_LENGTH = 65_536;

/** Secrets, the newest last; each with what it looks like, once a text was redacted: most commands redact none. */
type Secrets = Map<string, readonly string[] | undefined>;

/** The secrets of this process: those that it keeps, and tokens, of which a long push sees hundreds. */
const lasting: Secrets = new Map();
const tokens: Secrets = new Map();

/** What all of them look like, sorted; undefined when that has changed. */
let needles: readonly string[] | undefined;

/** Names of query values that open doors: upload states, signatures, tokens. */
const SECRET_QUERY =
  /([?&](?:_state|state|policy|sig|signature|key|password|secret|[\w-]*token|x-(?:amz|goog|ms)-[\w-]+)=)[^&\s"'<>]*/gi;

const AUTHORIZATION =
  /\b((?:proxy-)?authorization["']?\s*[:=]\s*["']?)(?:(?:basic|bearer)\s+)?[^\s"',]+/gi;
const BASIC_SECRET = /\b(basic)\s+[\w\-.~+/]{16,}=*/gi;
/** However short; but not the scheme's name in a sentence, and no challenge. */
const BEARER_SECRET =
  /\b(bearer)\s+(?!(?:tokens?|auth(?:entication|orization)?|scheme|challenges?)\b|\w+=["\w])[\w\-.~+/]+=*/gi;
const ASSIGNED_SECRET = /(?<![\w-])((?:[\w-]*token|password|secret)=)[^&\s"'<>]+/gi;
const USER_INFO = /(\bhttps?:\/\/)[^/\s?#"'<>]*@/gi;
const JSON_SECRET =
  /("(?:[\w-]*token|auth|password|secret|secretaccesskey)"\s*:\s*")(?:[^"\\]|\\.)*/gi;
/** Keys of AWS in its files, in an environment, in answers in XML and in JSON, also in JSON that is a text of JSON. */
const AWS_SECRET =
  /((?:secret_?access_?key|session_?token|security_?token)(?:>|\\?["']?\s*[=:]\s*\\?["']?))[^\s"'<>\\]+/gi;

/** An address as a message or a log may show it: without user names, passwords and secret query values. */
export function redactUrl(url: URL | string): string {
  return redactText(typeof url === 'string' ? url : url.href);
}

/**
 * Remembers a secret of this process, which {@link redactText} then hides wherever it stands and however
 * it is written: plain, percent-encoded, in hexadecimal, as part of JSON, HTML or base64; and its longer
 * lines, and strings in it when it is JSON, where they stand alone. One of less than 4 characters
 * is hidden in the base64 of `user:secret` only. From the first one on a crash leaves no core file. Whoever
 * gets a secret into hands says so here.
 */
export function hideSecret(secret: string, { user }: { user?: string | undefined } = {}): void {
  for (const part of partsOf(secret)) remember(part, lasting);
  remember(secret, lasting);
  if (user !== undefined) remember(Buffer.from(`${user}:${secret}`).toString('base64'), lasting);
}

/** {@link hideSecret} for a token that is used for a while: it may be forgotten when many others came since. */
export function hideToken(token: string): void {
  remember(token, tokens);
}

/** {@link hideSecret} for what an `Authorization` header holds, a login or a token. */
export function hideAuthorization(header: string): void {
  const [, scheme = '', value = ''] = /^(\S+) +(.*)$/.exec(header) ?? [];
  const isLogin = scheme.toLowerCase() === 'basic';
  remember(value, isLogin ? lasting : tokens);
  if (!isLogin) return;
  const login = Buffer.from(value, 'base64').toString();
  remember(login.slice(login.indexOf(':') + 1), lasting);
}

function remember(whole: string, secrets: Secrets): void {
  const secret = whole.slice(0, MAX_LENGTH);
  if (secret.length < SHORTEST || lasting.has(secret)) return;
  if (lasting.size + tokens.size === 0) void forbidCoreDump();
  const forms = tokens.get(secret);
  tokens.delete(secret);
  secrets.set(secret, forms);
  if (forms === undefined) needles = undefined;
  if (lasting.size > MAX_LASTING) forgetOldest(lasting);
  let length = 0;
  for (const token of tokens.keys()) length += token.length;
  for (; length > MAX_TOKENS; needles = undefined) length -= forgetOldest(tokens);
}

/** @returns the length of what was forgotten */
function forgetOldest(secrets: Secrets): number {
  const [oldest = ''] = secrets.keys();
  secrets.delete(oldest);
  return oldest.length;
}

function formsOfAll(secrets: Secrets): readonly string[] {
  return [...secrets].flatMap(([secret, made]) => {
    const forms = made ?? formsOf(secret);
    secrets.set(secret, forms);
    return forms;
  });
}

function formsOf(secret: string): readonly string[] {
  const forms = new Set<string>();
  for (let start = 0; start < secret.length; start += PIECE) {
    // The last one is as long as the others: nothing of less than 4 characters is left over.
    const from = Math.min(start, Math.max(0, secret.length - PIECE));
    const piece = secret.slice(from, from + PIECE);
    const hex = Buffer.from(piece).toString('hex');
    for (const form of [piece, hex, ...inBase64(piece)].flatMap(plainly)) {
      if (form.length >= SHORTEST) forms.add(form);
    }
  }
  return [...forms];
}

/** What base64 makes of a secret behind 0, 1 or 2 other bytes, without the characters that it shares with others. */
function inBase64(secret: string): readonly string[] {
  return [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const shared = Math.ceil((before * 8) / 6);
    return bytes.toString('base64').slice(shared, Math.floor((bytes.length * 8) / 6));
  });
}

/** A text without the secrets of this process and without everything that looks like one. */
export function redactText(text: string): string {
  return withoutLookalikes(withoutKnown(text));
}

function withoutKnown(text: string): string {
  if (lasting.size + tokens.size === 0) return text;
  needles ??= [...new Set([lasting, tokens].flatMap(formsOfAll))].sort();
  const spans = findSpellings(text, needles);
  let result = '';
  let done = 0;
  for (const { start, end } of joined(spans)) {
    result += `${text.slice(done, start)}${HIDDEN}`;
    done = end;
  }
  return result + text.slice(done);
}

function joined(spans: readonly Span[]): readonly Span[] {
  const result: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last === undefined || span.start > last.end) result.push(span);
    else result[result.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
  }
  return result;
}

function withoutLookalikes(text: string): string {
  return text
    .replace(USER_INFO, `$1${HIDDEN}@`)
    .replace(SECRET_QUERY, `$1${HIDDEN}`)
    .replace(AUTHORIZATION, `$1${HIDDEN}`)
    .replace(BASIC_SECRET, `$1 ${HIDDEN}`)
    .replace(BEARER_SECRET, `$1 ${HIDDEN}`)
    .replace(AWS_SECRET, `$1${HIDDEN}`)
    .replace(ASSIGNED_SECRET, `$1${HIDDEN}`)
    .replace(JSON_SECRET, `$1${HIDDEN}`);
}
