import { expect, test } from 'bun:test';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AskLogin, serveCredentials } from '../../src/bridge/credential-server.ts';
import { guestHelper } from '../../src/bridge/guest-helper.ts';
import { temporaryFolder } from '../support/temporary.ts';

const SHELLS = ['sh', 'bash', 'busybox'].filter((name) => Bun.which(name) !== null);
const canRun = process.platform !== 'win32' && Bun.which('curl') !== null;

/** Runs the helper in every shell that is here; what it wrote and said, the same in all. */
async function helper(ask: AskLogin | undefined, action: string, stdin: string) {
  await using folder = await temporaryFolder();
  await chmod(folder.path, 0o700);
  const socket = join(folder.path, 's');
  const path = join(folder.path, 'docker-credential-finch');
  await writeFile(path, guestHelper);
  const server = ask && serveCredentials(socket, ask);
  const outcomes = await Promise.all(
    SHELLS.map(async (shell) => {
      const words = shell === 'busybox' ? ['busybox', 'sh'] : [shell];
      const child = Bun.spawn([...words, path, action], {
        env: {
          PATH: process.env['PATH'] ?? '',
          FINCH_SOCKET: socket,
          http_proxy: 'http://127.0.0.1:1',
        },
        ...{ stdin: new TextEncoder().encode(stdin), stdout: 'pipe', stderr: 'pipe' },
      });
      const [status, stdout, stderr] = await Promise.all([
        child.exited,
        child.stdout.text(),
        child.stderr.text(),
      ]);
      return { status, stdout, stderr: stderr.replaceAll(socket, 'SOCKET') };
    }),
  );
  await server?.stop(true);
  for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0] ?? outcome);
  return outcomes[0];
}

test.skipIf(!canRun)('a login comes through as it is, whatever characters it has', async () => {
  const json = String.raw`{"ServerURL":"a.example","Username":"$(x) \\n%s 'q' \"","Secret":"-n \\c * ü \u003c"}`;
  const asked: string[] = [];
  const ask: AskLogin = async (server) => {
    asked.push(server);
    return { kind: 'login', json };
  };
  expect(await helper(ask, 'get', 'a.example\n')).toEqual({
    status: 0,
    stdout: `${json}\n`,
    stderr: '',
  });
  expect(new Set(asked)).toEqual(new Set(['a.example']));
});

test.skipIf(!canRun)('where there is none, callers and people are told', async () => {
  const none: AskLogin = async () => ({
    ...{ kind: 'none', line: 'credentials not found in native keychain' },
    advice: ['first', 'hint: second'],
  });
  expect(await helper(none, 'get', 'a.example')).toEqual({
    ...{ status: 1, stdout: 'credentials not found in native keychain\n' },
    stderr: 'first\nhint: second\n',
  });
  const failure: AskLogin = async () => ({ kind: 'failure', line: 'the keychain is locked' });
  expect(await helper(failure, 'get', 'a.example')).toEqual({
    ...{ status: 1, stdout: 'the keychain is locked\n', stderr: '' },
  });
  const broken: AskLogin = async () => {
    throw new Error('inside');
  };
  expect(await helper(broken, 'get', 'a.example')).toMatchObject({
    status: 1,
    stdout: 'finch could not answer\n',
  });
});

test.skipIf(!canRun)(
  'where finch does not answer there is no login, and people are told how to get one',
  async () => {
    const outcome = await helper(undefined, 'get', 'a.example');
    expect(outcome).toMatchObject({
      status: 1,
      stdout: 'credentials not found in native keychain\n',
    });
    expect(outcome?.stderr).toEndWith(
      'finch on the host does not answer at SOCKET: restart it there with finch vm start\n',
    );
  },
);

test.skipIf(!canRun)('it keeps and removes nothing, and asks for nothing else', async () => {
  const ask: AskLogin = async () => Promise.reject(new Error('nobody is to ask'));
  for (const action of ['store', 'erase']) {
    expect(await helper(ask, action, '{}')).toMatchObject({
      status: 1,
      stdout: 'not implemented\n',
    });
  }
  expect(await helper(ask, 'list', '')).toMatchObject({ status: 0, stdout: '{}\n' });
  expect(await helper(ask, '', '')).toMatchObject({ status: 1 });
  expect(await helper(ask, 'steal', '')).toMatchObject({ status: 1 });
});
