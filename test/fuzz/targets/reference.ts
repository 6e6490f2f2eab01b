import {
  familiarReference,
  formatReference,
  isRepository,
  isTag,
  parseReference,
} from '../../../src/oci/reference.ts';
import { Endpoint } from '../../../src/registry/endpoint.ts';
import { attempt, promise, promiseSame } from '../promises.ts';
import { textTarget } from '../target.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

/** What users type, and what archives and registries call images. */
export const reference = textTarget({
  name: 'reference',
  share: 60,
  maxBytes: 4096,
  words: [
    digest,
    'docker.io',
    'library/',
    'localhost',
    'index.docker.io',
    ':latest',
    '@',
    '[::1]:5',
  ],
  seeds: [
    ...['alpine', 'alpine:3.20', 'docker.io/library/alpine:latest', 'ghcr.io/me/app:1.0'],
    ...[
      'localhost:5000/a/b',
      '[::1]:5000/x',
      `app@${digest}`,
      `a.b/c:d@${digest}`,
      digest.slice(7),
    ],
    ...[
      'localhost:99999/a',
      '1.2.3.256/x',
      '[:::]:5/x',
      'index.docker.io/a',
      'Host/a',
      'a__b--c.d/e',
      `x@sha512:${'f'.repeat(128)}`,
    ],
  ],
  run(text) {
    const parsed = parseReference(text);
    promise(isRepository(parsed.repository), 'the repository is none');
    promise(parsed.tag === undefined || isTag(parsed.tag), 'the tag is none');
    attempt(() => new Endpoint(parsed.registry).url('/v2/'));
    const { tagGiven: _, ...plain } = parsed;
    for (const form of [formatReference(parsed), familiarReference(parsed)]) {
      const { tagGiven: __, ...again } = parseReference(form);
      promiseSame(again, plain, `${form} means something else`);
    }
  },
});
