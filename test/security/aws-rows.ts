import type { Guard, Row } from './row.ts';

const at = (test: Guard['test'], defence: Guard['defence'], also?: Guard['also']): Guard => ({
  ...{ test, defence },
  ...(also && { also }),
});

/** Somebody wants requests that are signed with the user's keys of AWS, or the passwords that they give. */
export const aws: readonly Row[] = [
  {
    id: 'hosts that look like Amazon ECR',
    attack:
      'a name with that of a registry of ECR in it gets a password, or one of another account',
    guards: [
      at(
        ['aws/ecr-host.test.ts', 'does not take %j for a registry of ECR'],
        ['aws/ecr-host.ts', 'csp\\.hci\\.ic\\.gov)$/;', 'csp\\.hci\\.ic\\.gov)/;'],
      ),
      at(
        ['aws/ecr-host.test.ts', 'does not take %j for a registry of ECR'],
        ['aws/ecr-host.ts', ' || /[^!-~]/.test(host)', ''],
      ),
      at(
        ['aws/ecr-host.test.ts', 'knows a name with anything before or behind it no more'],
        ['aws/ecr-host.ts', '/^(?<account>\\d{12})', '/(?<account>\\d{12})'],
      ),
      at(
        ['credentials/ecr-source.test.ts', 'serves the registries of Amazon ECR and no others'],
        [
          'credentials/ecr-source.ts',
          'serves: ({ registry }) => parseEcrHost(registry) !== undefined,',
          "serves: ({ registry }) => registry.includes('.ecr'),",
        ],
      ),
      at(
        ['cli/ecr-login-program.test.ts', 'has none for a registry in pieces or behind a login'],
        [
          'cli/ecr-login-program.ts',
          'const registry = parseEcrHost(text);',
          "const registry = parseEcrHost(text.replace(/[\\r\\n]/g, ''));",
        ],
      ),
    ],
  },
  {
    id: 'regions as parts of hosts',
    attack: 'a region holds a host of its own, to which signed requests then go',
    guards: [
      at(
        ['aws/call/endpoints.test.ts', 'takes %j for no region'],
        [
          'aws/call/endpoints.ts',
          'if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(region)) {',
          'if (false) {',
        ],
      ),
    ],
  },
  {
    id: 'endpoints in plain HTTP',
    attack:
      'a variable or a file has requests of the user, sessions or keys go over the network for all to read',
    guards: [
      at(
        ['aws/call/endpoints.test.ts', '%s is refused, and nothing goes there'],
        [
          'aws/call/endpoints.ts',
          "if (protocol === 'https:' || (protocol === 'http:' && isNear)) return;",
          'return;',
        ],
      ),
      at(
        [
          'security/aws-keys.test.ts',
          'are asked for with a session at no foreign place over plain HTTP',
        ],
        ['aws/keys/sdk-transport.ts', "assertSafe(url, 'AWS keys');", ''],
      ),
      at(
        ['e2e/ecr-advice-identity.test.ts', 'that a container gives none'],
        [
          'aws/keys/container-keys.ts',
          "if (url.protocol === 'https:' || mayBePlain) return url;",
          'return url;',
        ],
      ),
    ],
  },
  {
    id: 'requests of AWS led elsewhere',
    attack: 'an answer redirects a signed request, or a proxy gets what is for the machine itself',
    guards: [
      at(
        ['security/aws-keys.test.ts', 'sign nothing that an answer of %d leads to'],
        ['http/transport.ts', "redirect: 'manual',", "redirect: 'follow',"],
      ),
      at(
        [
          'e2e/ecr-push.test.ts',
          'AWS keys in the environment are all it takes to push and to pull',
        ],
        ['http/redirect.ts', 'headers: here ? headers : portable(headers)', 'headers'],
      ),
      at(
        ['security/aws-keys.test.ts', 'are not asked for at the metadata service through a proxy'],
        [
          'aws/keys/metadata-request.ts',
          "import { sendRequest } from '../../http/transport.ts';",
          "import { proxyFor } from '../../http/proxy.ts';\nimport { transportWith } from '../../http/transport.ts';\nconst sendRequest = transportWith({ proxyFor: (url) => proxyFor(url, process.env) });",
        ],
      ),
    ],
  },
  {
    id: 'token servers of Amazon ECR',
    attack:
      'a registry, or who speaks for it, wants the password to be sent to a machine that anybody can have at AWS',
    guards: [
      at(
        ['security/aws-realms.test.ts', 'of %s does not go to %s'],
        ['registry/public-suffix.ts', ' amazonaws.eu ', ' '],
      ),
      at(
        ['security/aws-realms.test.ts', 'of %s does not go to %s'],
        [
          'registry/realm.ts',
          'return parent === parentOf(realm) && hasOwner(parent);',
          'return true;',
        ],
      ),
    ],
  },
  {
    id: 'tokens of another registry',
    attack:
      'an entry of the shared cache holds the password of somebody else, or one for another registry',
    guards: [
      at(
        [
          'aws/tokens/token-cache.test.ts',
          'takes no entry that names another registry, another user, or times that no token has',
        ],
        ['aws/tokens/token-cache.ts', 'entry && isSameRegistry(entry.registry, registry)', 'entry'],
      ),
      at(
        [
          'aws/tokens/token-cache.test.ts',
          'takes no entry that names another registry, another user, or times that no token has',
        ],
        ['aws/ecr/password.ts', 'const LOGIN = /^AWS:', 'const LOGIN = /^\\w+:'],
      ),
      at(
        [
          'aws/tokens/token-cache.test.ts',
          'takes no entry that names another registry, another user, or times that no token has',
        ],
        [
          'aws/tokens/cache-entry.ts',
          'if (requested > ends || ends > now + MAX_LIFE_MS) return undefined;',
          '',
        ],
      ),
      at(
        ['aws/tokens/token-cache.test.ts', 'no other account, region or key'],
        ['aws/tokens/token-cache.ts', 'registry.account}', "''}"],
        [
          'aws/tokens/cache-entry.ts',
          'return a.account === b.account && a.region === b.region;',
          'return true;',
        ],
      ),
      at(
        ['aws/tokens/token-age.test.ts', 'that has ended is never given'],
        [
          'aws/tokens/remembered-token.ts',
          'return now < token.expires.getTime() - MARGIN_MS;',
          'return true;',
        ],
      ),
    ],
  },
  {
    id: 'tokens that others can read',
    attack: 'another user of the machine reads the cache of tokens',
    guards: [
      at(
        [
          'aws/tokens/token-cache.test.ts',
          'behind a symbolic link is written there, and open to others no more',
        ],
        ['aws/tokens/private-file.ts', 'mode: 0o600, owner', 'mode: 0o644, owner'],
      ),
      at(
        [
          'aws/tokens/token-cache.test.ts',
          'is written byte for byte as that one writes it, for this user alone',
        ],
        ['aws/tokens/private-file.ts', 'mode: 0o600, owner', 'mode: 0o644, owner'],
      ),
    ],
  },
  {
    id: 'programs in place of credential_process',
    attack:
      'a line of a profile is read by a shell, or the folder that finch runs in has a program of that name',
    guards: [
      at(
        ['security/aws-keys.test.ts', 'come from no program in the folder that finch runs in'],
        ['aws/keys/process-keys.ts', '.filter(isAbsolute)', ''],
      ),
      at(
        ['security/aws-keys.test.ts', 'come from a program that is run without a shell'],
        [
          'aws/keys/process-keys.ts',
          'const run = await runProgram(path, args,',
          "const run = await runProgram('/bin/sh', ['-c', command],",
        ],
      ),
    ],
  },
];
