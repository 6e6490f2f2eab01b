import { judgedAddress, noDowngrade } from './address-guards.ts';
import type { Row } from './row.ts';

/** A registry, or whoever gets between, sends requests and what they carry to somebody else. */
export const servers: readonly Row[] = [
  {
    id: 'CVE-2020-15157, GHSA-742w-89gc-8m9c',
    attack: 'a layer names an address of its own, whose server asks for a login and gets it',
    guards: [
      {
        test: [
          'e2e/security/foreign-layers.test.ts',
          'is never asked for at the addresses that it names',
        ],
        defence: [
          'oci/descriptor.ts',
          "if (!isDigest(digest)) throw invalid('has no valid digest');",
          "for (const url of [value['urls'] ?? []].flat()) void fetch(String(url)).catch(() => {});\n  if (!isDigest(digest)) throw invalid('has no valid digest');",
        ],
      },
      {
        test: [
          'e2e/security/foreign-layers.test.ts',
          'is neither fetched nor sent where it may not be distributed',
        ],
        defence: [
          'copy/copy-graph.ts',
          'filter(({ mediaType }) => !isNonDistributable(mediaType))',
          'filter(() => true)',
        ],
      },
    ],
  },
  {
    id: 'CVE-2026-50151, GHSA-jxpm-75mh-9fp7',
    attack:
      'a registry gives an upload a Location on another server, which gets the login of the POST before it',
    guards: [
      {
        test: [
          'registry/upload.test.ts',
          'a Location at another server gets the blob but no Authorization',
        ],
        defence: [
          'registry/auth.ts',
          'if (!endpoint.owns(request.url)) return transport(request);',
          '',
        ],
      },
      {
        test: ['e2e/bad-peers.test.ts', 'gets a blob elsewhere sees neither login nor token there'],
        defence: [
          'registry/auth.ts',
          'if (!endpoint.owns(request.url)) return transport(request);',
          '',
        ],
      },
      {
        test: ['e2e/security/downgrade.test.ts', 'wants an upload'],
        defence: [
          'registry/upload/location.ts',
          "const why = distrust(url, { from: endpoint.url('') });",
          'const why = url.pathname === undefined ? String(distrust) : undefined;',
        ],
      },
    ],
  },
  {
    id: 'GHSA-vh4v-2xq2-g5cg',
    attack: 'a redirect to another port or scheme of the same host takes the login along',
    guards: [
      {
        test: ['http/redirect.test.ts', 'withRedirect() strips Authorization on the way to %s: %s'],
        defence: [
          'http/redirect.ts',
          'url.origin === request.url.origin',
          'url.hostname === request.url.hostname',
        ],
      },
      {
        test: ['security/redirects.test.ts', 'from %s to %s takes no login along'],
        defence: [
          'http/redirect.ts',
          'url.origin === request.url.origin',
          'url.host === request.url.host',
        ],
      },
      {
        test: [
          'e2e/security/redirects.test.ts',
          'to another port of its host takes no login along',
        ],
        defence: [
          'http/redirect.ts',
          'url.origin === request.url.origin',
          'url.hostname === request.url.hostname',
        ],
      },
      {
        test: [
          'http/redirect.test.ts',
          'withRedirect() takes no header that the user or the registry gave to another origin',
        ],
        defence: ['http/redirect.ts', 'headers: here ? headers : portable(headers)', 'headers'],
      },
    ],
  },
  {
    id: 'go-containerregistry 2349',
    attack:
      'the server behind a redirect answers 401 and so gets the login that the redirect had left out',
    guards: [
      {
        test: [
          'registry/auth.test.ts',
          'the challenge %s of a server that was redirected to is none of our business',
        ],
        defence: [
          'registry/auth.ts',
          'const isAnswerable = response.status === 401 && isFrom(endpoint, response);',
          'const isAnswerable = response.status === 401;',
        ],
      },
      {
        test: [
          'security/challenge.test.ts',
          'to which the root of the API is redirected, is nobody’s',
        ],
        defence: ['registry/auth-session.ts', 'endpoint.owns(new URL(ping.url)) ? ', 'ping.url ? '],
      },
      {
        test: ['e2e/security/redirects.test.ts', 'to a server that asks for a login tells it none'],
        defence: [
          'registry/auth.ts',
          'const isAnswerable = response.status === 401 && isFrom(endpoint, response);',
          'const isAnswerable = response.status === 401;',
        ],
      },
    ],
  },
  {
    id: 'SSRF through Location, go-containerregistry 2440',
    attack:
      'a name that a registry sends us to leads to this machine, to its network, or first there and then elsewhere',
    guards: [
      judgedAddress('wants an upload'),
      judgedAddress('redirects a download'),
      judgedAddress(
        'is refused when it is not on this machine itself',
        'e2e/checked-address.test.ts',
      ),
      {
        test: [
          'http/checked-address.test.ts',
          'connects to the address that was judged, whatever the name resolves to later',
        ],
        defence: [
          'http/transport.ts',
          'return send(request, { ...way, address });',
          'return send(request, way);',
        ],
      },
      {
        test: [
          'http/checked-address.test.ts',
          'never lets a public registry reach a nearby address, whatever its names resolve to',
        ],
        defence: [
          'http/checked-address.ts',
          "return place === 'public' || (place === neighbourhood && place !== 'special');",
          'return true;',
        ],
      },
      {
        test: [
          'http/checked-address.test.ts',
          'holds a registry that says it is nearby to that, so that no public one can pass for it',
        ],
        defence: ['http/checked-address.ts', ' < before.until) return', ' < 0) return'],
      },
      {
        test: [
          'http/checked-address.test.ts',
          'holds a registry that was %s to that, whatever its name resolves to later',
        ],
        defence: ['http/checked-address.ts', ' || placeOf(host) === place', ' || true'],
      },
      {
        test: ['http/checked-address.test.ts', 'nearby() of %s is %s'],
        defence: ['http/nearby.ts', "if (address === 'fd00:ec2::254') return 'special';", ''],
      },
      {
        test: ['http/redirect.test.ts', 'withRedirect() ends a circle and a long chain'],
        defence: ['http/redirect.ts', 'if (seen.size === MAX_HOPS)', 'if (seen.size === 1e6)'],
      },
    ],
  },
  {
    id: 'no downgrade',
    attack: 'a registry over TLS, or whoever speaks in its name, leads to a server without TLS',
    guards: [
      noDowngrade('wants an upload'),
      {
        ...noDowngrade('redirects a download'),
        also: [
          'http/redirect.ts',
          "if (from.protocol === 'https:' && url.protocol === 'http:') {",
          'if (false) {',
        ],
      },
      {
        test: ['e2e/insecure.test.ts', 'is refused, and used with --insecure-registry'],
        defence: ['registry/endpoint.ts', 'return [encrypted];', 'return [encrypted, PLAIN];'],
      },
      {
        test: [
          'http/transport.test.ts',
          'sendRequest() does not trust a certificate of an unknown authority, unless insecure',
        ],
        defence: [
          'http/tls-options.ts',
          '...((insecure || isLax) && { rejectUnauthorized: !insecure })',
          'rejectUnauthorized: false',
        ],
      },
    ],
  },
  {
    id: 'headers and certificates of one host',
    attack:
      'what hosts.toml and config.json say a registry gets is shown to a server that it leads to, or to a mirror',
    guards: [
      {
        test: [
          'registry/site.test.ts',
          'sends its headers and shows its certificate to itself alone, whoever it redirects to',
        ],
        defence: [
          'registry/endpoint.ts',
          'if (!this.owns(request.url)) return transport(this.#elsewhere(request));',
          '',
        ],
      },
      {
        test: [
          'e2e/hosts-toml.test.ts',
          'names a mirror, which gets its own login and never that of the registry',
        ],
        defence: [
          'registry/open-repository.ts',
          'keychain.credential(registry, {',
          "keychain.credential('docker.io', {",
        ],
      },
    ],
  },
  {
    id: 'DNS rebinding against a local registry',
    attack:
      'a web page writes to the registry that finch serves, or reads it by a name that means this machine',
    guards: [
      {
        test: ['server/web-page-guard.test.ts', 'a web page of another origin gets no answer'],
        defence: [
          'server/web-page-guard.ts',
          'origin !== null && URL.parse(origin)?.host !== url.host',
          'false',
        ],
      },
      {
        test: [
          'server/web-page-guard.test.ts',
          'a name that could be on the internet is no name of a local registry',
        ],
        defence: ['server/web-page-guard.ts', 'anyName || ADDRESS', 'true || ADDRESS'],
      },
    ],
  },
  {
    id: 'CVE-2016-5385 (httpoxy)',
    attack: 'the client of a CGI program names the proxy that its requests go through',
    guards: [
      {
        test: ['http/proxy.test.ts', 'proxyFor(%s) with %j gives %s'],
        defence: [
          'http/proxy.ts',
          "if (scheme === 'HTTP_PROXY' && env['REQUEST_METHOD']) return undefined;",
          '',
        ],
      },
    ],
  },
];
