import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { FinchError, hasCode } from '../../src/errors.ts';
import { type HostsToml, parseHostsToml, type SiteEntry } from '../../src/registry/hosts-toml.ts';
import { CANARY } from '../support/canary.ts';

const path = '/etc/containerd/certs.d/ghcr.io/hosts.toml';

function parse(text: string, registry = 'ghcr.io'): HostsToml {
  return parseHostsToml(text, { registry, path });
}

function serverOf(text: string, registry?: string): SiteEntry {
  return parse(text, registry).server;
}

function faultOf(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (hasCode(error, 'CONFIG_INVALID')) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('parseHostsToml()', () => {
  test('of nothing is the registry itself', () => {
    expect(parse('')).toEqual({
      mirrors: [],
      ignored: [],
      server: {
        ca: [],
        client: [],
        site: {
          ...{ name: 'ghcr.io', host: 'ghcr.io', root: '/v2', skipVerify: false, headers: {} },
          capabilities: ['pull', 'resolve', 'push'],
        },
      },
    });
    expect(serverOf('', 'docker.io').site.host).toBe('registry-1.docker.io');
  });

  test('gives the hosts in the order of the file, with what they may do', () => {
    const { mirrors, server } = parse(
      `server = "https://registry-1.docker.io"
      [host."https://b.example:5000"]
        capabilities = ["Pull"]
      [host."http://a.example/cache/"]
        skip_verify = true
      [host."c.example"]
        capabilities = ["pull", "resolve"]
        override_path = true
      [host."https://registry-1.docker.io/v2"]
        override_path = true
      [host."https://d.example/api"]
        override_path = true`,
      'docker.io',
    );
    const shown = mirrors.map(({ site }) => [
      ...[site.name, `${site.protocol}//${site.host}${site.root}`, site.capabilities.join()],
      ...[site.skipVerify, site.namespace],
    ]);
    expect(shown).toEqual([
      ['b.example:5000', 'https://b.example:5000/v2', 'pull', false, 'docker.io'],
      ['a.example', 'http://a.example/cache/v2', 'pull,resolve,push', true, 'docker.io'],
      ['c.example', 'https://c.example', 'pull,resolve', false, 'docker.io'],
      ...[['docker.io', 'https://registry-1.docker.io/v2', 'pull,resolve,push', false, undefined]],
      ['d.example', 'https://d.example/api', 'pull,resolve,push', false, 'docker.io'],
    ]);
    expect(server.site).toMatchObject({ name: 'docker.io', protocol: 'https:', root: '/v2' });
  });

  test('lets the server stand for the registry, also at another address', () => {
    const { site } = serverOf('server = "http://127.0.0.1:5000"\nskip_verify = true', 'docker.io');
    expect(site).toMatchObject({
      ...{ name: 'docker.io', host: '127.0.0.1:5000', protocol: 'http:', root: '/v2' },
      ...{ skipVerify: true, namespace: 'docker.io' },
    });
  });

  test('finds certificates beside the file, in every form that they may be named in', () => {
    const here = '/etc/containerd/certs.d/ghcr.io';
    const certificates = (text: string) => {
      const { ca, client } = serverOf(text);
      return [ca, client.map(({ certificate, key }) => `${certificate} ${key}`)];
    };
    expect(certificates('ca = "my.pem"\nclient = "both.pem"')).toEqual([
      [`${here}/my.pem`],
      [`${here}/both.pem ${here}/both.pem`],
    ]);
    expect(certificates('ca = ["/a.pem", "../b.pem"]\nclient = ["1.pem", "/2.pem"]')).toEqual([
      ['/a.pem', '/etc/containerd/certs.d/b.pem'],
      [`${here}/1.pem ${here}/1.pem`, '/2.pem /2.pem'],
    ]);
    expect(certificates('client = [["c.cert", "/c.key"], ["both.pem", ""]]')[1]).toEqual([
      `${here}/c.cert /c.key`,
      `${here}/both.pem ${here}/both.pem`,
    ]);
  });

  test('takes headers with one value or several', () => {
    const { mirrors, server } = parse(`[header]
      X-One = "1"
      [host."https://m.example".header]
      x-two = ["a", "b"]`);
    expect(server.site.headers).toEqual({ 'x-one': '1' });
    expect(mirrors[0]?.site.headers).toEqual({ 'x-two': 'a, b' });
  });

  test.each([
    ['', 30_000],
    ['1s', 1000],
    ['1m1.5s', 61_500],
    ['.5h', 1_800_000],
    ['20us', 0.02],
  ])('gives a mirror with the dial_timeout %j %d milliseconds', (text, expected) => {
    const { mirrors, server } = parse(`[host."https://m.example"]\ndial_timeout = "${text}"`);
    expect(mirrors[0]?.site.patienceMs).toBe(expected);
    expect(server.site.patienceMs).toBeUndefined();
  });

  test.each(['"1"', '"s"', '"-1s"', '"0s"', '"1 s"', '"1sx"', '5'])(
    'refuses the dial_timeout %s',
    (value) => {
      const expected = `${path}: the server: "dial_timeout" is no length of time such as "5s"`;
      expect(faultOf(`dial_timeout = ${value}`)).toBe(expected);
    },
  );

  test('names the keys that it does not know, and reads the others', () => {
    const { ignored, mirrors } = parse(`colour = "red"
      [host."https://m.example"]
      proxy = "http://p"`);
    expect(ignored).toEqual(['colour', 'proxy']);
    expect(mirrors).toHaveLength(1);
  });

  test.each([
    [
      'server = "https://a"\n\ncolour = \n',
      "line 3: Missing value after '='; values must be on the same line",
    ],
    ['ca = [\n"a",\n"b"\n]\nca = "c"\n', 'line 5: Cannot redefine key'],
    ['x = "\n', 'line 1: Unterminated string; newlines must be escaped in basic strings'],
    ['\n[header', "line 2: Expected ']' to close a table header"],
    ['a = 2020-x', 'line 1: Invalid date'],
  ])('names the line of what is no TOML, %j', (text, expected) => {
    expect(faultOf(text)).toBe(`${path}, ${expected}`);
  });

  test.each([
    ...[
      'x = hunter2',
      '[header]\nAuthorization = Bearer hunter2',
      'x = [hunter2',
      "x = 'hunter2\n",
    ],
    ...[
      'hunter2 = 1\nhunter2 = 2',
      'x = 1hunter2',
      'hunter2 hunter2',
      '"hunter2',
      'x = 2020-hunter2',
    ],
  ])('shows nothing of %j, which is no TOML and may hold a password', (text) => {
    expect(faultOf(text)).not.toMatch(/hunter2/);
  });

  test.each([
    ['server = 1', '"server" is not a text'],
    ['host = 1', '"host" is not a table of hosts'],
    ['[host]\n"https://a" = 1', 'host "https://a" is not a table'],
    [
      'capabilities = "fly"',
      'the server: "fly" is no capability; there are pull, resolve and push',
    ],
    ['capabilities = [1]', 'the server: "capabilities" is not a list'],
    ['skip_verify = "true"', 'the server: "skip_verify" is neither true nor false'],
    ['override_path = 1', 'the server: "override_path" is neither true nor false'],
    ['ca = 5', 'the server: "ca" is not a path or a list of paths'],
    ['ca = "a\\u0000b"', 'the server: "ca" is not a path or a list of paths'],
    [
      'client = [["a", "b", "c"]]',
      'the server: "client" is not a path, a list of paths or a list of pairs of paths',
    ],
    [
      'client = [[]]',
      'the server: "client" is not a path, a list of paths or a list of pairs of paths',
    ],
    ['[host."https://"]', 'host "https://": "https://" is no address'],
    ['[host."https://a b"]', 'host "https://a b": "https://a b" is no address'],
    ['[host."https://a/?x=1"]', 'host "https://a/?x=1": "https://a/?x=1" has more than a path'],
    ['header = 1', 'the server: its headers are not a table'],
    ['[header]\nx = 1', 'the server: header x has no value that can be sent'],
    [
      '[header]\nx = "a\\r\\nAuthorization: b"',
      'the server: header x has no value that can be sent',
    ],
    ['[header]\n"a b" = "1"', 'the server: "a b" is no name of a header'],
    ['[header]\nContent-Length = "1"', 'the server: header Content-Length is not for files to set'],
  ])('refuses %j', (text, expected) => {
    expect(faultOf(text)).toBe(`${path}: ${expected}`);
  });

  // Else a host of the name "htps" would get the login of the registry.
  test.each([
    ...['htps://reg.test', 'http:/reg.test', 'https//reg.test', 'https:reg.test', 'ftp://reg.test'],
    ...[
      'https:\\\\reg.test',
      'h\\ttps://reg.test',
      ' https://reg.test',
      '//reg.test',
      'https:///reg.test',
    ],
  ])('refuses an address with the misspelt scheme of "%s"', (address) => {
    expect(faultOf(`server = "${address}"`)).toEndWith(' is no address');
    expect(faultOf(`[host."${address}"]`)).toEndWith(' is no address');
  });

  test.each([
    ['reg.test', 'https://reg.test'],
    ['HTTPS://Reg.Test/', 'https://reg.test'],
    ['http://reg.test:80/v2', 'http://reg.test'],
    ['localhost:5000/v2/', 'https://localhost:5000'],
    ['[::1]:5000', 'https://[::1]:5000'],
    ['http', 'https://http'],
  ])('reads the address "%s" as %s', (address, expected) => {
    const { protocol, host, root } = serverOf(`server = "${address}"`).site;
    expect([`${protocol}//${host}`, root]).toEqual([expected, '/v2']);
  });

  test('refuses a login in an address without showing it', () => {
    const what = 'its address holds a user name or a password; log in instead';
    expect(faultOf(`server = "https://me:${CANARY}@ghcr.io"`)).toBe(`${path}: the server: ${what}`);
    expect(faultOf(`[host."https://me:${CANARY}@ghcr.io"]`)).toBe(`${path}: a host: ${what}`);
  });

  test('gives sites or a clean error for any text', () => {
    const words = fc.constantFrom(
      ...[
        'server = ',
        '[host.',
        '"https://a"',
        ']',
        '\n',
        'ca = ',
        '[',
        '"',
        ',',
        'true',
        '[header]',
      ],
      ...[
        'x = "1"',
        'client = ',
        'skip_verify = ',
        'capabilities = ',
        '"pull"',
        '\0',
        'http://',
        '=',
        '{',
        '}',
      ],
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words).map((list) => list.join('')),
        ),
        (text) => {
          try {
            parse(text);
          } catch (error) {
            expect(error).toBeInstanceOf(FinchError);
          }
        },
      ),
    );
  });
});
