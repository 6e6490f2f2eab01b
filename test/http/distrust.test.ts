import { expect, test } from 'bun:test';
import { distrust } from '../../src/http/distrust.ts';

test.each([
  ['https://r.test', 'http://r.test/', false, 'does not use TLS'],
  ['https://r.test', 'http://203.0.113.1/', false, 'does not use TLS'],
  ['https://r.test', 'ftp://r.test/', false, 'is not an HTTP address'],
  ['https://r.test', 'https://cdn.test/', true, undefined],
  ['http://r.test', 'http://cdn.test/', false, undefined],
  ['http://r.test', 'http://cdn.test/', true, 'does not use TLS'],
  ['http://r.test', 'http://r.test/', true, undefined],
  ['https://r.test', 'https://127.1/', false, 'is an address of this machine'],
  ['https://r.test', 'https://0xa9fea9fe/', false, 'is a private address'],
  ['https://r.test', 'https://[::ffff:10.0.0.1]/', false, 'is a private address'],
  ['http://localhost:5000', 'http://127.0.0.1:5001/', true, undefined],
  ['http://localhost:5000', 'http://169.254.169.254/', false, 'is a private address'],
  ['https://10.0.0.1', 'https://10.0.0.2/', false, undefined],
  ['https://10.0.0.1', 'https://10.0.0.2/', true, 'is a private address'],
  ['https://10.0.0.1', 'https://localhost/', false, 'is an address of this machine'],
  ['https://169.254.1.1', 'https://169.254.1.2/', false, 'is a private address'],
  ['https://r.test', `https://${'a.'.repeat(130)}test/`, false, 'has a longer name than any host'],
] as const)('distrust() of a way from %s to %s, with a login: %p', (from, to, withLogin, why) => {
  expect(distrust(new URL(to), { from: new URL(from), withLogin })).toBe(why);
});
