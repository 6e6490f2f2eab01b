import { parseChallenges } from '../../../src/http/challenge.ts';
import { cleanText } from '../../../src/http/clean-text.ts';
import { nextLink } from '../../../src/http/link.ts';
import { contentRangeStart, receivedBytes } from '../../../src/http/range.ts';
import { redactUrl } from '../../../src/http/redact.ts';
import { retryAfterMs } from '../../../src/http/retry-after.ts';
import { mergeScopes } from '../../../src/registry/scope.ts';
import { parseContentRange, parseRange } from '../../../src/server/byte-range.ts';
import { parseRoute } from '../../../src/server/route.ts';
import { promise, promiseSame, promiseShowable } from '../promises.ts';
import { textTarget } from '../target.ts';

/** Headers of answers and requests, as the other side may have written them. */
export const header = textTarget({
  name: 'header',
  share: 120,
  maxBytes: 16 * 1024,
  words: [
    ...[
      'Bearer ',
      'Basic ',
      'realm="',
      'service=',
      'scope="repository:a/b:pull,push"',
      'error="',
      ', ',
    ],
    ...[
      'rel="next"',
      '<',
      '>; rel=next',
      'rel',
      'bytes=',
      'bytes ',
      '0-0',
      '0-',
      '-5',
      '/*',
      '\\"',
    ],
    ...['Wed, 21 Oct 2026 07:28:00 GMT', 'https://user:pass@host/', '?token=x', 'authorization: '],
    ...[
      'eyJhbGciOi',
      'password=',
      '"token":"',
      '/v2/',
      '/blobs/uploads/',
      '/manifests/',
      '/tags/list',
    ],
  ],
  seeds: [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a:pull"',
    'Basic realm="x", Bearer realm="y\\"z", scope=a, Negotiate YWJj==, Digest',
    '<https://x/v2/_catalog?last=b&n=1>; rel="next", </a>; rel=prev; title="a,b"',
    '</v2/a/tags/list?n=5&last=v1>; rel="next"',
    ...[
      '0-1023',
      'bytes=0-99',
      'bytes=-5',
      'bytes=10-',
      'bytes 0-9/10',
      'bytes 5-9/*',
      '0-0',
      '0--1',
    ],
    ...['120', 'Wed, 21 Oct 2026 07:28:00 GMT', 'Retry-After: 3', '99999999999'],
    ...[
      '/v2/',
      '/v2/_catalog',
      '/v2/a/b/tags/list',
      '/v2/a/blobs/uploads/',
      '/v2/a/blobs/uploads/id',
    ],
    ...['/v2/a%2fb/manifests/latest', `/v2/a/blobs/sha256:${'0'.repeat(64)}`, '/v2/a/referrers/x'],
    'GET https://me:secret@host/x?_state=abc&sig=def Authorization: Bearer abc.def {"token":"abc"}',
  ],
  run(text) {
    for (const { scheme, params } of parseChallenges(text)) {
      promise(
        scheme !== '' && scheme === scheme.toLowerCase(),
        'a scheme is not a lower-case word',
      );
      for (const [name, value] of Object.entries(params)) {
        promise(name === name.toLowerCase() && typeof value === 'string', 'a parameter is none');
      }
    }
    const next = nextLink(text);
    promise(next === undefined || text.includes(`<${next}>`), 'the link is not in the header');
    for (const count of [receivedBytes(text), contentRangeStart(text)]) {
      promise(
        count === undefined || (Number.isSafeInteger(count) && count >= 0),
        'no whole number',
      );
    }
    const wait = retryAfterMs(text, 0);
    promise(wait === undefined || wait >= 0, `a wait of ${wait}`);
    const scopes = mergeScopes(text.split(' '), []);
    promiseSame(mergeScopes(scopes, []), scopes, 'merged scopes merge once more');
    checkRanges(text);
    const route = parseRoute(text);
    promise(route === undefined || !('repository' in route) || route.repository !== '', 'no name');
    checkShown(text);
  },
});

function checkRanges(text: string): void {
  for (const size of [0, 1, 1000]) {
    const range = parseRange(text, size);
    if (range === undefined || range === 'unsatisfiable') continue;
    const { start, end } = range;
    promise(start >= 0 && start < end && end <= size, `${start} to ${end} is not within ${size}`);
  }
  const chunk = parseContentRange(text);
  promise(
    chunk === undefined || (chunk.start >= 0 && chunk.start < chunk.end),
    'a chunk of nothing',
  );
}

function checkShown(text: string): void {
  const clean = cleanText(text);
  promiseShowable(clean, 'the clean text');
  promise(clean.length <= 501, `the clean text has ${clean.length} characters`);
  const secret = 'hunter2hunter2hunter2';
  const url = redactUrl(`https://me:${secret}@host/${text.slice(0, 100).replace(/\s/g, '')}`);
  promise(!url.includes(secret) || text.includes('hunter2'), 'a password is shown');
}
