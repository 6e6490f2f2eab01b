import { describe, expect, test } from 'bun:test';
import { CANARY } from '../support/canary.ts';
import {
  asGood,
  bothHelpers,
  type Case,
  isOfficialHere,
  type State,
  withoutCache,
  writeEndedToken,
} from './support/both-helpers.ts';
import { REGISTRY } from './support/ecr-helper.ts';
import { READ_ALIKE, READ_AS_THE_CLIS } from './support/identity-states.ts';

// The official helper and finch get the same inputs and the same AWS. Where they answer differently, the
// official one has a fault, which is named here; sections are those of the research on it.

const STATES: Readonly<Record<string, State>> = {
  'keys in the environment': asGood,
  'a profile': { env: ({ aws }) => ({ ...aws.environment(), AWS_PROFILE: 'dev' }) },
  'keys and a profile': {
    env: ({ aws, good }) => ({ ...aws.environment(good), AWS_PROFILE: 'bob' }),
  },
  'keys of a short life': {
    env: ({ aws }) => aws.environment(aws.addUser({ name: 'short', session: true })),
  },
  'a role': { env: ({ aws }) => ({ ...aws.environment(), AWS_PROFILE: 'role' }) },
  'no keys': { env: ({ aws }) => aws.environment() },
  'a profile that is missing': {
    env: ({ aws }) => ({ ...aws.environment(), AWS_PROFILE: 'nope' }),
  },
  'half of the keys': {
    env: ({ aws, good }) => ({ ...aws.environment(), AWS_ACCESS_KEY_ID: good.accessKeyId }),
  },
  'keys that AWS does not know': {
    env: ({ aws, good }) => ({
      ...aws.environment(good),
      AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    }),
  },
  'a user without permission': { env: ({ aws, denied }) => aws.environment(denied) },
  'keys that have ended': { env: ({ aws, expired }) => aws.environment(expired) },
  'an AWS that is busy for a moment': {
    ...asGood,
    arrange: ({ aws }) =>
      aws.fail({ type: 'ThrottlingException', message: 'Rate exceeded', times: 1 }),
  },
  'an AWS that is broken for a moment': {
    ...asGood,
    arrange: ({ aws }) => aws.fail({ status: 500, type: 'ServerException', times: 1 }),
  },
};

const at = (end: string) => `111222333444.dkr.${end}`;
const [account, rest] = [REGISTRY.slice(0, 16), REGISTRY.slice(16)];

/** Registries that both know, in the spellings of callers. */
const KNOWN = [
  ...[REGISTRY, at('ecr.us-east-1.amazonaws.com'), at('ecr.us-gov-west-1.amazonaws.com')],
  ...[at('ecr.cn-north-1.amazonaws.com.cn'), at('ecr.cn-northwest-1.amazonaws.com.cn')],
  ...[`999888777666${REGISTRY.slice(12)}`],
  ...[
    `${REGISTRY}:443`,
    `${REGISTRY}:8443`,
    `${REGISTRY}:65535`,
    `https://${REGISTRY}`,
    `https://${REGISTRY}:443`,
  ],
  ...[`https://${REGISTRY}/`, `https://${REGISTRY}/v2/`, `https://${REGISTRY}/v1/`],
  ...[`${REGISTRY}/team/app:1`, `${REGISTRY}/app@sha256:${'a'.repeat(64)}`],
  ...[`${REGISTRY}\n`, `${REGISTRY}\r\n`, ` ${REGISTRY} `],
  ...['public.ecr.aws', 'https://public.ecr.aws', 'public.ecr.aws:443', 'public.ecr.aws/a/b'],
];

/** What is no registry of Amazon ECR, though it may look like one. */
const NONE = [
  ...['ghcr.io', 'docker.io', 'https://index.docker.io/v1/', 'localhost:5000'],
  ...['http://127.0.0.1:5000', '[::1]:5000', 'registry.example.com/a/b', 'ü.example'],
  ...[`${REGISTRY}.example.com`, `a.${REGISTRY}`, `https://evil.example/${REGISTRY}`],
  ...[`https://evil.example?${REGISTRY}`, `https://evil.example#${REGISTRY}`],
  ...[`https://${REGISTRY}@evil.example`, 'https:///evil', `https:///${REGISTRY}`],
  ...[`evil\\${REGISTRY}`, `https://evil.example\\@${REGISTRY}`, `//${REGISTRY}`],
  ...[`${account}%2e${rest}`, `${REGISTRY}%00`, `${REGISTRY}\u0000`, `${REGISTRY}\u001b[2J`],
  ...[`${REGISTRY}\nghcr.io`, `ghcr.io\n${REGISTRY}`, `ftp://${REGISTRY}`, `${REGISTRY}.`],
  ...[at('ecr.amazonaws.com'), at('ecr..amazonaws.com'), `${REGISTRY}:x`],
  ...[at('ecr.cn-north-1.on.aws.com.cn'), 'api.ecr.eu-west-1.amazonaws.com', REGISTRY.slice(13)],
  ...['public.ecr.aws.example.com', 'a.public.ecr.aws', 'a'.repeat(5000), '', ' ', '\n'],
];

