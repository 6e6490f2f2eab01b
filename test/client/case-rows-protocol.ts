import type { Case } from './case.ts';

/** How uploads begin: what goes where, and what does not. */
export const protocol: readonly Case[] = [
  {
    number: 1,
    what: 'a new image: few requests, the manifest last and as it is',
    guards: [
      {
        test: [
          'client/images.test.ts',
          'a new image goes up with at most three requests a blob, its manifest last, as it is',
        ],
        defence: [
          'copy/copy-graph.ts',
          'await all(children.map((child) => copyOnce(child, { level: below, isNew: isNew(child) })));',
          'void all(children.map((child) => copyOnce(child, { level: below, isNew: isNew(child) })));',
        ],
      },
    ],
  },
  {
    number: 2,
    what: 'an image that is there',
    guards: [
      {
        test: [
          'client/images.test.ts',
          'an image that is there costs at most two requests and no bytes',
        ],
        defence: [
          'copy/push-walk.ts',
          'const isNamed = isThere || named.includes(root.digest);',
          'const isNamed = isThere || named.length > 9;',
        ],
      },
    ],
  },
  {
    number: 3,
    what: 'an image of which one layer is new',
    guards: [
      {
        test: ['client/images.test.ts', 'of an image in which one layer is new only that goes up'],
        defence: [
          'copy/copy-graph.ts',
          "if (!isNew && (await isThere(descriptor))) return onEvent({ kind: 'exists', descriptor });",
          '',
        ],
      },
    ],
  },
  {
    number: 4,
    what: 'one blob in many places',
    guards: [
      {
        test: [
          'client/images.test.ts',
          'a blob that an image, or an index, names many times goes up once',
        ],
        defence: ['copy/copy-graph.ts', 'if (running !== undefined) return running;', ''],
        also: ['registry/blob-writer.ts', 'if (this.#present.has(digest)) return;', ''],
      },
    ],
  },
  {
    number: 5,
    what: 'a Location that is relative',
    guards: [
      {
        test: ['client/locations.test.ts', 'the blob goes to a Location that is'],
        defence: [
          'registry/upload/location.ts',
          'URL.parse(location, response.url)',
          'URL.parse(location)',
        ],
      },
    ],
  },
  {
    number: 6,
    what: 'a Location that is an address',
    guards: [
      {
        test: ['client/locations.test.ts', 'the blob goes to a Location that is'],
        defence: [
          'registry/upload/location.ts',
          'URL.parse(location, response.url)',
          'URL.parse(new URL(response.url).origin + location)',
        ],
      },
    ],
  },
  {
    number: 7,
    what: 'a Location whose query is signed',
    guards: [
      {
        test: ['client/locations.test.ts', 'the blob goes to a Location that is'],
        defence: ['registry/upload/location.ts', "search !== '' ? '&'", "search !== '' ? '?'"],
      },
      {
        test: ['client/locations.test.ts', 'the blob goes to a Location that is'],
        defence: [
          'registry/upload/location.ts',
          'const { href, search } = location;',
          'const { href, search } = new URL(location.href.replace(/%[0-9A-F]{2}/gi, (all) => decodeURIComponent(all)));',
        ],
      },
    ],
  },
  {
    number: 8,
    what: 'a Location with escapes in its path',
    guards: [
      {
        test: ['client/locations.test.ts', 'escapes in the path of a Location stay as they are'],
        defence: [
          'registry/upload/location.ts',
          'if (endpoint.owns(url)) return endpoint',
          'if (endpoint.owns(url)) return new URL(decodeURIComponent(url.href));\n  if (endpoint.owns(url)) return endpoint',
        ],
      },
    ],
  },
  {
    number: 9,
    what: 'a Location without a scheme',
    guards: [
      {
        test: ['client/locations.test.ts', 'the blob goes to a Location that is'],
        defence: [
          'registry/upload/location.ts',
          'URL.parse(location, response.url)',
          "URL.parse(location.replace(/^\\/\\//, '/'), response.url)",
        ],
      },
    ],
  },
  {
    number: 10,
    what: 'no Location',
    guards: [
      {
        test: ['client/locations.test.ts', 'a Location that %s is an error that says so'],
        defence: [
          'registry/upload/location.ts',
          "throw invalid('opened an upload without saying where');",
          "return response.url === '' ? endpoint.url('/') : new URL(response.url);",
        ],
      },
    ],
  },
  {
    number: 11,
    what: 'a Location at another host',
    guards: [
      {
        test: [
          'client/locations.test.ts',
          'a Location at another host gets the blob, and no Authorization',
        ],
        defence: [
          'registry/auth.ts',
          'if (!endpoint.owns(request.url)) return transport(request);',
          '',
        ],
      },
    ],
  },
  {
    number: 12,
    what: 'a Location at a host near us, or without TLS',
    guards: [
      {
        test: [
          'client/locations.test.ts',
          'a Location in a private network, or without TLS, is refused: %s',
        ],
        defence: [
          'http/distrust.ts',
          "if (from.protocol === 'https:' && url.protocol === 'http:') return 'does not use TLS';",
          "if (url.protocol === 'http:') throw new Error('would be sent');",
        ],
      },
      {
        test: ['registry/auth.test.ts', 'a registry over TLS cannot send a login to %s'],
        defence: ['http/distrust.ts', 'return describeNearby(target);', 'return undefined;'],
      },
    ],
  },
  {
    number: 13,
    what: 'a mount that is taken',
    guards: [
      {
        test: ['client/sessions.test.ts', 'is mounted, and not sent'],
        defence: [
          'registry/upload/mount.ts',
          "if (isGood(response, [201])) return { kind: 'mounted', from };",
          '',
        ],
      },
    ],
  },
  {
    number: 14,
    what: 'a mount that opens an upload',
    guards: [
      {
        test: [
          'client/sessions.test.ts',
          'is sent in the session that the registry opens in place of a mount',
        ],
        defence: [
          'registry/upload/mount.ts',
          'isGood(response, [202]) ? openedAt(api, response) : response.status',
          'response.status',
        ],
      },
    ],
  },
  {
    number: 15,
    what: 'a mount that is refused',
    guards: [
      {
        test: [
          'client/sessions.test.ts',
          'is sent after all where a mount is answered with %i, and no more mounts are tried',
        ],
        defence: ['registry/upload/mount.ts', 'unwilling.add(from);', ''],
      },
      {
        test: [
          'client/sessions.test.ts',
          'is sent after all where a mount is answered with %i, and no more mounts are tried',
        ],
        defence: [
          'registry/upload/mount.ts',
          'memory.learn(api.endpoint.host, { noMount: true });',
          '',
        ],
      },
    ],
  },
  {
    number: 16,
    what: 'a mount for which a token must be good for two repositories',
    guards: [
      {
        test: [
          'client/access.test.ts',
          'is given up where no token for both is to be had, and the blob is sent',
        ],
        defence: [
          'registry/upload/mount.ts',
          "return hasCode(error, 'UNAUTHENTICATED', 'DENIED') ? 401 : NO_ANSWER;",
          'throw error;',
        ],
      },
    ],
  },
  {
    number: 17,
    what: 'the blob is there when its upload is to begin',
    guards: [
      {
        test: [
          'client/sessions.test.ts',
          'with 201 to the beginning of an upload, because it has the blob by now',
        ],
        defence: [
          'registry/upload/open-upload.ts',
          'if (response.status === 201 && (await',
          'if (response.status === 299 && (await',
        ],
      },
    ],
  },
];
