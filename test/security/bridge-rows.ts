import type { Row } from './row.ts';

const BRIDGE = 'e2e/security/bridge.test.ts';

/** Somebody on this machine, or in a container, wants what the bridge gives its user. */
export const bridge: readonly Row[] = [
  {
    id: 'other users at a local socket: CVE-2020-15257 is one of the kind',
    attack: 'another user of the machine connects to the socket of logins and asks for them',
    guards: [
      {
        test: [BRIDGE, 'another user can neither connect to the bridge nor read how to'],
        defence: ['bridge/credential-server.ts', 'process.umask(0o177);', 'process.umask(0);'],
        also: ['bridge/credential-server.ts', 'chmodSync(socket, 0o600);', ''],
      },
      {
        test: [BRIDGE, 'another user can neither connect to the bridge nor read how to'],
        defence: ['bridge/bridge-state.ts', 'mode: 0o600', 'mode: 0o644'],
      },
      {
        test: [BRIDGE, 'another user can neither connect to the bridge nor read how to'],
        defence: ['bridge/machine-files.ts', 'mirror, 0o600', 'mirror, 0o644'],
        also: [
          'bridge/machine-files.ts',
          'await mkdir(path, { recursive: true, mode: 0o700 });',
          'await mkdir(path, { recursive: true, mode: 0o755 });',
        ],
      },
    ],
  },
  {
    id: 'open registries on loopback',
    attack:
      'another user, a container or a program that this machine runs reads and writes the store',
    guards: [
      {
        test: [BRIDGE, 'without its password the registry of the bridge says nothing'],
        defence: ['server/answer.ts', 'if (login !== undefined) requireLogin(request, login);', ''],
      },
      {
        test: [BRIDGE, 'the bridge listens on loopback, and nowhere else'],
        defence: [
          'bridge/serve-bridge.ts',
          "serveRegistry(store, { hostname: '127.0.0.1', port",
          "serveRegistry(store, { hostname: '0.0.0.0', allowRemote: true, port",
        ],
      },
      {
        test: [BRIDGE, 'web pages get nothing of the bridge, even with its password'],
        defence: [
          'server/answer.ts',
          'refuseWebPages(request, url, { anyName: allowRemote });',
          '',
        ],
      },
    ],
  },
  {
    id: 'a credential server that does more than it is for',
    attack: 'a program in the virtual machine changes, removes or lists the logins of the host',
    guards: [
      {
        test: [BRIDGE, 'a request for anything but a login is refused'],
        defence: [
          'bridge/credential-server.ts',
          "if (pathname !== '/get') return refusal(404, 'there is nothing but /get');",
          '',
        ],
      },
      {
        test: [BRIDGE, 'a request for anything but a login is refused'],
        defence: [
          'bridge/credential-server.ts',
          "if (request.method !== 'POST') return refusal(405, 'logins are asked for with POST');",
          '',
        ],
      },
    ],
  },
  {
    id: 'secrets in the environment of daemons',
    attack: 'a process that outlives the command keeps secrets of the shell that it has no use for',
    guards: [
      {
        test: [BRIDGE, 'no secret is in the log, the arguments or the environment of the bridge'],
        defence: [
          'host/plain-environment.ts',
          'value !== undefined && PLAIN.test(name)',
          'value !== undefined',
        ],
      },
    ],
  },
];
