import { expect, test } from 'bun:test';
import { serveHelper } from '../../src/credentials/serve-helper.ts';
import { loginPlaces } from '../support/login-places.ts';

test('a user name that a terminal would obey is shown as what it is, in JSON', async () => {
  await using places = await loginPlaces();
  const user = 'me\u001b[31m\u009b2J\u202e\u2067\u2028';
  const auth = Buffer.from(`${user}:secret`).toString('base64');
  await places.write(places.own, { auths: { 'ghcr.io': { auth } } });
  const [list = ''] = await serveHelper('list', {
    logins: places.logins(),
    stdin: new Blob().stream(),
  });
  expect(JSON.parse(list)).toEqual({ 'ghcr.io': user });
  const [get = ''] = await serveHelper('get', {
    logins: places.logins(),
    stdin: new Blob(['ghcr.io']).stream(),
  });
  expect(JSON.parse(get)).toMatchObject({ Username: user });
  for (const line of [list, get]) expect(line).toMatch(/^[ -~]+$/);
});
