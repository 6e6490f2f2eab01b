import { expect, test } from 'bun:test';
import { chmod, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { BRIDGE_USER } from '../../../src/bridge/bridge.ts';
import type { BridgeState } from '../../../src/bridge/bridge-state.ts';
import { startAws } from '../../support/aws/stand-in.ts';
import { CANARY } from '../../support/canary.ts';
import { ECR_HOST } from '../support/aws-bench.ts';
import { type BridgeBench, bridgeBench } from '../support/bridge-bench.ts';

const isLinux = process.platform === 'linux';
const canBeAnother = isLinux && process.getuid?.() === 0 && Bun.which('setpriv') !== null;

/** Runs a program as the user `nobody`, and gives its exit status and all that it wrote. */
async function asNobody(...words: readonly string[]): Promise<readonly [number, string]> {
  const user = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];
  const child = Bun.spawn([...user, ...words], { cwd: '/', stdout: 'pipe', stderr: 'pipe' });
  const [status, stdout] = await Promise.all([child.exited, child.stdout.text()]);
  return [status, stdout];
}

/** A bench whose bridge runs, and gives the canary for `registry.example`. */
async function withLogin(): Promise<{ bench: BridgeBench; state: BridgeState }> {
  const bench = await bridgeBench({ SOME_SECRET: CANARY, DATABASE_URL: `db://me:${CANARY}@db` });
  await bench.ok('credential store', {
    stdin: JSON.stringify({ ServerURL: 'registry.example', Username: 'testUser', Secret: CANARY }),
  });
  return { bench, state: await bench.start() };
}

/** Sends bytes to a socket, and gives the statuses that come back until it is closed or `count` came. */
function statuses(
  socket: string,
  bytes: string | Uint8Array,
  count: number,
): Promise<readonly number[]> {
  const { promise, resolve } = Promise.withResolvers<readonly number[]>();
  let text = '';
  const found = () =>
    [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
  const client = connect({ path: socket }, () => client.write(bytes));
  client.on('data', (piece) => {
    text += piece.toString();
    if (found().length >= count) resolve(found());
  });
  client.on('error', () => resolve(found()));
  client.on('close', () => resolve(found()));
  return promise.finally(() => client.destroy());
}

function request(line: string, body = '', ...headers: readonly string[]): string {
  const head = [
    `${line} HTTP/1.1`,
    'Host: localhost',
    ...headers,
    `Content-Length: ${body.length}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

test.skipIf(!canBeAnother)(
  'another user can neither connect to the bridge nor read how to',
  async () => {
    const { bench, state } = await withLogin();
    await using _ = bench;
    for (const path of [bench.folder, bench.home]) await chmod(path, 0o755);
    const { machine } = bench;
    const hosts = join(machine.hosts, '_default/hosts.toml');
    const secrets = [machine.state, hosts, machine.log, `/proc/${state.pid}/environ`];
    const ask = [
      'curl',
      '-s',
      '--unix-socket',
      machine.socket,
      '-d',
      'registry.example',
      'http://localhost/get',
    ];
    for (const isOpen of [false, true]) {
      // Also where somebody opened the folder: each of its files is closed by itself.
      if (isOpen) await chmod(machine.path, 0o755);
      for (const path of secrets) expect(await asNobody('cat', path)).toEqual([1, '']);
      expect(await asNobody(...ask)).toEqual([7, '']);
    }
    const [status, commandLine] = await asNobody('cat', `/proc/${state.pid}/cmdline`);
    expect([status, commandLine.includes(state.token)]).toEqual([0, false]);
  },
);

test.skipIf(!isLinux)(
  'without its password the registry of the bridge says nothing and takes nothing',
  async () => {
    const { bench, state } = await withLogin();
    await using _ = bench;
    const before = await bench.ok('images --format {{.Name}}');
    const url = `http://127.0.0.1:${state.port}`;
    const wrong = [
      '',
      'Basic',
      `Basic ${btoa(`${BRIDGE_USER}:`)}`,
      `Basic ${btoa(`${BRIDGE_USER}:${state.token}x`)}`,
      `Basic ${btoa(`:${state.token}`)}`,
      `Bearer ${state.token}`,
      `Basic ${state.token}`,
    ];
    const requests = [
      ['GET', '/v2/'],
      ['GET', '/v2/_catalog'],
      ['GET', '/'],
      ['GET', '/v2/docker.io/library/a/manifests/1'],
      ['PUT', '/v2/docker.io/library/a/manifests/1'],
      ['POST', '/v2/docker.io/library/a/blobs/uploads/'],
      ['DELETE', '/v2/docker.io/library/a/manifests/1'],
      ['OPTIONS', '/v2/'],
    ] as const;
    for (const authorization of wrong) {
      for (const [method, path] of requests) {
        const answer = await fetch(url + path, {
          method,
          headers: authorization ? { authorization } : {},
        });
        expect([method, path, answer.status, answer.headers.get('www-authenticate')]).toEqual([
          method,
          path,
          401,
          'Basic realm="finch"',
        ]);
      }
    }
    expect(await bench.ok('images --format {{.Name}}')).toBe(before);
  },
);

test.skipIf(!isLinux)('web pages get nothing of the bridge, even with its password', async () => {
  const { bench, state } = await withLogin();
  await using _ = bench;
  const url = `http://127.0.0.1:${state.port}/v2/`;
  const authorization = `Basic ${btoa(`${BRIDGE_USER}:${state.token}`)}`;
  const ask = async (headers: Record<string, string>) =>
    (await fetch(url, { headers: { authorization, ...headers } })).status;
  expect(await ask({})).toBe(200);
  expect(await ask({ host: `192.168.5.2:${state.port}` })).toBe(200);
  expect(await ask({ origin: 'https://evil.example' })).toBe(403);
  expect(await ask({ host: 'evil.example' })).toBe(403);
});

test.skipIf(!isLinux)('the bridge listens on loopback, and nowhere else', async () => {
  const { bench, state } = await withLogin();
  await using _ = bench;
  const inodes = new Set<string>();
  const listing = Bun.spawnSync(['ls', '-l', `/proc/${state.pid}/fd`]).stdout.toString();
  for (const [, inode = ''] of listing.matchAll(/socket:\[(\d+)\]/g)) inodes.add(inode);
  const listening: string[] = [];
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
    const rows = (await readFile(`/proc/net/${table}`, 'utf8')).split('\n').slice(1);
    for (const row of rows) {
      const [, address = '', , , , , , , , inode = ''] = row.trim().split(/ +/);
      if (inodes.has(inode)) listening.push(`${table} ${address}`);
    }
  }
  const port = state.port.toString(16).toUpperCase().padStart(4, '0');
  expect(listening).toEqual([`tcp 0100007F:${port}`]);
});

