import { expect, test } from 'bun:test';
import { FinchError } from '../../src/errors.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { Endpoint } from '../../src/registry/endpoint.ts';
import { uploadLocation, withDigest } from '../../src/registry/upload/location.ts';

test.each(['localhost:99999', '1.2.3.256', '[:::]:5', 'xn--a.b', `${'a'.repeat(254)}.b`])(
  'a registry at %s, which is a name but no address, is refused',
  (registry) => {
    expect(parseReference(`${registry}/app`).registry).toBe(registry);
    expect(() => new Endpoint(registry)).toThrow(FinchError);
  },
);

test.each([
  'foo://evil.test/x',
  'htp:@',
  'data:text/plain,x',
  'file:///etc/passwd',
  'blob:https://a',
])(
  'an address of another scheme, %s, is not of the registry, and no upload goes there',
  (address) => {
    const endpoint = new Endpoint('ghcr.io');
    expect(endpoint.owns(new URL(address))).toBe(false);
    const response = new Response(null, { headers: { location: address } });
    const send = () => Promise.reject(new Error('nothing is sent'));
    const api = { registry: 'ghcr.io', name: 'a', access: 'push', endpoint, send } as const;
    expect(() => uploadLocation(api, response)).toThrow(FinchError);
  },
);

test.each([
  ['https://a.test/x', 'https://a.test/x?digest='],
  ['https://a.test/x?', 'https://a.test/x?digest='],
  ['https://a.test/x?b?', 'https://a.test/x?b?&digest='],
  ['https://a.test/x?_state=b%2F', 'https://a.test/x?_state=b%2F&digest='],
])('the digest goes into the query of %s', (location, expected) => {
  const digest = digestOf(new Uint8Array());
  expect(withDigest(new URL(location), digest).href).toBe(`${expected}${digest}`);
});
