import { describe, expect, test } from 'bun:test';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { digestOf } from '../../src/oci/digest.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { firstLine } from './support/first-line.ts';
import { filesIn } from './support/home-contents.ts';
import { mayMount, mountSmallDisk } from './support/mounts.ts';
import { type Running, startFinch } from './support/running.ts';
import { workbench } from './support/workbench.ts';

const line = ['registry', 'serve', '--listen', '127.0.0.1:0'];

interface Server {
  readonly running: Running;
  readonly url: string;
}

async function serving(home: string): Promise<Server & AsyncDisposable> {
  const running = await startFinch(line, { home });
  const url = running.line.replace('listening on ', '');
  return { running, url, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

async function begin({ url }: Server): Promise<string> {
  const begun = await fetch(`${url}/v2/x/blobs/uploads/`, { method: 'POST' });
  return `${url}${begun.headers.get('location')}`;
}

/** A PATCH of which four bytes of ten have come. */
async function halfUpload(server: Server): Promise<Socket> {
  const location = await begin(server);
  const { port, pathname } = new URL(location);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`PATCH ${pathname} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n0123`);
  const range = async () => (await fetch(location)).headers.get('range');
  while ((await range()) !== '0-3') await Bun.sleep(5);
  return socket;
}

async function uploadsIn(home: string): Promise<readonly string[]> {
  return Object.keys(await filesIn(home)).filter((path) => path.includes('uploads/'));
}

describe('finch registry serve with an upload in flight', () => {
  test('ends well after one signal, when the client goes on, and leaves no file', async () => {
    await using bench = await workbench();
    await using server = await serving(bench.home);
    const socket = await halfUpload(server);
    const answer = new Promise<string>((resolve) => socket.once('data', (d) => resolve(`${d}`)));
    const ended = server.running.stop('SIGTERM');
    socket.write('456789');
    expect(await answer).toStartWith('HTTP/1.1 202 ');
    expect(await ended).toEqual({ exitCode: 0, stderr: '' });
    expect(await uploadsIn(bench.home)).toEqual([]);
  });

  test('ends at once after a second signal, and the next finch removes what is left', async () => {
    await using bench = await workbench();
    await using server = await serving(bench.home);
    const socket = await halfUpload(server);
    const first = server.running.stop('SIGINT');
    const refused = () => fetch(`${server.url}/v2/`).then(Boolean, () => false);
    while (await refused()) await Bun.sleep(5);
    expect((await server.running.stop('SIGINT')).exitCode).toBe(130);
    await first;
    socket.destroy();
    await using next = await serving(bench.home);
    expect(await uploadsIn(bench.home)).toEqual([]);
    expect((await next.running.stop('SIGTERM')).exitCode).toBe(0);
  });

  test('leaves nothing after the next start when it is killed', async () => {
    await using bench = await workbench();
    await using server = await serving(bench.home);
    const socket = await halfUpload(server);
    expect(await uploadsIn(bench.home)).toHaveLength(1);
    await server.running.stop('SIGKILL');
    socket.destroy();
    await using next = await serving(bench.home);
    expect(await uploadsIn(bench.home)).toEqual([]);
    expect((await fetch(`${next.url}/v2/`)).status).toBe(200);
  });
});

test.skipIf(process.platform !== 'linux')(
  'finch registry serve says when few files may be open, serves those who come, and recovers',
  async () => {
    await using bench = await workbench();
    const child = Bun.spawn(['sh', '-c', 'ulimit -n 60; exec "$0" "$@"', finchBinary, ...line], {
      env: finchEnvironment(bench.home),
      ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    });
    const url = (await firstLine(child.stdout)).replace('listening on ', '');
    const { port } = new URL(url);
    const crowd = Array.from({ length: 100 }, () =>
      connect(Number(port), '127.0.0.1').on('error', () => {}),
    );
    await Promise.all(crowd.map((socket) => new Promise((done) => socket.once('connect', done))));
    for (const socket of crowd) socket.destroy();
    const large = new Uint8Array(8 * 1024 * 1024);
    const path = `/v2/x/blobs/${digestOf(large)}`;
    const upload = `${url}/v2/x/blobs/uploads/?digest=${digestOf(large)}`;
    expect((await fetch(upload, { method: 'POST', body: large })).status).toBe(201);
    // They read no more than the beginning of what they asked for.
    const readers = Array.from({ length: 40 }, () => connect(Number(port), '127.0.0.1'));
    const answers = readers.map(async (socket) => {
      socket.on('error', () => {});
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
      const [data] = (await once(socket, 'data')) as [Buffer];
      socket.pause();
      return data.toString('latin1').split(' ')[1];
    });
    const statuses = (await Promise.all(answers)).sort();
    expect(new Set(statuses)).toEqual(new Set(['200', '429']));
    expect(statuses.lastIndexOf('200')).toBe(13);
    for (const socket of readers) socket.destroy();
    const recovered = () => fetch(`${url}/v2/`).then(({ status }) => status === 200);
    while (!(await recovered())) await Bun.sleep(5);
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
    expect(await child.stderr.text()).toBe(
      'only 60 files may be open, which serves about 14 clients at once; see ulimit -n\n',
    );
  },
);

test.skipIf(!mayMount())('a full disk ends one upload and not the server', async () => {
  await using bench = await workbench();
  await using disk = await mountSmallDisk(bench.path('disk'), 6 * 1024);
  await using server = await serving(disk.path);
  const filler = join(disk.path, 'filler');
  await Bun.write(filler, new Uint8Array(2 * 1024 * 1024));
  const bytes = crypto.getRandomValues(new Uint8Array(65_536));
  const large = new Uint8Array(3 * 1024 * 1024).map((_, i) => bytes[i % 65_521] ?? 0);
  const location = await begin(server);
  // Of unknown length, so that nothing says before that it is too much.
  const pieces = async function* () {
    for (let at = 0; at < large.length; at += 65_536) yield large.subarray(at, at + 65_536);
  };
  const full = await fetch(location, { method: 'PATCH', body: pieces() });
  expect(full.status).toBe(507);
  expect(await full.json()).toMatchObject({ errors: [{ detail: { reason: 'no space left' } }] });
  const have = Number((await fetch(location)).headers.get('range')?.split('-')[1]) + 1;
  expect(have).toBeGreaterThan(1);
  await rm(filler);
  const rest = large.subarray(have);
  const put = await fetch(`${location}?digest=${digestOf(large)}`, { method: 'PUT', body: rest });
  expect(put.status).toBe(201);
  const got = await fetch(`${server.url}/v2/x/blobs/${digestOf(large)}`);
  expect(digestOf(await got.bytes())).toBe(digestOf(large));
  expect(await uploadsIn(disk.path)).toEqual([]);
});
