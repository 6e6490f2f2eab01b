import { parseAsked, parseChanged, parseLogin } from '../../../src/credentials/helper-request.ts';
import { mutateJson } from '../mutate-json.ts';
import { attempt, promise, promiseSame } from '../promises.ts';
import { textTarget } from '../target.ts';

/** What programs ask of finch as their credential helper. */
export const helperRequest = textTarget({
  name: 'helper-request',
  share: 60,
  words: [
    ...['ServerURL', 'Username', 'Secret', '<token>', 'ghcr.io', 'https://', 'evil.example'],
    ...['\n', '\r', '@', '/', '\\', '%2f', ':443', '\\u0000', '\\ud800'],
  ],
  mutators: [mutateJson],
  seeds: [
    'ghcr.io',
    'https://ghcr.io/v2/',
    'ghcr.io/me/app:1',
    'https://index.docker.io/v1/',
    'localhost:5000',
    '[::1]:5000',
    'ghcr.io\nevil.example',
    'https://me:secret@ghcr.io',
    '{"ServerURL":"ghcr.io","Username":"me","Secret":"a\\u003cb"}\n',
    '{"ServerURL":"https://ghcr.io","Username":"<token>","Secret":"a.b.c"}',
    '{"ServerURL":"ghcr.io/me","Username":"me","Secret":"x"}',
    '',
  ],
  run(text) {
    const asked = attempt(() => parseAsked(text));
    if (asked !== undefined) {
      const { registry } = asked.server;
      promise(/^[!-~]{1,4096}$/.test(text), 'a server that is more than one word');
      const host = /^(?:https?:\/\/)?([^/]*)/i.exec(text)?.[1]?.toLowerCase() ?? '';
      const named = host.replace(/^http:/i.test(text) ? /:(?:80|443)$/ : /:443$/, '');
      const isHub = registry === 'docker.io' && named.endsWith('docker.io');
      // What docker keeps beside a login has the whole address for its name.
      const isPart = asked.server.key === text && text.includes('/v1/');
      promise(isHub || isPart || named === registry, 'another registry than is named');
      const changed = attempt(() => parseChanged(text));
      promiseSame(changed?.registry, asked.repository === undefined ? registry : undefined, text);
    }
    const { server, credential } = parseLogin(text);
    promise(server.registry !== '', 'a login for no registry');
    const secret = credential.kind === 'password' ? credential.secret : credential.token;
    promise(secret !== '' && !/[^\P{Cc}\t\r\n]/u.test(secret), 'a login without a usable secret');
  },
});