/** Servers about which the official helper is wrong, by the fault. */
const WRONG: Readonly<Record<string, readonly string[]>> = {
  '2.1: it does not know the newer partitions, nor the hosts of IPv6': [
    ...[at('ecr.us-iso-east-1.c2s.ic.gov'), at('ecr.us-isob-east-1.sc2s.sgov.gov')],
    ...[at('ecr.eu-isoe-west-1.cloud.adc-e.uk'), at('ecr.us-isof-south-1.csp.hci.ic.gov')],
    ...[at('ecr.eusc-de-east-1.amazonaws.eu'), '111222333444.dkr-ecr.us-west-2.on.aws'],
    ...['111222333444.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn', 'ecr-public.aws.com'],
    '111222333444.dkr-ecr-fips.us-west-2.on.aws',
  ],
  '0, 10: it asks the endpoint without FIPS for a registry with it': [
    ...[at('ecr-fips.us-east-1.amazonaws.com'), at('ecr-fips.us-gov-west-1.amazonaws.com')],
  ],
  '1.4: it does not know a registry with http:// before it, or in capitals': [
    ...[`http://${REGISTRY}`, `http://${REGISTRY}:443`, `http://${REGISTRY}:80`],
    ...[REGISTRY.toUpperCase(), `HTTPS://${REGISTRY}`, 'PUBLIC.ECR.AWS'],
  ],
  '1.3: it joins lines': [`${account}\n${rest}\n\n`, `${REGISTRY}\n\n`],
  '1.3: it takes a user, with a password, for a part of a registry': [
    ...[`https://me:x@${REGISTRY}/x`, `me@${REGISTRY}`],
  ],
  '2.2: it asks the endpoint of another partition than the registry is in': [
    at('ecr.eu-west-1.amazonaws.com.cn'),
  ],
  '1.3: it takes ports that no host has': [
    ...[`${REGISTRY}:0`, `${REGISTRY}:0443`, `${REGISTRY}:65536`, `https://${REGISTRY}:0443/x`],
  ],
  '1.3: it takes control characters, and what is no host': [
    ...[
      `${REGISTRY}\r`,
      `\r${REGISTRY}`,
      `${REGISTRY}\t`,
      `\t${REGISTRY}`,
      `${REGISTRY}?x=1`,
      `${REGISTRY}#x`,
      `${REGISTRY}:`,
    ],
  ],
  '2.1: it takes any text for an account': [
    ...[`xn--${REGISTRY}`, REGISTRY.slice(1), `1${REGISTRY}`],
  ],
};

function gets(servers: readonly string[], state?: State): Readonly<Record<string, Case>> {
  const more = state === undefined ? {} : { state };
  return Object.fromEntries(
    servers.map((server) => [JSON.stringify(server), { args: ['get'], stdin: server, ...more }]),
  );
}

function getsIn(states: Readonly<Record<string, State>>): Readonly<Record<string, Case>> {
  const asked = { args: ['get'], stdin: REGISTRY };
  const cases = Object.entries(states).map(
    ([name, state]) => [name, { ...asked, state: withoutCache(state) }] as const,
  );
  return Object.fromEntries(cases);
}

const login = (ServerURL: string, Username = 'AWS') =>
  JSON.stringify({ ServerURL, Username, Secret: CANARY });

