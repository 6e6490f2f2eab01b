const HIDDEN = 'REDACTED';

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
const JSON_SECRET = /("(?:[\w-]*token|auth|password|secret)"\s*:\s*")(?:[^"\\]|\\.)*/gi;

/** An address as a message or a log may show it: without user names, passwords and secret query values. */
export function redactUrl(url: URL | string): string {
  return redactText(typeof url === 'string' ? url : url.href);
}

/** A text in which everything that looks like a secret is replaced. */
export function redactText(text: string): string {
  return text
    .replace(USER_INFO, `$1${HIDDEN}@`)
    .replace(SECRET_QUERY, `$1${HIDDEN}`)
    .replace(AUTHORIZATION, `$1${HIDDEN}`)
    .replace(BASIC_SECRET, `$1 ${HIDDEN}`)
    .replace(BEARER_SECRET, `$1 ${HIDDEN}`)
    .replace(ASSIGNED_SECRET, `$1${HIDDEN}`)
    .replace(JSON_SECRET, `$1${HIDDEN}`);
}
