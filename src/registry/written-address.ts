/** `[http[s]://]HOST[:PORT]` with whatever path behind it. */
const WRITTEN = /^(https?:\/\/)?(?:[^/\\:@?#[\]\s]+|\[[\da-f:.]+\])(?::\d+)?(?:\/(?!\/)|[?#]|$)/i;

/**
 * The address that a user wrote, of which the scheme may be missing: then it is TLS.
 * @returns undefined when it is none, also for a misspelt scheme (`htps://a`, `http:/a`, `https//a`): it
 * would become the name of a host, to which logins go
 */
export function parseWrittenAddress(text: string): URL | undefined {
  const found = WRITTEN.exec(text);
  if (found === null) return undefined;
  return URL.parse(found[1] === undefined ? `https://${text}` : text) ?? undefined;
}
