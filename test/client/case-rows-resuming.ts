import type { Case } from './case.ts';

/** How uploads break, and go on. */
export const resuming: readonly Case[] = [
  {
    number: 31,
    what: 'a connection that breaks in a body',
    guards: [
      {
        test: ['client/resume.test.ts', 'by %s goes on where the registry stands'],
        defence: [
          'registry/upload/status.ts',
          'offset: received, minChunkBytes',
          'offset: 0, minChunkBytes',
        ],
      },
      {
        test: [
          'client/resume.test.ts',
          'many times goes on each time, as long as there is progress',
        ],
        defence: ['registry/upload/budget.ts', 'this.#failures = 0;', ''],
      },
    ],
  },
  {
    number: 32,
    what: 'a connection that breaks, and a session that is lost by that',
    guards: [
      {
        test: ['client/resume.test.ts', 'begins anew where a session that is lost is a %i'],
        defence: [
          'registry/upload/upload.ts',
          "case 'lost':\n        this.#begin();",
          "case 'lost':",
        ],
      },
    ],
  },
  {
    number: 33,
    what: 'a status that is not told',
    guards: [
      {
        test: ['client/resume.test.ts', 'begins anew where the status is not told but %i'],
        defence: [
          'registry/upload/upload.ts',
          "return session.offset > 0 && !session.isKept ? { kind: 'at', session } : { kind: 'lost' };",
          "return { kind: 'at', session };",
        ],
      },
    ],
  },
  {
    number: 34,
    what: 'a status of less than was confirmed',
    guards: [
      {
        test: [
          'client/resume.test.ts',
          'less than what was confirmed takes the upload back to there',
        ],
        defence: [
          'registry/upload/status.ts',
          'offset: received, minChunkBytes',
          'offset: Math.max(received, session.offset), minChunkBytes',
        ],
      },
    ],
  },
  {
    number: 35,
    what: 'a status of more than was sent',
    guards: [
      {
        test: [
          'client/resume.test.ts',
          'more than what was sent is not believed: the session is given up',
        ],
        defence: [
          'registry/upload/status.ts',
          'received === undefined || received > sentTo',
          'received === undefined',
        ],
      },
    ],
  },
  {
    number: 36,
    what: 'a Range in every form, and none',
    guards: [
      {
        test: [
          'client/resume.test.ts',
          '%p ends in a blob that is there, sent again from its first byte at most once',
        ],
        defence: [
          'http/range.ts',
          'if (match === null) return undefined;\n  const last',
          "if (match === null) throw new Error('what?');\n  const last",
        ],
      },
    ],
  },
  {
    number: 37,
    what: 'a chunk of which only a part is kept',
    guards: [
      {
        test: [
          'client/resume.test.ts',
          'less than was sent is asked about, and the upload goes on from what is there',
        ],
        defence: ['registry/upload/send.ts', 'if (!isWhole || isEarly) return keptPart(api);', ''],
      },
    ],
  },
  {
    number: 38,
    what: 'a Range that stays behind',
    guards: [
      {
        test: [
          'client/resume.test.ts',
          'the range of the first chunk for ever, at Amazon ECR, is taken as an answer',
        ],
        defence: [
          'registry/upload/send.ts',
          'const isWhole = hasStaleRange || ',
          'const isWhole = ',
        ],
      },
      {
        test: ['client/resume.test.ts', 'is not where another process goes on'],
        defence: ['registry/upload/journal.ts', 'const { offset } = kept;', 'const offset = 0;'],
      },
    ],
  },
  {
    number: 39,
    what: '416',
    guards: [
      {
        test: ['client/refusals.test.ts', 'and nothing else is asked about, once'],
        defence: [
          'registry/upload/upload.ts',
          "return { kind: this.#ways.outOfRange(next) ? 'unsure' : 'lost', failure: outcome.failure };",
          'throw outcome.failure.error;',
        ],
      },
      {
        test: ['client/refusals.test.ts', 'because it is too large comes again as smaller ones'],
        defence: [
          'registry/upload/ways.ts',
          "this.#traits = { ...this.#traits, way: 'chunks', chunkBytes: maxRangeBytes, maxRangeBytes };",
          '',
        ],
      },
    ],
  },
  {
    number: 40,
    what: '413',
    guards: [
      {
        test: [
          'client/refusals.test.ts',
          'is halved until it is let through, and the next blob of that registry begins so',
        ],
        defence: [
          'registry/upload/upload.ts',
          'if (!this.#ways.shorten(next)) throw this.#tooLong;',
          'throw this.#tooLong;',
        ],
      },
      {
        test: [
          'client/refusals.test.ts',
          'is halved until it is let through, and the next blob of that registry begins so',
        ],
        defence: [
          'registry/upload/ways.ts',
          'this.#memory.learn(this.#host, { maxBodyBytes });',
          '',
        ],
      },
    ],
  },
  {
    number: 41,
    what: 'errors of the server in the middle of an upload, of many kinds',
    guards: [
      {
        test: ['client/refusals.test.ts', 'and says %i gets the rest, not the whole'],
        defence: ['registry/upload/outcome.ts', 'isPassingStatus(status)', 'status === 599'],
      },
      {
        test: ['client/refusals.test.ts', 'of changing kinds at every chunk gets them all'],
        defence: ['registry/upload/budget.ts', 'this.#failures = 0;', ''],
      },
    ],
  },
  {
    number: 42,
    what: 'an upload that is kept, but answered with an error',
    guards: [
      {
        test: [
          'client/refusals.test.ts',
          'that is kept but answered with %i is looked for, and the blob is not sent again',
        ],
        defence: [
          'registry/upload/upload.ts',
          "if (this.#mayBeStored && (await this.#isThere())) return { kind: 'stored' };",
          '',
        ],
      },
    ],
  },
  {
    number: 43,
    what: 'an upload that is kept, but not answered',
    guards: [
      {
        test: [
          'client/refusals.test.ts',
          'whose answer is lost by %s is looked for, and the blob is not sent again',
        ],
        defence: [
          'registry/upload/upload.ts',
          "if (this.#mayBeStored && (await this.#isThere())) return { kind: 'stored' };",
          '',
        ],
      },
    ],
  },
  {
    number: 44,
    what: 'a digest that is refused although it is right',
    guards: [
      {
        test: [
          'client/refusals.test.ts',
          'with another digest every time fails after one more try',
        ],
        defence: [
          'registry/upload/upload.ts',
          'if (this.#isIntact) {',
          'if (this.#isIntact === undefined) {',
        ],
      },
      {
        test: ['client/refusals.test.ts', 'with another digest than was sent begins anew once'],
        defence: [
          'registry/upload/upload.ts',
          "await this.#assertIntact();\n        return { kind: 'lost', failure: outcome.failure };",
          'throw outcome.failure.error;',
        ],
      },
    ],
  },
  {
    number: 45,
    what: 'a layer that is damaged on the disk',
    guards: [
      {
        test: [
          'e2e/client-processes.test.ts',
          'a layer that is damaged on the disk is found, and nothing gets a tag',
        ],
        defence: ['registry/upload/damage.ts', 'if (found.digest === digest) return;', 'return;'],
        also: [
          'copy/damaged-source.ts',
          'if (!(await isIntact(from, descriptor, options))) return damaged(descriptor, error);',
          '',
        ],
      },
    ],
  },
];
