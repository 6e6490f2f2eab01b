import type { Case } from './case.ts';

/** What connections, processes and busy registries do. */
export const faults: readonly Case[] = [
  {
    number: 46,
    what: 'a registry that stops reading',
    guards: [
      {
        test: [
          'client/stalls.test.ts',
          'stops reading is left, and gets the rest on another connection',
        ],
        defence: ['http/paced.ts', 'watchdog.expect(stallMs);', ''],
      },
    ],
  },
  {
    number: 47,
    what: 'an answer that comes a byte at a time',
    guards: [
      {
        test: ['client/stalls.test.ts', 'answers a byte at a time is left'],
        defence: ['http/paced.ts', 'watchdog.expect(endMs);', ''],
      },
    ],
  },
  {
    number: 48,
    what: 'a connection on which nothing comes any more',
    guards: [
      {
        test: [
          'client/stalls.test.ts',
          'is never heard of again is given up, and no connection stays',
        ],
        defence: ['http/transport.ts', 'watchdog.expect(way.answerMs + workMs(request));', ''],
      },
    ],
  },
  {
    number: 49,
    what: 'an answer that does not end',
    guards: [
      {
        test: ['http/slow-server.test.ts', 'readWhole() gives up on a body that stalls'],
        defence: ['http/body.ts', 'watchdog.expect(patience);', ''],
      },
    ],
  },
  {
    number: 50,
    what: 'an answer that comes before the body is sent',
    guards: [
      {
        test: ['client/stalls.test.ts', 'of 429 is heard, and waited for as it says'],
        defence: ['registry/upload/outcome.ts', '...(wait !== undefined && { wait })', ''],
      },
      {
        test: ['client/stalls.test.ts', 'of 413 is heard, and less is sent at once'],
        defence: [
          'registry/upload/upload.ts',
          'if (!this.#ways.shorten(next)) throw this.#tooLong;',
          'throw this.#tooLong;',
        ],
      },
    ],
  },
  {
    number: 51,
    what: 'interim answers',
    guards: [],
    byRuntime: {
      test: ['client/stalls.test.ts', 'sends interim answers is understood'],
      why: 'Bun passes over answers with a status below 200',
    },
  },
  {
    number: 52,
    what: 'connections that end with an answer, or with the next request',
    guards: [
      {
        test: [
          'client/stalls.test.ts',
          'closes a connection while the next request is on its way gets the blob all the same',
        ],
        defence: [
          'http/failure.ts',
          "return PASSING.has(networkCode(error) ?? '');",
          'return false;',
        ],
      },
    ],
  },
  {
    number: 53,
    what: 'a process that is killed in the middle of a blob',
    guards: [
      {
        test: ['e2e/client-processes.test.ts', 'is gone on with by the next, in the same upload'],
        defence: [
          'registry/upload/upload.ts',
          "if (kept !== undefined) return { kind: 'at', session: kept };",
          '',
        ],
      },
    ],
  },
  {
    number: 54,
    what: 'an upload of before that is gone',
    guards: [
      {
        test: [
          'e2e/client-processes.test.ts',
          'begins anew where the registry has dropped the upload',
        ],
        defence: [
          'registry/upload/upload.ts',
          "case 'lost':\n        this.#begin();",
          "case 'lost':",
        ],
      },
    ],
  },
  {
    number: 55,
    what: 'a memory that somebody has changed',
    guards: [
      {
        test: [
          'e2e/client-processes.test.ts',
          'sends nothing to another host that somebody wrote into what finch remembers',
        ],
        defence: [
          'registry/upload/location.ts',
          'if (url === null || !endpoint.owns(url)) return undefined;',
          'if (url !== null) return url;\n  if (url === null) return undefined;',
        ],
      },
    ],
  },
  {
    number: 56,
    what: 'two pushes of one image at once',
    guards: [
      {
        test: ['registry/memory/registry-memory.test.ts', 'of a living process stays its own'],
        defence: [
          'registry/memory/kept-uploads.ts',
          'if (this.#isHeld(row, row.owner) || ',
          'if (',
        ],
      },
    ],
  },
  {
    number: 57,
    what: 'an interrupt, and a second one',
    guards: [
      {
        test: [
          'e2e/client-processes.test.ts',
          'of a push that is not to be gone on with gives its upload up',
        ],
        defence: ['registry/upload/upload-blob.ts', 'await upload.giveUp();', ''],
      },
      {
        test: [
          'e2e/client-processes.test.ts',
          'ends a push with 130, says how to go on, and the next one does',
        ],
        defence: [
          'registry/upload/upload.ts',
          "if (kept !== undefined) return { kind: 'at', session: kept };",
          '',
        ],
      },
    ],
  },
  {
    number: 58,
    what: 'a registry in maintenance',
    guards: [
      {
        test: [
          'client/waiting.test.ts',
          'that names a date is waited for until then, which is told',
        ],
        defence: [
          'http/retry-after.ts',
          'const time = DATE.test(text) ?',
          "const time = text === '' ?",
        ],
      },
      {
        test: ['client/waiting.test.ts', 'is told of as a wait, with its length'],
        defence: [
          'registry/upload/budget.ts',
          "if (ms > 0) onStep?.({ kind: 'waiting', ms, why });",
          '',
        ],
      },
    ],
  },
  {
    number: 59,
    what: 'too many requests, with Retry-After in every form',
    guards: [
      {
        test: ['client/waiting.test.ts', 'of %s is followed within reason'],
        defence: [
          'http/retry-after.ts',
          'return Math.ceil(number * 1000);',
          'return Math.ceil(number);',
        ],
      },
      {
        test: [
          'client/waiting.test.ts',
          'as Docker Hub says it, in seconds since 1970, is followed',
        ],
        defence: [
          'http/retry-after.ts',
          'if (number >= FIRST_EPOCH_SECONDS) return Math.max(0, number * 1000 - now);',
          '',
        ],
      },
      {
        test: [
          'client/waiting.test.ts',
          'a registry that is busy is left alone by all that goes on at once',
        ],
        defence: [
          'http/host-gate.ts',
          'if (BUSY_STATUS.has(response.status)) close(host, response, pauses);',
          '',
        ],
      },
    ],
  },
  {
    number: 60,
    what: 'too many requests, said with another status',
    guards: [
      {
        test: ['client/waiting.test.ts', 'too many requests is a reason to wait also as a %i'],
        defence: [
          'http/host-gate.ts',
          'const ODD_STATUS = new Set([400, 403, 500]);',
          'const ODD_STATUS = new Set([599]);',
        ],
        also: ['registry/upload/outcome.ts', " || codes.includes('TOOMANYREQUESTS')", ''],
      },
    ],
  },
  {
    number: 61,
    what: 'a host that is not there, or shows a wrong certificate',
    guards: [
      {
        test: ['http/retry.test.ts', 'withRetry() does not repeat what cannot change: %s'],
        defence: [
          'http/failure.ts',
          "return PASSING.has(networkCode(error) ?? '');",
          'return true;',
        ],
      },
    ],
  },
];
