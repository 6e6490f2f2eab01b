import {
  assertServerText,
  isHelperName,
  parseGetAnswer,
  parseListAnswer,
} from '../../../src/credentials/helper-protocol.ts';
import { parseServer, serverName } from '../../../src/credentials/server-name.ts';
import { mutateJson } from '../mutate-json.ts';
import { attempt, promise, promiseShowable } from '../promises.ts';
import { pureTarget, textOf } from '../target.ts';

const registry = 'ghcr.io';
const helper = 'docker-credential-x';

/** What credential helpers answer, and what they would be told: a server, the name of a helper. */
export const helperAnswer = pureTarget({
  name: 'helper-answer',
  share: 60,
  words: [
    'ServerURL',
    'Username',
    'Secret',
    '<token>',
    'ghcr.io',
    'https://',
    'evil.example',
    '\\r\\n',
    '\\u0000',
    '\\ud800',
    'null',
  ],
  mutators: [mutateJson, mutateJson],
  seeds: [
    '{"ServerURL":"ghcr.io","Username":"me","Secret":"a\\u003cb"}\n',
    '{"ServerURL":"https://ghcr.io/v2/","Username":"<token>","Secret":"a.b.c"}',
    '{"ServerURL":"","Username":"","Secret":""}\n',
    '{"ServerURL":"https://index.docker.io/v1/","Username":"me","Secret":"x","Extra":[1]}',
    '{"https://index.docker.io/v1/":"me","ghcr.io":"<token>","a b":"c"}',
    'https://ghcr.io:443/v2/',
    'ghcr.io\nevil.example',
    'ecr-login',
    'null',
    '',
  ],
  run(input) {
    const text = textOf(input);
    const found = attempt(() => parseGetAnswer(input, { helper, server: serverName(registry) }));
    if (found !== undefined) {
      const { username = '', secret } = found.kind === 'password' ? found : { secret: found.token };
      promise(!/\p{Cc}/u.test(username), 'a user name with control characters');
      promise(!/[^\P{Cc}\t\r\n]/u.test(secret), 'a secret with control characters');
      promise(!username.includes(':'), 'a user name with a colon');
      promise((username + secret).isWellFormed(), 'a login that is no text');
      const named = attempt(() => parseServer(JSON.parse(text).ServerURL ?? ''));
      const isAsked = named?.registry === registry || /"ServerURL":\s*""/.test(text);
      promise(isAsked || JSON.parse(text).ServerURL === undefined, 'a login for another server');
    }
    for (const { key, username = '' } of attempt(() => parseListAnswer(input, helper)) ?? []) {
      promiseShowable(key, 'a key');
      promise(!/\p{Cc}/u.test(username), 'a user name with control characters');
      promise(attempt(() => parseServer(key)) !== undefined, 'a key of no server');
    }
    if (isHelperName(text)) promise(/^[\w.-]{1,128}$/.test(text), 'a name that leads elsewhere');
    assertServerText(text);
    promise(/^[!-~]{1,4096}$/.test(text), 'a server that is more than one word');
    promise(!/[@%\\]/.test(text), 'a server that hides another');
  },
});
