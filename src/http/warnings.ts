import { cleanText } from './clean-text.ts';
import type { Transport } from './transport.ts';

/** Of more warnings in one process none is shown. */
const MAX_SHOWN = 10;

/** The longest warning that is shown whole. */
const MAX_LENGTH = 300;

/** One warning of the one kind that registries use; its text is quoted. */
const WARNING = /(?:^|,)[ \t]*299[ \t]+-[ \t]+"((?:[^"\\]|\\.)*)"/g;

/**
 * Shows each warning of a server once: `warning: HOST: TEXT`. Those of refusals are left out: they come before the
 * login is in our hands, and so before it would be known in them.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#warnings
 */
export function withWarnings(transport: Transport, report: (line: string) => void): Transport {
  const shown = new Set<string>();
  return async (request) => {
    const response = await transport(request);
    const header = response.headers.get('warning');
    if (header === null || !(response.ok || response.status === 404)) return response;
    const { host } = URL.parse(response.url) ?? request.url;
    for (const text of parseWarnings(header)) {
      const line = `warning: ${host}: ${cleanText(text, { limit: MAX_LENGTH })}`;
      if (shown.size >= MAX_SHOWN || shown.has(line)) continue;
      shown.add(line);
      report(line);
    }
    return response;
  };
}

/**
 * The texts in a `Warning` header, of however many were joined in it, as they came. What has another form
 * is skipped.
 * https://www.rfc-editor.org/rfc/rfc7234#section-5.5
 */
export function parseWarnings(header: string): readonly string[] {
  return [...header.matchAll(WARNING)]
    .map(([, text = '']) => text.replace(/\\(.)/g, '$1'))
    .filter((text) => text.trim() !== '');
}
