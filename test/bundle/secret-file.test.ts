import { describe, expect, test } from 'bun:test';
import { holdsLogins, isSecretFile } from '../../src/bundle/secret-file.ts';

describe('isSecretFile()', () => {
  test.each([
    ...['/home/a/.finch/config.json', '/x/Config.JSON', 'C:\\Users\\a\\.docker\\config.json'],
    ...['/home/a/.aws/credentials', '/home/a/.aws/sso/cache/x.json', '/home/a/.ssh/known_hosts'],
    ...['/home/a/.finch/machine/bridge.json', '/home/a/.finch/machine/hosts.d/_default/hosts.toml'],
    ...['auth.json', '/x/server.key', 'client.pem', 'id_ed25519', '.netrc', '.env'],
  ])('knows %s', (path) => {
    expect(isSecretFile(path)).toBe(true);
  });

  test.each(['/x/lima.yaml', '/x/ha.stderr.log', 'keys.txt', '/x/id_list.txt', '/x/awsome'])(
    'takes %s for none',
    (path) => {
      expect(isSecretFile(path)).toBe(false);
    },
  );
});

describe('holdsLogins()', () => {
  test.each([
    '{"auths": {}}',
    '{"SecretAccessKey": ""}',
    '-----BEGIN RSA PRIVATE KEY-----\nx',
    '[default]\naws_access_key_id = x\naws_secret_access_key = y\n',
  ])('knows %p', (text) => {
    expect(holdsLogins(text)).toBe(true);
  });

  test.each(['', '{"other": 1}', '[1, 2]', 'level=info msg="auths"'])(
    'takes %p for none',
    (text) => {
      expect(holdsLogins(text)).toBe(false);
    },
  );
});