test.skipIf(!isLinux)('a request for anything but a login is refused', async () => {
  const { bench, state } = await withLogin();
  await using _ = bench;
  const { socket } = state;
  const body = JSON.stringify({
    ServerURL: 'registry.example',
    Username: 'other',
    Secret: 'other',
  });
  for (const [line, wanted] of [
    ['GET /get', 405],
    ['PUT /get', 405],
    ['DELETE /get', 405],
    ['HEAD /get', 405],
    ['OPTIONS /get', 405],
    ['POST /store', 404],
    ['POST /erase', 404],
    ['POST /list', 404],
    ['GET /list', 404],
    ['GET /', 404],
    ['GET /credentials?server=registry.example', 404],
    ['POST /get/', 404],
    ['POST /get/../store', 404],
    ['POST //get', 404],
    ['POST /GET', 404],
    ['GET /v2/', 404],
  ] as const) {
    expect([line, await statuses(socket, request(line, body), 1)]).toEqual([line, [wanted]]);
  }
  // What is no server has no login; what is no request of HTTP is none.
  for (const server of [
    '',
    '\0',
    'a b',
    `https://testUser@registry.example`,
    'registry.example\nother',
    '{}',
  ]) {
    const [status = 0] = await statuses(socket, request('POST /get', server), 1);
    expect([server, status >= 400 && status < 500]).toEqual([server, true]);
  }
  expect(await statuses(socket, 'registry.example\n\r\n\r\n', 1)).not.toContain(200);
  const list = await bench.ok('credential list');
  expect(JSON.parse(list)).toEqual({ 'registry.example': 'testUser' });
});

test.skipIf(!isLinux)(
  'clients that send much, slowly or all at once take nothing from the others',
  async () => {
    const { bench, state } = await withLogin();
    await using _ = bench;
    const { socket } = state;
    const huge = 'x'.repeat(100_000);
    expect(await statuses(socket, request('POST /get', huge), 1)).not.toContain(200);
    const chunk = `${(4096).toString(16)}\r\n${'y'.repeat(4096)}\r\n`;
    const endless = `POST /get HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(20)}`;
    expect(await statuses(socket, endless, 1)).not.toContain(200);
    const half = 'POST /get HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16\r\n\r\nregis';
    const idle = Array.from({ length: 50 }, () => {
      const client = connect({ path: socket }, () => client.write(half));
      client.on('error', () => {});
      return client;
    });
    expect(await statuses(socket, request('POST /get', 'registry.example'), 1)).toEqual([200]);
    // Bun answers no second request before the first one is answered; nobody is to be served twice by that.
    const two = request('POST /get', 'registry.example') + request('POST /store', '{}');
    expect((await statuses(socket, two, 2)).length).toBeLessThan(2);
    for (const client of idle) client.destroy();
  },
);

test.skipIf(!isLinux)(
  'no secret is in the log, the arguments or the environment of the bridge',
  async () => {
    const { bench, state } = await withLogin();
    await using _ = bench;
    const { socket, token, pid, port } = state;
    for (const server of [
      'registry.example',
      `127.0.0.1:${port}`,
      `me:${CANARY}@registry.example`,
    ]) {
      await statuses(socket, request('POST /get', server), 1);
    }
    await fetch(`http://127.0.0.1:${port}/v2/x?password=${CANARY}&token=${token}`);
    for (const path of [bench.machine.log, `/proc/${pid}/cmdline`, `/proc/${pid}/environ`]) {
      const text = await readFile(path, 'utf8');
      expect([path, text.includes(token), text.includes(CANARY)]).toEqual([path, false, false]);
    }
  },
);

test.skipIf(!isLinux)(
  'of the keys of AWS, only the passwords that they make for registries leave the bridge',
  async () => {
    await using aws = await startAws();
    const user = aws.addUser();
    await using bench = await bridgeBench(aws.environment(user));
    const { socket } = await bench.start();
    const ask = async (server: string) =>
      (await fetch('http://localhost/get', { method: 'POST', body: server, unix: socket })).text();
    const login: unknown = JSON.parse(await ask(ECR_HOST));
    expect(login).toMatchObject({ ServerURL: ECR_HOST, Username: 'AWS' });
    const said = [JSON.stringify(login)];
    for (const server of ['sts.amazonaws.com', 'a.example', '169.254.169.254'])
      said.push(await ask(server));
    said.push(await readFile(bench.machine.log, 'utf8'));
    for (const text of said) expect(text.includes(user.secretAccessKey)).toBe(false);
  },
);
