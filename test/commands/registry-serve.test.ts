import { describe, expect, test } from 'bun:test';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { FinchError } from '../../src/errors.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { expectError } from '../e2e/support/expectations.ts';
import { buildMultiPlatform } from '../support/images.ts';
import { type Finch, finch, type Outcome } from './command-line.ts';

const two = buildMultiPlatform('linux/arm64', 'linux/amd64');

/** A `finch registry serve` that is ready, and how to interrupt it. */
async function serving(
  place: Finch,
  ...flags: readonly string[]
): Promise<{
  readonly line: string;
  readonly host: string;
  readonly ended: Promise<Outcome>;
  stop(): Promise<Outcome>;
}> {
  const interrupt = new AbortController();
  const ready = Promise.withResolvers<string>();
  const running = place.runWith(
    { signal: interrupt.signal, talk: { print: ready.resolve } },
    ...['registry', 'serve', ...flags],
  );
  void running.then(({ stderr }) => ready.reject(new Error(stderr)));
  const line = await ready.promise;
  return {
    line,
    host: line.replace('listening on http://', ''),
    ended: running,
    stop() {
      interrupt.abort(new FinchError('CANCELLED', 'interrupted'));
      return running;
    },
  };
}

describe('finch registry serve', () => {
  test('says in one line where it listens, and ends well when it is interrupted', async () => {
    await using place = await finch();
    const server = await serving(place, '--listen', '127.0.0.1:0');
    expect(server.line).toMatch(/^listening on http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect((await fetch(`http://${server.host}/v2/`)).status).toBe(200);
    expect(await server.stop()).toEqual({ status: 0, stdout: '', stderr: '' });
    await expect(fetch(`http://${server.host}/v2/`)).rejects.toThrow();
  });

  test('serves what another home pushes, and gives it to a third', async () => {
    await using place = await finch();
    const { host, stop } = await serving(place, '--listen=localhost:0');
    await using source = await finch();
    await source.load(two, `${host}/hello:1`);
    expect(await source.stdout('push', `${host}/hello:1`)).toContain(two.root.digest);
    await using target = await finch();
    expect(await target.stdout('pull', '--all-platforms', `${host}/hello:1`)).toContain(
      two.root.digest,
    );
    await stop();
    expect(await place.stdout('images', '--format', '{{.Name}} {{.Platform}}')).toBe(
      'docker.io/library/hello:1 linux/arm64\ndocker.io/library/hello:1 linux/amd64\n',
    );
  });

  test('serves with --read-only what is here, and refuses to be pushed to', async () => {
    await using place = await finch();
    await place.load(two, 'hello:1');
    const { host, stop } = await serving(place, '--read-only', '--listen', '127.0.0.1:0');
    await using other = await finch();
    expect(await other.stdout('pull', `${host}/hello:1`)).toContain(two.root.digest);
    await other.stdout('tag', `${host}/hello:1`, `${host}/hello:2`);
    const { status, stderr } = await other.run(
      'push',
      '-q',
      '--platform',
      'amd64',
      `${host}/hello:2`,
    );
    expect(status).toBe(1);
    expect(stderr).toContain(`finch: registry ${host}: unsupported: `);
    await stop();
    expect(await place.stdout('images', '--format', '{{.Tag}}')).toBe('1\n1\n');
  });

  test('listens at once and ends when it is interrupted before it begins', async () => {
    await using place = await finch();
    const signal = AbortSignal.abort(new FinchError('CANCELLED', 'interrupted'));
    const outcome = await place.runWith({ signal }, 'registry', 'serve', '--listen', '0');
    expect(outcome.status).toBe(0);
    expect(outcome.stdout).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+\n$/);
  });

  test('ends with one clear error when its store is replaced', async () => {
    await using place = await finch();
    const server = await serving(place, '--listen', '127.0.0.1:0');
    const store = join(place.home, 'store');
    for (const file of await readdir(store)) {
      if (file.startsWith('meta.db')) await rename(join(store, file), join(store, `old-${file}`));
    }
    await place.load(two, 'hello:1');
    const body = new Uint8Array([1]);
    const path = `/v2/x/blobs/uploads/?digest=${digestOf(body)}`;
    const refused = await fetch(`http://${server.host}${path}`, { method: 'POST', body });
    expect(refused.status).toBe(500);
    const { status, stderr } = await server.ended;
    expect(status).toBe(1);
    expectError(stderr, /^finch: the store .* was replaced while it was served$/, /./);
    expect(await place.stdout('images', '--format', '{{.Tag}}')).toBe('1\n1\n');
  });

  test('refuses an address that other machines reach, unless it is allowed', async () => {
    await using place = await finch();
    for (const address of ['0.0.0.0:0', '[::]:0']) {
      const { status, stdout, stderr } = await place.run('registry', 'serve', '--listen', address);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toStartWith('finch: other machines could reach the registry at ');
      expect(stderr).toContain('--allow-remote');
    }
    const server = await serving(place, '--listen', '0.0.0.0:0', '--allow-remote');
    const port = server.host.split(':').at(-1);
    expect((await fetch(`http://127.0.0.1:${port}/v2/`)).status).toBe(200);
    await server.stop();
  });

  test('says so when the port is taken', async () => {
    await using place = await finch();
    const server = await serving(place, '--listen', '127.0.0.1:0');
    const { status, stderr } = await place.run('registry', 'serve', '--listen', server.host);
    await server.stop();
    const port = server.host.split(':')[1];
    expect([status, stderr]).toEqual([
      1,
      `finch: cannot listen on 127.0.0.1, port ${port}\nhint: another program may use the port: choose one with --listen 127.0.0.1:PORT\n`,
    ]);
  });

  test.each([
    'x',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:-1',
    '::1:5000',
    'a:b:1',
    '',
  ])('refuses the address %p', async (address) => {
    await using place = await finch();
    const { status, stderr } = await place.run('registry', 'serve', `--listen=${address}`);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `finch: ${JSON.stringify(address)} is no address to listen on\nhint: an address is HOST:PORT, for example 127.0.0.1:5000\n`,
    );
  });
});
