import type { Credential } from '../../../src/credentials/credential.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { Endpoint } from '../../../src/registry/endpoint.ts';
import { readRefusal, refusalError } from '../../../src/registry/errors.ts';
import { describeDenial, grantedScopes } from '../../../src/registry/grants.ts';
import { fetchToken } from '../../../src/registry/token.ts';
import { uploadLocation, withDigest } from '../../../src/registry/upload/location.ts';
import { mutateJson } from '../mutate-json.ts';
import { promise, promiseShowable, whyUnclean } from '../promises.ts';
import { pureTarget, textOf, textTarget } from '../target.ts';

const registry = 'ghcr.io';

/** Bodies of refusals. */
export const refusal = pureTarget({
  name: 'refusal',
  share: 60,
  words: [
    'errors',
    'code',
    'message',
    'detail',
    'details',
    'DENIED',
    'error_description',
    '<html>',
  ],
  mutators: [mutateJson, mutateJson],
  seeds: [
    '{"errors":[{"code":"DENIED","message":"requested access is denied","detail":{}}]}',
    '{"errors":[{"code":"NAME_UNKNOWN"},{"code":"X","message":"\\u001b[2J"}]}',
    '{"details":"incorrect username or password"}',
    '{"error":"invalid_scope","error_description":"no"}',
    '<html><body>502 Bad Gateway</body></html>',
    '',
  ],
  async run(body) {
    for (const status of [401, 404, 500]) {
      const read = await readRefusal(new Response(body, { status, statusText: 'Some Reason' }));
      promiseShowable(read.reason, 'the reason');
      promise(read.reason !== '', 'there is no reason');
      const why = whyUnclean(refusalError(read, { registry, name: 'me/app' }));
      promise(why === undefined, why ?? '');
    }
  },
});

/** Logins of each kind that a token server is shown. */
const logins: readonly Credential[] = [
  { kind: 'password', username: 'me', secret: 'secret' },
  { kind: 'identity-token', token: 'secret' },
];

/** Answers of token servers: a line with the status and the realm, then the body. */
export const token = pureTarget({
  name: 'token',
  share: 40,
  words: [
    ...['token', 'access_token', 'refresh_token', 'expires_in', '"300"', '\n'],
    ...['200 ', '401 ', '404 ', '405 ', 'https://', 'http://', 'localhost', '.ghcr.io', 'ghcr.io.'],
  ],
  seeds: [
    '200 https://ghcr.io/token\n{"token":"abc","expires_in":300}',
    '200 https://auth.ghcr.io/token?x=y\n{"access_token":"abc.def","issued_at":"2026-01-01"}',
    '200 https://ghcr.io:8443/token\n{"token":"abc","refresh_token":"r","expires_in":"60"}',
    '401 https://auth.example/token\n{"details":"incorrect username or password"}',
    '403 https://ghcr.io/token\n{"errors":[{"code":"DENIED","message":"no"}]}',
    '404 https://ghcr.io/token\n{"error":"unsupported_grant_type"}',
    '200 http://127.0.0.1:5000/token\n{"token":1}',
    '500 https://user:pass@auth.example/token\nbroken',
  ],
  async run(input) {
    const [, status, realm = '', body = ''] =
      /^(\d*) ?([^\n]*)\n?([\s\S]*)$/.exec(textOf(input)) ?? [];
    const endpoint = new Endpoint(registry);
    const credential = logins[input.length % logins.length];
    const { value, renewAt } = await fetchToken(
      endpoint.over(async ({ url, headers, body: form }) => {
        promise(url.protocol === 'https:', 'a login goes over plain HTTP');
        promise(/(?:^|\.)ghcr\.io$/.test(url.hostname), `a login goes to ${url.hostname}`);
        promise(!url.href.includes('secret') || realm.includes('secret'), 'it is in the address');
        promise((headers?.['authorization'] ?? form) !== undefined, 'there is no login');
        return new Response(body, { status: Math.min(599, Math.max(200, Number(status))) });
      }),
      { realm, service: 'x', scopes: ['repository:a:pull'] },
      { registry, endpoint, credential, now: () => 0 },
    );
    promise(/^[\x21-\x7e]+$/.test(value), 'the token is no header');
    promise(Number.isFinite(renewAt) && renewAt > 0, 'the token is old at once');
  },
});

/** JSON Web Tokens that say what they grant: the payload, before it is encoded. */
export const grant = pureTarget({
  name: 'grant',
  share: 20,
  words: ['access', 'type', 'name', 'actions', 'repository', 'pull', 'null', '[]'],
  mutators: [mutateJson, mutateJson],
  seeds: [
    '{"access":[{"type":"repository","name":"me/app","actions":["pull","push"]}]}',
    '{"access":null,"sub":"me"}',
    '{"access":[{"type":"registry","name":"catalog","actions":["*"]},{}]}',
  ],
  run(payload) {
    const granted = grantedScopes(`e30.${Buffer.from(payload).toString('base64url')}.c2ln`);
    if (granted === undefined) return;
    const text = describeDenial({ asked: ['repository:a:pull'], granted });
    promiseShowable(text, 'what is granted');
    promise(text.length < 1000, `${text.length} characters say what is granted`);
  },
});

/** The `Location` of an upload. */
export const location = textTarget({
  name: 'location',
  share: 40,
  maxBytes: 8192,
  words: [
    'https://',
    'http://',
    '//',
    '127.0.0.1',
    '[::1]',
    '169.254.169.254',
    '?_state=',
    '#',
    '@',
    ':0',
  ],
  seeds: [
    ...['htp:@', '../x?b?', 'https://a/x?'],
    ...['/v2/me/app/blobs/uploads/id?_state=abc%3D', 'https://ghcr.io/v2/x', 'http://ghcr.io/v2/x'],
    ...[
      'https://storage.example/x?sig=1',
      'https://127.0.0.1/',
      'http://169.254.169.254/',
      '../x?y',
    ],
  ],
  run(text) {
    const endpoint = new Endpoint(registry);
    const send = () => Promise.reject(new Error('nothing is sent'));
    // What no header can hold never arrives.
    const value = text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '');
    const response = new Response(null, { headers: { location: value } });
    Object.defineProperty(response, 'url', { value: 'https://ghcr.io/v2/me/app/blobs/uploads/' });
    const url = uploadLocation(
      { registry, name: 'me/app', access: 'push', endpoint, send },
      response,
    );
    promise(url.protocol === 'https:', 'it leaves TLS');
    promise(url.hash === '', 'it has a fragment');
    const digest = digestOf(new Uint8Array());
    promise(withDigest(url, digest).searchParams.getAll('digest').includes(digest), 'no digest');
  },
});
