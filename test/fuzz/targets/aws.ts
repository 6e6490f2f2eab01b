import { ecrEndpoint } from '../../../src/aws/call/endpoints.ts';
import { readErrorAnswer } from '../../../src/aws/call/error-answer.ts';
import type { AwsRefusal } from '../../../src/aws/call/refusal.ts';
import { awsRefusalError } from '../../../src/aws/call/refusal-error.ts';
import { xmlText } from '../../../src/aws/call/xml.ts';
import { parseEcrHost } from '../../../src/aws/ecr-host.ts';
import { parseAnsweredKeys } from '../../../src/aws/keys/answered-keys.ts';
import {
  isSameRegistry,
  readCacheEntry,
  writeCacheEntry,
} from '../../../src/aws/tokens/cache-entry.ts';
import { readFailure } from '../../../src/aws/tokens/failure.ts';
import { FinchError } from '../../../src/errors.ts';
import { isJsonObject } from '../../../src/oci/json.ts';
import { mutateJson } from '../mutate-json.ts';
import { attempt, promise, promiseSame, promiseShowable, whyUnclean } from '../promises.ts';
import { textTarget } from '../target.ts';

const HOST = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';

/** What stands behind the region in names of hosts that belong to AWS. */
const OF_AWS =
  /\.(?:amazonaws\.(?:com(?:\.cn)?|eu)|on\.aws|on\.amazonwebservices\.com\.cn|api\.aws(?:\.(?:ic\.gov|scloud|hci\.ic\.gov))?|api\.amazonwebservices\.(?:com\.cn|eu)|api\.cloud-aws\.adc-e\.uk|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$|^(?:public\.ecr\.aws|ecr-public\.aws\.com)$/;

/** Names of hosts, and where those of Amazon ECR lead to. */
export const ecrHost = textTarget({
  name: 'ecr-host',
  share: 60,
  maxBytes: 512,
  words: [
    ...['.dkr.ecr.', '.dkr-ecr.', '-fips', 'amazonaws.com', '.cn', 'on.aws', '111222333444', '.'],
    ...[
      '@',
      ':443',
      ':80',
      '/',
      '\\',
      '\n',
      '\r\n',
      '\0',
      '%2e',
      '\u212a',
      '\u3002',
      '#',
      '?',
      '[',
    ],
  ],
  seeds: [
    HOST,
    `${HOST.toUpperCase()}:443`,
    '111222333444.dkr-ecr-fips.us-gov-west-1.on.aws',
    '111222333444.dkr.ecr.cn-north-1.amazonaws.com.cn',
    'public.ecr.aws',
    'ecr-public.aws.com',
    `${HOST}.example.com`,
  ],
  async run(text) {
    const registry = parseEcrHost(text);
    if (registry === undefined) throw new FinchError('USAGE', 'that is no registry of ECR');
    promise(OF_AWS.test(registry.host), `${registry.host} is not of AWS`);
    promise(new URL(`https://${text}/`).host === registry.host, 'requests go to another host');
    promiseSame(parseEcrHost(registry.host), registry, 'it is read as another one');
    const identity = {
      endpointOf: async () => undefined,
      variant: async () => ({ isFips: false, isDualStack: false }),
    };
    const { url, fallback } = await ecrEndpoint(registry, identity);
    for (const each of [url, fallback ?? url]) {
      promise(each.protocol === 'https:' && OF_AWS.test(each.hostname), `${each} is not of AWS`);
      promise(each.port === '' && each.pathname === '/', `${each} is no endpoint`);
    }
  },
});

const NOW = Date.parse('2026-11-22T10:00:00Z');

/** Entries of the cache of tokens, and failures that were written down. */
export const cacheEntry = textTarget({
  name: 'cache-entry',
  share: 40,
  maxBytes: 8192,
  mutators: [mutateJson, mutateJson],
  words: [HOST, 'https://', 'QVdTOnNlY3JldA==', '2026-11-22T', 'Z', '+00:00', '.5', 'ecr-public'],
  seeds: [
    JSON.stringify({
      ...{ AuthorizationToken: btoa('AWS:secret:x'), RequestedAt: '2026-11-22T05:04:20.0667Z' },
      ...{
        ExpiresAt: '2026-11-22T17:04:20+01:00',
        ProxyEndpoint: `https://${HOST}`,
        Service: 'ecr',
      },
    }),
    JSON.stringify({
      ...{ AuthorizationToken: btoa('AWS:secret'), RequestedAt: '2026-11-22T05:04:20Z' },
      ...{ ExpiresAt: '2026-11-22T17:04:20Z', ProxyEndpoint: 'https://public.ecr.aws' },
      Service: 'ecr-public',
    }),
    '{"code":"AWS","message":"no","hint":"none","isPassing":true}',
  ],
  run(text) {
    const value = jsonOf(text);
    if (isJsonObject(value)) readFailure(value);
    const entry = readCacheEntry(value, NOW);
    if (entry === undefined) throw new FinchError('USAGE', 'that is no entry');
    const { registry, remembered } = entry;
    const { token, requested } = remembered;
    const ends = token.expires.getTime();
    promise(/^[ -~]+$/.test(token.secret), 'the password cannot be sent');
    promise(requested <= ends && ends - NOW <= 86_400_000, 'it is good for longer than any');
    const again = readCacheEntry(writeCacheEntry(registry, remembered), NOW);
    promiseSame(again?.remembered, remembered, 'it is written as another one');
    promise(isSameRegistry(again?.registry ?? registry, registry), 'it is of another registry');
  },
});

/** What is known of a call whose answer is read. */
const ASKED = {
  ...{ action: 'ecr:GetAuthorizationToken', service: 'ecr', region: 'eu-west-1' },
  ...{
    host: 'api.ecr.eu-west-1.amazonaws.com',
    isOverridden: false,
    proxy: undefined,
    noProxy: undefined,
    attempts: 1,
  },
  ...{ source: 'profile dev', accessKeyId: 'AKIAIOSFODNN7EXAMPLE', isSession: true },
  ...{ kind: 'refused', isPassing: false, status: 400 },
} as const satisfies Partial<AwsRefusal>;

/** Answers of AWS that say no, and those that hold keys. */
export const awsAnswer = textTarget({
  name: 'aws-answer',
  share: 60,
  mutators: [mutateJson],
  words: [
    ...['__type', 'message', 'Message', '<Code>', '</Code>', '<Message>', '&#x1b;', '&#1114112;'],
    ...['ExpiredTokenException', 'AccessDenied', 'arn:aws:iam::111222333444:user/x', 'perform: '],
    ...['#', ':', '&lt;', '\u001b[2J', '\u202e', '<', '</', 'SecretAccessKey', 'Expiration'],
  ],
  seeds: [
    '{"__type":"com.amazonaws.ecr#ExpiredTokenException","message":"The security token has expired"}',
    '{"__type":"AccessDeniedException","Message":"User: arn:aws:iam::111222333444:user/a is not authorized to perform: ecr:GetAuthorizationToken"}',
    '<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>no &lt;x&gt; &#65;</Message></Error></ErrorResponse>',
    '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"S","SessionToken":"T","Expiration":"2026-11-22T00:00:00Z"}',
    '<html><body>502 Bad Gateway</body></html>',
    '',
  ],
  run(text) {
    xmlText(text, 'Arn');
    const fault = (why: string) => new FinchError('AWS_IDENTITY', `it answers ${why}`);
    const bytes = new TextEncoder().encode(text);
    const keys = attempt(() => parseAnsweredKeys(bytes, { token: 'SessionToken', fault }));
    promise(keys === undefined || keys.secretAccessKey !== '', 'there are keys without a secret');
    const error = readErrorAnswer(text, new Headers());
    if (error === undefined) throw fault('as AWS does not');
    promise(/^[A-Za-z][\w.]{0,99}$/.test(error.type), `${error.type} is no name`);
    promiseShowable(error.message, 'the message');
    const why = whyUnclean(awsRefusalError({ ...ASKED, ...error }, { registry: HOST }));
    promise(why === undefined, why ?? '');
  },
});

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