describe.skipIf(!isOfficialHere)('the official helper and ours', () => {
  test('agree about every registry that both know', async () => {
    await using both = await bothHelpers();
    expect(await both.differences(gets(KNOWN))).toEqual([]);
  });

  test('agree about what is no registry of Amazon ECR', async () => {
    await using both = await bothHelpers();
    expect(await both.differences(gets(NONE))).toEqual([]);
  });

  test('differ about servers of which the official one is wrong', async () => {
    await using both = await bothHelpers();
    const servers = Object.values(WRONG).flat();
    const quoted = servers.map((server) => JSON.stringify(server));
    expect(await both.differences(gets(servers, withoutCache(asGood)))).toEqual(quoted);
  });

  test('agree in every state of AWS', async () => {
    await using both = await bothHelpers();
    for (const [name, state] of Object.entries(STATES)) {
      // Who tries again waits a second or two.
      const servers = state.arrange ? [REGISTRY] : [REGISTRY, 'public.ecr.aws', 'ghcr.io'];
      for (const stdin of servers) {
        const asked = { args: ['get'], stdin, state: withoutCache(state) };
        const [ours, theirs] = await both.answers(asked);
        expect([name, stdin, ours]).toEqual([name, stdin, theirs]);
      }
    }
  });

  test('differ in states that the official one does not bear', async () => {
    await using both = await bothHelpers();
    const states: Readonly<Record<string, State>> = {
      '2.6: it panics at a profile with sso_session': {
        env: ({ aws }) => ({ ...aws.environment(), AWS_PROFILE: 'sso' }),
      },
      '0, 9: it gives a password that has ended when AWS says no': {
        env: ({ aws, denied }) => aws.environment(denied),
      },
    };
    for (const { home, denied } of both.sides) await writeEndedToken(home, denied);
    const answers = Object.entries(states).map(async ([fault, state]) => {
      return [fault, await both.answers({ args: ['get'], stdin: REGISTRY, state })] as const;
    });
    const refused = expect.stringContaining('[1,"credentials not found in native keychain\\n"');
    expect(Object.fromEntries(await Promise.all(answers))).toEqual({
      '2.6: it panics at a profile with sso_session': [refused, expect.stringContaining('[2,"')],
      '0, 9: it gives a password that has ended when AWS says no': [
        refused,
        expect.stringContaining('[0,"{'),
      ],
    });
  });

  test('read the same files of AWS alike', async () => {
    await using both = await bothHelpers();
    expect(await both.differences(getsIn(READ_ALIKE))).toEqual([]);
  });

  test('read files and variables of AWS differently where the official one does not as the AWS CLIs', async () => {
    await using both = await bothHelpers();
    const cases = getsIn(READ_AS_THE_CLIS);
    expect(await both.differences(cases)).toEqual(Object.keys(cases));
  });

  test('agree about the words of the protocol', async () => {
    await using both = await bothHelpers();
    const strict: State = {
      env: (side) => ({ ...asGood.env(side), AWS_ECR_IGNORE_CREDS_STORAGE: 'false' }),
    };
    const cases: Readonly<Record<string, Case>> = {
      'no word': { args: [] },
      'two words': { args: ['get', REGISTRY] },
      'store for another registry': { args: ['store'], stdin: login('ghcr.io') },
      'erase of another registry': { args: ['erase'], stdin: 'ghcr.io' },
      'erase of nothing': { args: ['erase'] },
      'store without a server': { args: ['store'], stdin: login('') },
      'store without a user': { args: ['store'], stdin: login('ghcr.io', '') },
      'store without a user for Amazon ECR': { args: ['store'], stdin: login(REGISTRY, '') },
      'store with something behind it': { args: ['store'], stdin: `${login('ghcr.io')} and more` },
      'store with a brace too many': { args: ['store'], stdin: `${login('ghcr.io')}}` },
      'store with other letters': {
        ...{ args: ['store'], stdin: login('ghcr.io').replace('ServerURL', 'serverurl') },
      },
      'store with a server twice': {
        ...{ args: ['store'], stdin: login('ghcr.io').replace('}', ',"serverURL":""}') },
      },
      'store of an empty object': { args: ['store'], stdin: '{}' },
      'a flag that is none': { args: ['-x'] },
      'a flag that is none, before a word': { args: ['--x', 'get'], stdin: REGISTRY },
      'strict store': { args: ['store'], stdin: login(REGISTRY), state: strict },
      'strict erase': { args: ['erase'], stdin: REGISTRY, state: strict },
    };
    expect(await both.differences(cases)).toEqual([]);
  });

  test('differ about words for which the official one has faults', async () => {
    await using both = await bothHelpers();
    const ignoring: State = {
      env: (side) => ({ ...asGood.env(side), AWS_ECR_IGNORE_CREDS_STORAGE: 'true' }),
    };
    const cases: Readonly<Record<string, Case>> = {
      '6, 1: docker login fails, since it keeps nothing': {
        args: ['store'],
        stdin: login(REGISTRY),
      },
      '6, 1: docker logout fails': { args: ['erase'], stdin: REGISTRY },
      '2.5: it does not know the variable that helps': {
        ...{ args: ['store'], stdin: login('ghcr.io'), state: ignoring },
      },
      '1.1: an unknown action has no name of a program': { args: ['login'] },
      '1.1: version is that of a library': { args: ['version'] },
      '1.1: --version is unknown': { args: ['--version'] },
      '1.1: -v is that of the official one': { args: ['-v'] },
      '1.1: the usage goes to stderr': { args: ['-h'] },
      '1.1: Go quotes what it could not read, which is part of a login': {
        ...{ args: ['store'], stdin: `x${login(REGISTRY)}` },
      },
      '6, 10: list asks AWS, also for ECR Public': { args: ['list'] },
    };
    expect(await both.differences(cases)).toEqual(Object.keys(cases));
  });
});
