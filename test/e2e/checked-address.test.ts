import { describe, expect, test } from 'bun:test';
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage } from '../support/images.ts';
import { writeOciArchive } from './support/archives.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { workbench } from './support/workbench.ts';

/** Whether this machine's own name is looked up as an address of this machine, as on most. */
const addresses = await lookup(hostname(), { all: true, order: 'ipv4first' }).catch(() => []);
const isHere =
  process.platform === 'linux' &&
  hostname() !== 'localhost' &&
  addresses[0]?.address === '127.0.0.1';

describe.skipIf(!isHere)('a registry that sends finch on to a name of this machine', () => {
  test('is refused when it is not on this machine itself, before anything is sent there', async () => {
    await using bench = await workbench();
    await using victim = startFakeRegistry();
    const target = `http://${hostname()}:${victim.host.split(':')[1]}/x`;
    await using registry = startFakeRegistry({
      script: () => new Response(null, { status: 307, headers: { location: target } }),
    });
    // An address of no network: it is not known to be this machine, and leads here all the same.
    const outside = `0.0.0.0:${registry.host.split(':')[1]}`;
    await bench.ok('images');
    const before = await filesIn(bench.home);
    const stderr = await bench.fails(`pull --insecure-registry ${outside}/app:1`);
    expectError(
      stderr,
      `${outside} sends requests to ${hostname()}, which is an address of this machine`,
      /ask who runs the registry/,
    );
    expect(victim.requests).toEqual([]);
    expect(await filesIn(bench.home)).toEqual(before);
  });

  test('is followed when it is on this machine', async () => {
    await using bench = await workbench();
    await using storage = startFakeRegistry();
    await using registry = startFakeRegistry({
      script: ({ method }, { pathname }) =>
        method === 'GET' && pathname.includes('/blobs/')
          ? Response.redirect(`http://${hostname()}:${storage.host.split(':')[1]}${pathname}`, 307)
          : undefined,
    });
    const name = `${registry.host}/app:1`;
    await bench.ok([
      'load',
      '-q',
      '-i',
      await writeOciArchive(bench.path('a.tar'), name, buildImage()),
    ]);
    await bench.ok(['push', name]);
    for (const [digest, bytes] of registry.blobs) storage.blobs.set(digest, bytes);
    const home = await bench.newHome();
    const { stderr } = await bench.run(['pull', '--debug', name], { home });
    expect(stderr).toMatch(
      /GET http:\/\/[^/]*\/v2\/app\/blobs\/sha256:\w+ -> 200, .*at 127\.0\.0\.1/,
    );
    expect(storage.requests.length).toBeGreaterThan(0);
    expect(storage.requests[0]?.headers.get('host')).toBe(
      `${hostname()}:${storage.host.split(':')[1]}`,
    );
  });
});
