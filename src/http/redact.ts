const HIDDEN = 'REDACTED';

/** Names of query values that open doors: upload states, signatures, tokens. */
const SECRET_QUERY =
  /([?&](?:_state|state|token|access_token|refresh_token|sig|signature|key|password|x-(?:amz|goog|ms)-[\w-]+)=)[^&\s"'<>]*/gi;

const AUTHORIZATION =
  /\b((?:proxy-)?authorization["']?\s*[:=]\s*["']?)(?:(?:basic|bearer)\s+)?[^\s"',]+/gi;
const SCHEME_AND_SECRET = /\b(basic|bearer)\s+[\w\-.~+/]{16,}=*/gi;
const USER_INFO = /(\bhttps?:\/\/)[^/\s@"']+@/gi;
const JSON_SECRET =
  /("(?:token|access_token|refresh_token|identitytoken|registrytoken|auth|password|secret)"\s*:\s*")(?:[^"\\]|\\.)*/gi;

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
    .replace(SCHEME_AND_SECRET, `$1 ${HIDDEN}`)
    .replace(JSON_SECRET, `$1${HIDDEN}`);
}
