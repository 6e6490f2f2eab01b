import { Endpoint } from '../../../src/registry/endpoint.ts';
import { parseHostsToml } from '../../../src/registry/hosts-toml.ts';
import { promise } from '../promises.ts';
import { textTarget } from '../target.ts';

/** The `hosts.toml` of a registry. */
export const hostsToml = textTarget({
  name: 'hosts-toml',
  share: 60,
  maxBytes: 8192,
  words: [
    ...['server = ', '[host."', '"]', 'capabilities = ', '["pull"]', 'ca = ', 'client = ', '[['],
    ...['skip_verify = true', 'override_path = true', '[header]', '.header', 'x = "1"', '\n', "'"],
    ...['http://', 'https://', '"""', '\\u000a', '__proto__', '/../', ':99999', '[::1]', '@', '?'],
  ],
  seeds: [
    'server = "https://registry-1.docker.io"\n\n[host."https://mirror.test"]\n  capabilities = ["pull", "resolve"]\n  ca = "mirror.crt"\n',
    'server = "http://127.0.0.1:5000"\nskip_verify = true\nclient = [["a.cert", "a.key"], ["b.pem", ""]]\n',
    '[host."https://m.test/cache"]\noverride_path = true\ndial_timeout = "1s"\n[host."https://m.test/cache".header]\n  x-one = ["a", "b"]\n',
    '[header]\n  x-custom = "1"\n',
    '',
  ],
  run(text) {
    const { mirrors, server } = parseHostsToml(text, {
      registry: 'docker.io',
      path: '/c/hosts.toml',
    });
    for (const { site, ca, client } of [...mirrors, server]) {
      promise(/^(?:\/.*[^/])?$/s.test(site.root), 'a root is no path');
      promise(site.capabilities.length > 0, 'a site can do nothing');
      const files = [...ca, ...client.flatMap(({ certificate, key }) => [certificate, key])];
      promise(
        files.every((file) => file.startsWith('/') && !file.includes('\0')),
        'a strange path',
      );
      for (const [name, value] of Object.entries(site.headers)) new Headers([[name, value]]);
      const endpoint = new Endpoint(site.name, { site });
      const url = endpoint.api('/app/manifests/latest');
      promise(endpoint.owns(url), 'an address is not its own');
      promise(url.pathname.endsWith('/app/manifests/latest'), `the path is ${url.pathname}`);
      promise(url.username === '' && url.password === '', 'an address has a login');
    }
    promise(server.site.name === 'docker.io', 'the server has another name');
  },
});
