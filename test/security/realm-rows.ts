import { judgedAddress, noDowngrade } from './address-guards.ts';
import type { Row } from './row.ts';

/** A registry names a token server that is not its own, or a server is not what it says. */
export const realms: readonly Row[] = [
  {
    id: 'CVE-2026-48978, GHSA-xf85-363p-868w, GHSA-28r5-37g7-p6mp',
    attack:
      'a registry names a token server of the attacker, of this network or without TLS, which gets the login',
    guards: [
      {
        test: ['registry/realm.test.ts', 'of %s cannot be %s, and nothing else is said'],
        defence: ['registry/realm.ts', 'if (isTrusted) return url;', 'return url;'],
      },
      {
        test: [
          'e2e/token-auth.test.ts',
          'a token server of another name gets no login before the user trusts it',
        ],
        defence: ['registry/realm.ts', 'if (isTrusted) return url;', 'return url;'],
      },
      {
        test: [
          'registry/ping.test.ts',
          'checkLogin() sends nothing to a token server that the user does not trust',
        ],
        defence: ['registry/realm.ts', 'if (isTrusted) return url;', 'return url;'],
      },
      {
        test: ['registry/realm.test.ts', 'of %s cannot be %s, whatever is trusted'],
        defence: [
          'registry/realm.ts',
          'if (url === null || why !== undefined) {',
          'if (url === null) {',
        ],
      },
      {
        test: ['registry/auth.test.ts', 'a registry over TLS cannot send a login to %s'],
        defence: ['http/distrust.ts', 'return describeNearby(target);', 'return undefined;'],
      },
      {
        test: [
          'registry/realm.test.ts',
          'without a login the token server may be anywhere that is safe',
        ],
        defence: [
          'registry/realm.ts',
          "withLogin: withLogin || url.protocol === 'http:'",
          'withLogin',
        ],
      },
      {
        test: ['registry/realm.test.ts', 'a password goes to no other sibling'],
        defence: [
          'registry/realm.ts',
          'isSibling(url, from) && !isIdentityToken && !isKnown',
          'isSibling(url, from) && !isIdentityToken',
        ],
      },
      {
        test: ['registry/realm.test.ts', 'does not go to a sibling of its registry'],
        defence: [
          'registry/realm.ts',
          'isSibling(url, from) && !isIdentityToken && !isKnown',
          'isSibling(url, from) && !isKnown',
        ],
      },
      {
        test: ['registry/realm.test.ts', 'an identity token does not go to %s'],
        defence: [
          'registry/realm.ts',
          'if (isRelated && !isKnown) return url;',
          'if (isRelated) return url;',
        ],
      },
      noDowngrade('names a token server'),
      judgedAddress('names a token server'),
      {
        test: [
          'registry/token.test.ts',
          'does not follow a token server that sends a form elsewhere',
        ],
        defence: [
          'http/redirect.ts',
          'if (body && !toGet && !here && isForm(headers)) {',
          'if (false) {',
        ],
      },
      {
        test: [
          'registry/token-renewal.test.ts',
          'a replaced identity token does not go to another token server',
        ],
        defence: [
          'registry/session-login.ts',
          'const rotated = this.#rotated.get(realm);\n    return',
          'const rotated = [...this.#rotated.values()][0];\n    return',
        ],
      },
    ],
  },
  {
    id: 'CVE-2019-10214',
    attack: 'the token server of a registry that is called insecure is not verified either',
    guards: [
      {
        test: [
          'e2e/security/token-server-tls.test.ts',
          'is verified although its registry is called insecure',
        ],
        defence: [
          'registry/token.ts',
          'insecure: endpoint.skipsVerification(realm)',
          'insecure: true',
        ],
      },
      {
        test: [
          'http/redirect.test.ts',
          'withRedirect() takes no certificate, no address and no leave to skip checks to another host',
        ],
        defence: ['http/redirect.ts', '...(url.host === request.url.host && {', '...({'],
      },
      {
        test: [
          'registry/mirrors.test.ts',
          'calls only the registry itself insecure, not its mirrors',
        ],
        defence: [
          'registry/open-at-sites.ts',
          'insecure === true && site === server',
          'insecure === true',
        ],
      },
    ],
  },
  {
    id: 'connections that are used again',
    attack:
      'a connection that was opened by another name, or unverified, carries the login of a later request',
    guards: [
      {
        test: [
          'security/connections.test.ts',
          'an open connection is used for no other name, and not where certificates are looked at more closely',
        ],
        defence: [
          'http/tls-options.ts',
          "serverName: url.hostname.replace(/\\.$/, '')",
          'checkServerIdentity: () => undefined',
        ],
      },
    ],
  },
  {
    id: 'logins for other hosts',
    attack:
      'a misspelt scheme in hosts.toml, or the server of all registries there, gets the login of a registry',
    guards: [
      {
        test: [
          'registry/hosts-toml.test.ts',
          'refuses an address with the misspelt scheme of "%s"',
        ],
        defence: [
          'registry/written-address.ts',
          'if (found === null) return undefined;',
          "if (found === null) return URL.parse('https://' + text) ?? undefined;",
        ],
      },
      {
        test: [
          'registry/certs-dir.test.ts',
          'gives the login of a registry to the server in its own folder, and not to one for all',
        ],
        defence: ['registry/hosts-toml.ts', 'server: isDefault ? server :', 'server:'],
      },
      {
        test: [
          'e2e/hosts-toml.test.ts',
          'of all registries names a server that gets its own login, also when one is logged in to',
        ],
        defence: ['app.ts', 'server.name === registry ? { site: server } : {}', '{ site: server }'],
      },
    ],
  },
  {
    id: 'what is remembered of a host',
    attack:
      'who was between once, or a host that repeats a login, has that remembered, and later commands act by it',
    guards: [
      {
        test: [
          'registry/known-challenge.test.ts',
          'what came without TLS, or without a look at the certificate, is neither believed nor remembered',
        ],
        defence: [
          'registry/known-challenge.ts',
          'return isChecked || isLoopback(host);',
          'return true;',
        ],
      },
      {
        test: [
          'registry/known-challenge.test.ts',
          'a challenge that repeats a login is not remembered',
        ],
        defence: [
          'registry/known-challenge.ts',
          "redactText(wanted) === wanted ? wanted : ''",
          'wanted',
        ],
      },
      {
        test: [
          'registry/memory/registry-memory.test.ts',
          'is not written down where a registry repeats a login in it, and else however often',
        ],
        defence: ['registry/memory/kept-uploads.ts', ' || holdsLogin(location)', ''],
      },
    ],
  },
];
