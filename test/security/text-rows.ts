import type { Row } from './row.ts';

/** What finch sends and shows holds what others have written. */
export const text: readonly Row[] = [
  {
    id: 'secrets in logs',
    attack: 'an error, a log or a crash shows a password, a token, or an address that opens doors',
    guards: [
      {
        test: ['http/redact.test.ts', 'redactUrl() hides what opens doors in %s'],
        defence: ['http/redact.ts', '.replace(SECRET_QUERY, ', '.replace(/[^sS]/, '],
      },
      {
        test: ['http/redact.test.ts', 'redactText() of %s'],
        defence: ['http/redact.ts', '.replace(AUTHORIZATION, ', '.replace(/[^sS]/, '],
      },
      {
        test: [
          'http/hidden-secrets.test.ts',
          'redactText() hides any secret in any text in any spelling',
        ],
        defence: [
          'http/redact.ts',
          'withoutLookalikes(withoutKnown(text))',
          'withoutLookalikes(text)',
        ],
      },
      {
        test: [
          'http/trace.test.ts',
          'withTrace() tells of a request in one line, without what opens doors',
        ],
        defence: ['http/trace.ts', 'HARMLESS.has(name) ? whole', 'HARMLESS.size > 0 ? whole'],
      },
      {
        test: [
          'e2e/debug.test.ts',
          'tells of each request, and never a password that the registry repeats',
        ],
        defence: [
          'http/redact.ts',
          'withoutLookalikes(withoutKnown(text))',
          'withoutLookalikes(text)',
        ],
      },
      {
        test: [
          'e2e/debug.test.ts',
          'that is a path collects in that file, for the user alone, and leaves stderr as it is',
        ],
        defence: ['cli/debug-log.ts', 'O_NONBLOCK, 0o600)', 'O_NONBLOCK, 0o644)'],
      },
      {
        test: ['http/proxy.test.ts', 'proxyFor() has the password of a proxy hidden from then on'],
        defence: [
          'http/proxy.ts',
          "if (secret !== '') hideSecret(",
          "if (secret === '') hideSecret(",
        ],
      },
      {
        test: [
          'http/hidden-secrets.test.ts',
          'hideAuthorization() knows the password of a login and the token of a bearer',
        ],
        defence: ['http/redact.ts', "remember(login.slice(login.indexOf(':') + 1), lasting);", ''],
      },
      {
        test: ['e2e/bad-peers.test.ts', 'puts escapes and secrets into its errors'],
        defence: ['http/redact.ts', '.replace(ASSIGNED_SECRET, ', '.replace(/[^sS]/, '],
      },
      {
        test: [
          'e2e/security/echo.test.ts',
          'a kept %s that a token server repeats is not shown, also with --debug',
        ],
        defence: ['credentials/file-store.ts', 'else hideSecret(credential.token);', ''],
      },
      {
        test: [
          'credentials/helper-hostile.test.ts',
          'that gives a secret makes it one that is hidden from then on',
        ],
        defence: [
          'credentials/helper-store.ts',
          'hideSecret(credential.secret, { user: credential.username });',
          '',
        ],
      },
      {
        test: ['e2e/bad-logins.test.ts', 'where a registry sends the password back'],
        defence: [
          'http/redact.ts',
          'withoutLookalikes(withoutKnown(text))',
          'withoutLookalikes(text)',
        ],
      },
    ],
  },
  {
    id: 'terminal sequences',
    attack:
      'text of a registry, a helper or an archive moves the cursor, or seems to be another line',
    guards: [
      {
        test: ['text.test.ts', 'printable() leaves nothing that moves a cursor or begins a line'],
        defence: ['text.ts', ".replace(CONTROL, ' ')", ''],
      },
      {
        test: ['text.test.ts', 'excerpt() does so without quotes'],
        defence: ['text.ts', ".replace(INVISIBLE, '')", ''],
      },
      {
        test: [
          'security/shown.test.ts',
          'a user name that a terminal would obey is shown as what it is, in JSON',
        ],
        defence: ['credentials/helper-protocol.ts', '\\u007f-\\u009f\\u061c', '\\u061c'],
      },
      {
        test: ['e2e/bad-peers.test.ts', 'puts escapes and secrets into its errors'],
        defence: ['text.ts', ".replace(INVISIBLE, '')", ''],
      },
      {
        test: [
          'e2e/hostile-text.test.ts',
          'in names, platforms and paths of an archive never reach the terminal',
        ],
        defence: ['text.ts', ".replace(CONTROL, ' ')", ''],
      },
      {
        test: [
          'credentials/helper-hostile.test.ts',
          'that fails is quoted in one line, without terminal sequences and not at length',
        ],
        defence: ['http/clean-text.ts', 'redactText(printable(text)', 'redactText((text)'],
      },
    ],
  },
  {
    id: 'CRLF in headers',
    attack:
      'a token, a login or a file holds a line end, and so one more header, or another request',
    guards: [
      {
        test: [
          'http/transport.test.ts',
          'sendRequest() sends no header with %s, and does not say what it holds',
        ],
        defence: ['http/transport.ts', 'assertSendable(headers);', ''],
      },
      {
        test: ['e2e/bad-peers.test.ts', 'has a token server that sends a token with a line feed'],
        defence: ['registry/token-answer.ts', '|| !/^[\\x21-\\x7e]+$/.test(value)', ''],
      },
      {
        test: [
          'registry/certs-dir.test.ts',
          'refuses HttpHeaders that no request can have, without showing their values',
        ],
        defence: [
          'registry/custom-headers.ts',
          'if (joined.includes(undefined))',
          'if (joined.length === 0)',
        ],
      },
      {
        test: ['oci/descriptor.test.ts', 'a mediaType of two lines'],
        defence: [
          'oci/descriptor.ts',
          "if (!MEDIA_TYPE.test(mediaType)) throw invalid('has no valid mediaType');",
          '',
        ],
      },
    ],
  },
  {
    id: 'endless text',
    attack: 'a header or an answer has no end, or keeps a parser busy for ever',
    guards: [
      {
        test: ['registry/token.test.ts', 'of more than 128 KiB is not read to its end'],
        defence: ['registry/token-answer.ts', 'limit: MAX_ANSWER_BYTES', 'limit: 2 ** 30'],
      },
      {
        test: [
          'http/transport.test.ts',
          'readWhole() throws REGISTRY when a body is longer than allowed',
        ],
        defence: [
          'http/body.ts',
          'if (whole) return bytes;',
          'if (bytes.length > 0 || whole) return bytes;',
        ],
      },
      {
        test: [
          'http/retry.test.ts',
          'withRetry() waits no more than ten minutes in all, however often the server asks for it',
        ],
        defence: ['http/pauses.ts', 'this.#leftMs -= ms;', ''],
      },
    ],
  },
];
