import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { bundleRedactor } from '../../src/bundle/redact-bundle.ts';
import { hideSecret } from '../../src/http/redact.ts';
import { CANARY } from '../support/canary.ts';

const redact = bundleRedactor({ install: '/opt/Finch', user: 'alice', hostName: 'alices-mac' });

const KEY = 'AAAAC3NzaC1lZDI1NTE5AAAAIJ0123456789';

describe('a bundle', () => {
  test.each([
    ['an address', 'to 192.168.5.15, and', 'to <ip-address-elided>, and'],
    ['an address with a port', 'tcp 10.0.0.1:60022.', 'tcp <ip-address-elided>.'],
    [
      'an address of IPv6',
      'fe80::1%eth0 2001:db8:0:0:0:0:0:1',
      '<ip-address-elided> <ip-address-elided>',
    ],
    ['a short one', 'on [::1]:5000 now', 'on <ip-address-elided> now'],
    ['one within another', '::ffff:10.0.0.1', '<ip-address-elided>'],
    ['an address of a card', 'mac 52:55:55:12:34:5f,', 'mac <mac-address-elided>,'],
    ['a key', `ssh-ed25519 ${KEY} root@lima-finch`, '<key-elided>'],
    ['a key in a text', `echo "ecdsa-sha2-nistp256 ${KEY} me" >> x`, 'echo "<key-elided>" >> x'],
    ['the print of a key', `SHA256:${'a'.repeat(43)} (ED25519)`, '<key-elided> (ED25519)'],
    [
      'a private key',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\nb',
      '<key-elided>\nb',
    ],
    ['the end of one', 'eQ==\n-----END RSA PRIVATE KEY-----\nb', '<key-elided>\nb'],
    ['half of one', 'a\n-----BEGIN PRIVATE KEY-----\nx\ny', 'a\n<key-elided>'],
    ['the port of ssh', '{"sshLocalPort":60022}', '{"sshLocalPort":<port-elided>}'],
    [
      'a port',
      'port 22, localhost:5000 --port 99',
      'port <port-elided>, localhost:<port-elided> --port <port-elided>',
    ],
    [
      'a port of a command',
      '[ssh -F /dev/null -p 60022 x]',
      '[ssh -F /dev/null -p <port-elided> x]',
    ],
    ['no folder with a longer name', '/opt/Finch-old /opt/Finch2', '/opt/Finch-old /opt/Finch2'],
    ['where finch is', '/opt/Finch/lima/bin', '<finch-install-location-elided>/lima/bin'],
    ['who the user is', '/Users/alice/x Alice', '/Users/<username-elided>/x <username-elided>'],
    ['which machine it is', 'alices-mac kernel:', '<host-name-elided> kernel:'],
    ['a login in an address', 'https://me:word@ghcr.io/v2/', 'https://REDACTED@ghcr.io/v2/'],
  ])('tells nobody %s', (_, text, wanted) => {
    expect(redact(text)).toBe(wanted);
  });

  test.each([
    'time="2026-08-20T15:40:09-07:00" level=info msg="12:34:56"',
    'v1.2.3 of 1.2.3.4.5, std::string, a::b::c, sha256:abcdef012345',
    'malice is no user, nor is 300.1.1.1 an address',
  ])('keeps %p', (text) => {
    expect(redact(text)).toBe(text);
  });

  test('tells no secret of this process', () => {
    hideSecret(CANARY);
    expect(redact(`got ${CANARY} from it`)).not.toContain(CANARY);
  });

  test('does not take every word for a user, or every folder for the own one', () => {
    const other = bundleRedactor({ install: '/usr/local', user: 'root', hostName: 'vm' });
    expect(other('root at vm in /usr/local/bin')).toBe('root at vm in /usr/local/bin');
  });

  test('is redacted the same way again, whatever it says', () => {
    const piece = fc.constantFrom(
      ...'10.0.0.1 [::1]:5 port 22 alice ssh-rsa '.split(' '),
      ':',
      ' ',
      '\n',
      '0',
      'ff',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const once = redact(pieces.join(''));
        expect(once).not.toMatch(/(?<![\w.])10\.0\.0\.1(?![\w.])/);
        expect(redact(once)).toBe(once);
      }),
    );
  });
});
