import { expect, test } from 'bun:test';
import { chmod, lstat, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { removeTraces } from '../../src/bridge/clear-bridge.ts';
import { type AskLogin, serveCredentials } from '../../src/bridge/credential-server.ts';
import { machineFolder } from '../../src/vm/machine-folder.ts';
import { temporaryFolder } from '../support/temporary.ts';

const canListen = process.platform !== 'win32';

/** A server at a socket of its own. */
async function serving(ask: AskLogin) {
  const folder = await temporaryFolder();
  const socket = join(folder.path, 'private', 's');
  const server = serveCredentials(socket, ask);
  return {
    socket,
    get: (body: string) => fetch('http://localhost/get', { method: 'POST', body, unix: socket }),
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      await folder[Symbol.asyncDispose]();
    },
  };
}

test.skipIf(!canListen)(
  'the socket and its folder are this user’s alone from the first moment on',
  async () => {
    await using server = await serving(async () => ({ kind: 'login', json: '{}' }));
    expect((await stat(server.socket)).mode & 0o777).toBe(0o600);
    expect((await stat(join(server.socket, '..'))).mode & 0o777).toBe(0o700);
  },
);

test.skipIf(!canListen)('a folder that others can enter is no place for the socket', async () => {
  await using folder = await temporaryFolder();
  const open = join(folder.path, 'open');
  await mkdir(open);
  await chmod(open, 0o755);
  const ask: AskLogin = async () => ({ kind: 'login', json: '{}' });
  expect(() => serveCredentials(join(open, 's'), ask)).toThrow(/is not this user's alone/);
});

test.skipIf(!canListen)('what went wrong inside is not told', async () => {
  await using server = await serving(async () => {
    throw new Error('a secret place');
  });
  const answer = await server.get('a.example');
  expect([answer.status, await answer.text()]).toEqual([500, 'finch could not answer\n']);
});

test.skipIf(!canListen)('more requests than are answered at once are told so', async () => {
  const held = Promise.withResolvers<void>();
  await using server = await serving(async () => {
    await held.promise;
    return { kind: 'login', json: '{}' };
  });
  const asked = Array.from({ length: 80 }, () => server.get('a.example'));
  expect((await Promise.race(asked)).status).toBe(429);
  held.resolve();
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  expect((await server.get('a.example')).status).toBe(200);
});

test.skipIf(!canListen)(
  'whatever bytes come, nobody is asked for a login but by POST /get',
  async () => {
    let asked = 0;
    await using server = await serving(async () => {
      asked++;
      return { kind: 'login', json: '{}' };
    });
    const word = fc.constantFrom(
      'POST',
      'GET',
      '/get',
      ' ',
      '\r\n',
      'HTTP/1.1',
      'Host: a',
      'Content-Length: 3',
      ':',
      'x',
    );
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(word, { maxLength: 12 }).map((words) => new TextEncoder().encode(words.join(''))),
    );
    await fc.assert(
      fc.asyncProperty(noise, async (bytes) => {
        const isRequest = /POST \/get HTTP/.test(Buffer.from(bytes).toString());
        fc.pre(!isRequest);
        await new Promise<void>((done) => {
          const client = connect({ path: server.socket }, () => client.end(bytes));
          client.resume();
          client.on('error', () => done());
          client.on('close', () => done());
        });
      }),
      { numRuns: 60 },
    );
    expect(asked).toBe(0);
    expect((await server.get('a.example')).status).toBe(200);
  },
  20_000,
);

test.skipIf(!canListen)(
  'a link that stands where its folder should be is not followed',
  async () => {
    await using folder = await temporaryFolder();
    const home = join(folder.path, 'h'.repeat(120));
    const machine = machineFolder(home);
    const planted = dirname(machine.socket);
    await mkdir(home);
    await writeFile(join(folder.path, 'creds.sock'), 'somebody else’s');
    await symlink(folder.path, planted);
    try {
      await removeTraces(machine);
      expect(await readFile(join(folder.path, 'creds.sock'), 'utf8')).toBe('somebody else’s');
      const ask: AskLogin = async () => ({ kind: 'login', json: '{}' });
      expect(() => serveCredentials(machine.socket, ask)).toThrow(/is not this user's alone/);
      expect((await lstat(planted)).isSymbolicLink()).toBe(true);
    } finally {
      await rm(planted);
    }
  },
);

test('the folder of a socket is the same whatever TMPDIR says', () => {
  const home = `/${'h'.repeat(120)}`;
  const before = process.env['TMPDIR'];
  const { socket } = machineFolder(home);
  process.env['TMPDIR'] = '/elsewhere';
  try {
    expect(machineFolder(home).socket).toBe(socket);
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
});
