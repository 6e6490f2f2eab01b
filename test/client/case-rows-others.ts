import type { Case } from './case.ts';

/** Logins, formats, and what a push may cost. */
export const others: readonly Case[] = [
  {
    number: 62,
    what: 'challenges in every form',
    guards: [
      {
        test: [
          'http/challenge.test.ts',
          'parseChallenges() reads several challenges of one header, with commas inside quotes',
        ],
        defence: [
          'http/challenge.ts',
          'if (current !== undefined && scanner.take(EQUALS) !== undefined) {',
          'if (current === null) {',
        ],
      },
      {
        test: [
          'registry/auth.test.ts',
          'of several challenges in several headers Bearer is followed first',
        ],
        defence: [
          'registry/auth-session.ts',
          "const wanted = asked ?? challenges.find(({ scheme }) => scheme === 'basic');",
          "const wanted = challenges.find(({ scheme }) => scheme === 'basic') ?? asked;",
        ],
      },
    ],
  },
  {
    number: 63,
    what: 'answers of token servers in every form',
    guards: [
      {
        test: ['registry/token-renewal.test.ts', 'access_token is as good as token'],
        defence: [
          'registry/token-answer.ts',
          " ?? secretOf(answer['access_token'], hideToken)",
          '',
        ],
      },
      {
        test: ['registry/token.test.ts', 'of more than 128 KiB is not read to its end'],
        defence: ['registry/token-answer.ts', 'limit: MAX_ANSWER_BYTES', 'limit: 2 ** 30'],
      },
    ],
  },
  {
    number: 64,
    what: 'lives of tokens in every form',
    guards: [
      {
        test: [
          'registry/token-renewal.test.ts',
          'a token that says nothing of its life, or less, is kept for half a minute',
        ],
        defence: ['registry/token-answer.ts', 'Math.max(SHORTEST_LIFE_MS, life)', 'life'],
      },
      {
        test: [
          'registry/token-renewal.test.ts',
          'a token that claims to live for ever is kept for a day at most',
        ],
        defence: ['registry/token-answer.ts', 'Math.min(LONGEST_LIFE_MS, ', 'Math.max(0, '],
      },
    ],
  },
  {
    number: 65,
    what: 'a token that ends in the middle of a blob',
    guards: [
      {
        test: [
          'client/access.test.ts',
          'before a %s is replaced, and the upload goes on in its session',
        ],
        defence: [
          'registry/upload/outcome.ts',
          "if (wasRenewed(response)) return { kind: 'renewed', failure: { ...failure, wait: 0 } };",
          '',
        ],
      },
    ],
  },
  {
    number: 66,
    what: '401 for ever',
    guards: [
      {
        test: [
          'client/access.test.ts',
          'a registry that wants another token every time is asked twice more and no further',
        ],
        defence: ['registry/upload/budget.ts', 'if (this.#renewals > RENEWALS) throw error;', ''],
      },
    ],
  },
  {
    number: 67,
    what: 'an identity token',
    guards: [
      {
        test: ['registry/token.test.ts', 'sends an identity token in a form, never in a header'],
        defence: [
          'registry/token.ts',
          "return { grant_type: 'refresh_token', refresh_token: login.token };",
          "return { grant_type: 'password', password: login.token };",
        ],
      },
      {
        test: ['registry/token.test.ts', 'tries an identity token with GET after a POST is %i'],
        defence: [
          'registry/token.ts',
          'if (!UNKNOWN_POST.has(response.status)) return response;',
          'return response;',
        ],
      },
    ],
  },
  {
    number: 68,
    what: 'a token server that is not to be trusted',
    guards: [
      {
        test: ['registry/realm.test.ts', 'of %s cannot be %s, and nothing else is said'],
        defence: ['registry/realm.ts', 'if (isTrusted) return url;', 'return url;'],
      },
      {
        test: ['registry/auth.test.ts', 'a registry over TLS cannot send a login to %s'],
        defence: ['http/distrust.ts', 'return describeNearby(target);', 'return undefined;'],
      },
    ],
  },
  {
    number: 69,
    what: 'redirects',
    guards: [
      {
        test: [
          'http/redirect.test.ts',
          'withRedirect() takes Authorization along to the same origin only',
        ],
        defence: ['http/redirect.ts', 'headers: here ? headers : portable(headers),', 'headers,'],
      },
      {
        test: ['http/redirect.test.ts', 'withRedirect() ends a circle and a long chain'],
        defence: [
          'http/redirect.ts',
          "if (seen.has(key)) throw refused(request.url, 'redirects in a circle');",
          '',
        ],
      },
      {
        test: [
          'http/redirect.test.ts',
          'withRedirect() sends the body again for 307 and 308, and makes a GET of 303',
        ],
        defence: ['http/redirect.ts', '...(body && !toGet && { body }),', ''],
      },
    ],
  },
  {
    number: 70,
    what: 'secrets in what is sent and shown',
    guards: [
      {
        test: [
          'registry/memory/registry-memory.test.ts',
          'is a secret: its query is hidden from then on',
        ],
        defence: ['registry/memory/kept-uploads.ts', 'hideToken(pair);', 'void pair;'],
      },
    ],
  },
  {
    number: 71,
    what: 'warnings',
    guards: [
      {
        test: ['http/warnings.test.ts', 'each warning of a registry is shown once'],
        defence: ['http/warnings.ts', ' || shown.has(line)', ''],
      },
      {
        test: [
          'http/warnings.test.ts',
          'a warning brings nothing to the terminal but its words, is not endless, and shows no secret',
        ],
        defence: ['http/warnings.ts', 'cleanText(text, { limit: MAX_LENGTH })', 'text'],
      },
    ],
  },
  {
    number: 72,
    what: 'credential helpers that are missing, hang, or say something else',
    guards: [
      {
        test: [
          'credentials/helper-hostile.test.ts',
          'that answers for %j is refused, and what it said is not shown',
        ],
        defence: [
          'credentials/helper-protocol.ts',
          "if (credential !== undefined && ServerURL !== '' && !isKeyOf(server, ServerURL)) {",
          'if (credential === null) {',
        ],
      },
      {
        test: ['credentials/helper-hostile.test.ts', 'that writes ten gigabytes is ended'],
        defence: [
          'host/run-program.ts',
          'if (length > maxBytes) onFlood();\n      else pieces.push(value);',
          'if (length <= maxBytes) pieces.push(value);',
        ],
      },
    ],
  },
  {
    number: 73,
    what: 'images from archives of every kind',
    guards: [
      {
        test: [
          'archives/file-trees.test.ts',
          'follows symbolic and hard links, through folders that are links too',
        ],
        defence: [
          'archives/tar-tree.ts',
          "else if (member?.type === 'symlink') wanted = targetOf(member);",
          '',
        ],
      },
    ],
  },
  {
    number: 74,
    what: 'archives that are cut off, turn in circles, or lead elsewhere',
    guards: [
      {
        test: [
          'streams/member-path.test.ts',
          'never gives a path that leaves the tree or has an empty part',
        ],
        defence: [
          'streams/member-path.ts',
          "if (part !== '..') parts.push(part);",
          "if (part !== '') parts.push(part);",
        ],
      },
      {
        test: [
          'streams/tar-reader.test.ts',
          'throws for more members or longer names than it can keep',
        ],
        defence: ['streams/tar-reader.ts', 'if (++count > limits.members) {', 'if (++count < 0) {'],
      },
    ],
  },
  {
    number: 75,
    what: 'platforms that are not here',
    guards: [
      {
        test: ['copy/select.test.ts', 'and leaves out those that are not here'],
        defence: [
          'copy/trim.ts',
          'if (member.isHere && goesAlong) return member.descriptor;',
          'if (goesAlong) return member.descriptor;',
        ],
      },
    ],
  },
  {
    number: 76,
    what: 'a disk on which the journal cannot be written',
    guards: [
      {
        test: [
          'registry/memory/registry-memory.test.ts',
          'that cannot be written warns once, when an upload is to be written down',
        ],
        defence: ['registry/memory/kept-uploads.ts', 'this.#options.onLost();', ''],
      },
    ],
  },
  {
    number: 77,
    what: 'an image of 1,000 layers: its requests',
    guards: [
      {
        test: [
          'client/images.test.ts',
          'an image of 1,000 layers goes up with two requests a blob',
        ],
        defence: [
          'copy/push-walk.ts',
          '(isEmpty && part.size <= SMALL_BYTES)',
          '(isEmpty && part.size < 0)',
        ],
      },
    ],
  },
  {
    number: 78,
    what: 'a layer of 10 GB: its memory',
    guards: [
      {
        test: ['client/memory.test.ts', 'a layer of many gigabytes goes up in flat memory, %s'],
        defence: [
          'registry/upload/body.ts',
          'const stream = content.stream({ start, signal });',
          'const whole = async function* () {\n    const all: Uint8Array[] = [];\n    for await (const piece of content.stream({ start, signal })) all.push(piece.slice());\n    yield* all;\n  };\n  const stream = whole();',
        ],
      },
    ],
  },
  {
    number: 79,
    what: 'an index of 1,000 manifests',
    guards: [
      {
        test: [
          'client/images.test.ts',
          'an index of 1,000 manifests goes up with at most three requests a blob',
        ],
        defence: ['copy/copy-graph.ts', 'if (running !== undefined) return running;', ''],
        also: ['registry/blob-writer.ts', 'if (this.#present.has(digest)) return;', ''],
      },
    ],
  },
  {
    number: 80,
    what: 'a link of 100 ms',
    guards: [
      {
        test: ['client/images.test.ts', 'no more than six requests of a push wait for one another'],
        defence: ['copy/copy-work.ts', 'const CHECKS = 16;', 'const CHECKS = 1;'],
      },
    ],
  },
];
