import { expect, test } from 'bun:test';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority } from '../support/certificates.ts';
import { startFaultyRegistry } from '../support/faulty-registry.ts';
import { temporaryFolder } from '../support/temporary.ts';

const GIB = 1024 ** 3;

/** What a process of finch takes at most that sends little. */
const USUAL_KB = 200 * 1024;

test.skipIf(process.platform !== 'linux').each([
  ['as a file, to this machine', false, 2 * GIB],
  ['as a stream, over TLS', true, GIB / 2],
])(
  'a layer of many gigabytes goes up in flat memory, %s',
  async (_way, isTls, size) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'layer');
    await Bun.write(path, '');
    await truncate(path, size);
    const authority = isTls ? await makeAuthority(folder.path) : undefined;
    await using registry = await startFaultyRegistry({
      profile: { discards: true },
      ...(authority && { tls: authority }),
    });
    const host = isTls ? registry.host.replace('127.0.0.1', 'localhost') : registry.host;
    const script = join(import.meta.dir, 'send-large.ts');
    const child = Bun.spawn([process.execPath, script, host, path, String(size)], {
      env: { PATH: process.env['PATH'], ...(authority && { SSL_CERT_FILE: authority.ca }) },
      ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    });
    const [peak, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect([await child.exited, errors]).toEqual([0, '']);
    expect(registry.bodyBytes()).toBe(size);
    expect(Number(peak)).toBeLessThan(USUAL_KB);
  },
  60_000,
);
