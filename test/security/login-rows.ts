import type { Guard, Row } from './row.ts';

const helper = (title: string, defence: Guard['defence'], file = 'helper-hostile'): Guard => ({
  test: [`credentials/${file}.test.ts`, title],
  defence,
});

/** A file, a helper or a neighbour on the same machine gets at logins, or changes whose they are. */
export const logins: readonly Row[] = [
  {
    id: 'CVE-2021-41092',
    attack: 'the helper for a registry is broken, and its login goes to Docker Hub',
    guards: [
      {
        test: [
          'e2e/keychain.test.ts',
          'gets no password that is for another registry, whatever is wrong with the helper',
        ],
        defence: [
          'credentials/server-name.ts',
          'if (!HOST.test(host) || host.length > MAX_HOST_LENGTH)',
          "if (host === '') return serverName(HUB);\n  if (!HOST.test(host) || host.length > MAX_HOST_LENGTH)",
        ],
      },
      {
        test: ['credentials/server-name.test.ts', 'never takes one host for another'],
        defence: [
          'credentials/server-name.ts',
          'keyName(key)?.registry === server.registry',
          'true',
        ],
      },
      helper(
        'below a helper that %s, which is told once',
        [
          'credentials/login-stores.ts',
          "this.reportOnce(place, [error.message, error.hint ?? []].flat().join('; '));",
          '',
        ],
        'open-logins',
      ),
    ],
  },
  {
    id: 'CVE-2020-5260, CVE-2024-52006 (git)',
    attack:
      'the name of a registry holds a line end, so that the helper gives the login of another one',
    guards: [
      helper(
        'refuses a server that is none before anything is run',
        [
          'credentials/helper-protocol.ts',
          "if (text !== '' && text.length <= MAX_SERVER_BYTES && parseServer(text)) return;",
          'return;',
        ],
        'helper-store',
      ),
      helper(
        'finds nothing for what names no registry, and never joins lines',
        [
          'credentials/helper-request.ts',
          "const [, server, path = ''] = SERVER.exec(text) ?? [];",
          "const [, server, path = ''] = SERVER.exec(text.replace(/[\\r\\n]/g, '')) ?? [];",
        ],
        'serve-helper',
      ),
      helper('that answers for %j is refused, and what it said is not shown', [
        'credentials/helper-protocol.ts',
        "if (credential !== undefined && ServerURL !== '' && !isKeyOf(server, ServerURL)) {",
        'if (false) {',
      ]),
      helper('a line feed in the name', [
        'credentials/helper-protocol.ts',
        'if (CONTROL.test(Username) || CONTROL_IN_SECRET.test(Secret)) {',
        'if (false) {',
      ]),
    ],
  },
  {
    id: 'programs in place of helpers',
    attack:
      'a name in config.json, or a folder that others can write to, makes finch run another program',
    guards: [
      helper('of the name %j is not looked for', [
        'credentials/run-helper.ts',
        'if (!isHelperName(helper)) throw badName(helper);',
        '',
      ]),
      helper(
        'never looks in the folder that finch runs in',
        ['credentials/find-helper.ts', '.filter(isAbsolute)', ''],
        'find-helper',
      ),
      helper(
        'that others can change (%o) is not run',
        ['credentials/find-helper.ts', 'if (!isOthers && !isOpen) continue;', 'continue;'],
        'find-helper',
      ),
    ],
  },
  {
    id: 'CVE-2019-1020014',
    attack: 'a helper crashes, hangs, writes without end, or is made to by what it is given',
    guards: [
      helper('that fails without a word is named with its status', [
        'host/run-program.ts',
        'if (child.signalCode !== null) fault ??=',
        'if (child.killed) fault ??=',
      ]),
      helper('that hangs is ended when its time is over', [
        'host/run-program.ts',
        'const timer = setTimeout(() => stop(',
        'const timer = setTimeout(() => void (',
      ]),
      helper('that writes ten gigabytes is ended', [
        'host/run-program.ts',
        'if (length > maxBytes) onFlood();\n      else pieces.push(value);',
        'if (length <= maxBytes) pieces.push(value);',
      ]),
    ],
  },
  {
    id: 'passwords that others can read',
    attack:
      'another user of the machine reads config.json, a temporary file, a command line or an environment',
    guards: [
      {
        test: [
          'credentials/config-file.test.ts',
          'keeps the mode of the file, and makes a new one for this user only',
        ],
        defence: [
          'credentials/config-file.ts',
          'mode: 0o600, keepsAccess: true',
          'mode: 0o644, keepsAccess: true',
        ],
      },
      {
        test: [
          'e2e/login.test.ts',
          'says so on stdout alone, and keeps it for this user only, with one warning',
        ],
        defence: [
          'credentials/config-file.ts',
          'mode: 0o600, keepsAccess: true',
          'mode: 0o644, keepsAccess: true',
        ],
      },
      {
        test: ['e2e/login.test.ts', 'warns once, as a pull does, when others can read the file'],
        defence: ['credentials/config-file.ts', '.mode & 0o044) !== 0', '.mode & 0) !== 0'],
      },
      {
        test: [
          'credentials/config-file.test.ts',
          'changes what a chain of links leads to, and keeps the links',
        ],
        defence: [
          'host/atomic-file.ts',
          'const target = await followLinks(path);\n    const prefix',
          'const target = path;\n    const prefix',
        ],
      },
      {
        test: [
          'credentials/json-edit.test.ts',
          'an edit changes one piece of the text, and all bytes around it stay',
        ],
        defence: [
          'credentials/json-edit.ts',
          "return pieces.join('') + text.slice(at);",
          "return JSON.stringify(JSON.parse(pieces.join('') + text.slice(at)));",
        ],
      },
      {
        test: [
          'credentials/config-file.test.ts',
          'a password that a killed login left in a temporary file goes with the next look at the file',
        ],
        defence: [
          'credentials/config-file.ts',
          'await forgetKilledLogins(path);\n  return (await read(path)).config;',
          'return (await read(path)).config;',
        ],
      },
      helper(
        'gives secrets to stdin, and not to arguments, the environment or a trace',
        [
          'credentials/run-helper.ts',
          'await runProgram(path, [action], {',
          'await runProgram(path, [action, Buffer.from(stdin).toString()], {',
        ],
        'helper-store',
      ),
      {
        test: [
          'commands/login.test.ts',
          'takes the password from -p with a warning, also one that begins with a hyphen',
        ],
        defence: [
          'commands/login-answers.ts',
          "app.talk.note('warning: --password can be seen by others; use --password-stdin');",
          '',
        ],
      },
      {
        test: [
          'e2e/debug.test.ts',
          'finch that knows a password leaves no core file when it crashes',
        ],
        defence: [
          'host/core-dump.ts',
          '(await library)?.setrlimit(CORE, new BigUint64Array(2));',
          '',
        ],
      },
    ],
  },
];
