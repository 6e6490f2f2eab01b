import { describe, expect, test } from 'bun:test';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseRate } from '../../src/commands/push-flags.ts';
import { eventsIn, type Receipt, replayed } from '../e2e/support/push-events.ts';
import { serve } from '../server/served.ts';
import { CANARY } from '../support/canary.ts';
import { registryErrorBody, startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage, layerTar } from '../support/images.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { finch } from './command-line.ts';

const one = buildImage();
const two = buildImage({ layers: [layerTar('two')] });
const result = (name: string) => `${name}: digest: ${one.root.digest} size: ${one.root.size}\n`;

const receiptAt = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as Receipt;

describe('finch push --digest-file', () => {
  test('writes the digest of one image as podman does, and of several a line for each', async () => {
    await using registry = await serve();
    await using folder = await temporaryFolder();
    await using place = await finch();
    const names = ['a:1', 'b:1'].map((name) => `${registry.host}/${name}`) as [string, string];
    await place.load(one, names[0]);
    await place.load(two, names[1]);
    const path = join(folder.path, 'digest');
    for (const flag of ['--digest-file', '--digestfile']) {
      await place.stdout('push', flag, path, names[0]);
      expect(await readFile(path, 'utf8')).toBe(one.root.digest);
    }
    await place.stdout('push', '--digest-file', path, ...names);
    expect(await readFile(path, 'utf8')).toBe(
      `${names[0]}@${one.root.digest}\n${names[1]}@${two.root.digest}\n`,
    );
    expect(await readdir(folder.path)).toEqual(['digest']);
  });

  test('writes nothing when the push fails', async () => {
    await using registry = startFakeRegistry({
      script: () => registryErrorBody(403, 'DENIED', 'not yours'),
    });
    await using folder = await temporaryFolder();
    await using place = await finch();
    await place.load(one, `${registry.host}/app:1`);
    const path = join(folder.path, 'digest');
    const { status } = await place.run('push', '--digest-file', path, `${registry.host}/app:1`);
    expect(status).toBe(1);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test.each([
    ['folder', 'it is a folder'],
    ['nowhere/digest', 'no such file or folder'],
    ['file/digest', 'a part of the path is not a folder'],
  ])('that cannot be written ends the push before it begins: %s', async (where, why) => {
    await using registry = startFakeRegistry();
    await using folder = await temporaryFolder();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.load(one, name);
    await mkdir(join(folder.path, 'folder'));
    await writeFile(join(folder.path, 'file'), '');
    const path = join(folder.path, where);
    for (const flag of ['--digest-file', '--receipt']) {
      const { status, stdout, stderr } = await place.run('push', flag, path, name);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toStartWith(`finch: cannot write ${path}: ${why}\nhint: `);
    }
    expect(registry.requests).toEqual([]);
  });

  test('is another file than that of the receipt', async () => {
    await using place = await finch();
    const { stderr } = await place.run('push', '--digest-file', 'x', '--receipt', './x', 'app:1');
    expect(stderr).toStartWith('finch: --digest-file and --receipt name the same file\nhint: ');
  });

  test('stays as it was when the push fails', async () => {
    await using refusing = startFakeRegistry({
      script: () => registryErrorBody(403, 'DENIED', 'not yours'),
    });
    await using folder = await temporaryFolder();
    await using place = await finch();
    await place.load(one, `${refusing.host}/app:1`);
    const path = join(folder.path, 'digest');
    await writeFile(path, 'before');
    await place.run('push', '--digest-file', path, `${refusing.host}/app:1`);
    expect(await readFile(path, 'utf8')).toBe('before');
  });
});

describe('finch push --receipt', () => {
  test('says of each name and each part of it what became of it', async () => {
    await using registry = await serve();
    await using folder = await temporaryFolder();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.load(one, name);
    const path = join(folder.path, 'receipt.json');
    expect(await place.stdout('push', '--receipt', path, name)).toBe(result(name));
    const receipt = await receiptAt(path);
    const repository = `${registry.host}/app`;
    const { digest, size, mediaType } = one.root;
    expect(receipt).toMatchObject({
      ...{ version: 1, status: 'pushed' },
      references: [{ name, digest, size, mediaType, status: 'pushed', verified: false }],
      totals: { blobs: 3, sent: 3, exists: 0, mounted: 0, unfinished: 0, bytesResumed: 0 },
    });
    expect(receipt.blobs.map((blob) => blob.digest).toSorted()).toEqual(
      one.order.map((part) => part.digest).toSorted(),
    );
    for (const blob of receipt.blobs) {
      expect(blob).toMatchObject({ repository, result: 'sent', bytesSent: blob.size });
    }
    expect(receipt.totals.bytesSent).toBe(receipt.totals.bytes);

    await place.stdout('push', '--verify', '--receipt', path, name);
    expect(await receiptAt(path)).toMatchObject({
      references: [{ status: 'pushed', verified: true }],
      totals: { sent: 0, exists: 1, bytesSent: 0 },
    });
  });

  test('is on stdout in place of the results when it is named -', async () => {
    await using registry = await serve();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.load(one, name);
    const receipt = JSON.parse(await place.stdout('push', '--receipt', '-', name)) as Receipt;
    expect(receipt.references[0]?.digest).toBe(one.root.digest);
  });

  test('is written when the push fails too, with what went wrong and without secrets', async () => {
    await using registry = await serve();
    await using refusing = startFakeRegistry({
      script: ({ method }) =>
        method === 'POST' ? registryErrorBody(403, 'DENIED', `no: password=${CANARY}`) : undefined,
    });
    await using folder = await temporaryFolder();
    await using place = await finch();
    const [good, bad] = [`${registry.host}/app:1`, `${refusing.host}/app:1`];
    for (const name of [good, bad]) await place.load(one, name);
    const path = join(folder.path, 'receipt.json');
    const { status } = await place.run('push', '-q', '--receipt', path, good, bad);
    expect(status).toBe(1);
    const receipt = await receiptAt(path);
    expect(receipt).toMatchObject({
      status: 'failed',
      references: [
        { name: good, status: 'pushed' },
        { name: bad, status: 'failed', error: { code: 'DENIED' } },
      ],
    });
    expect((await readFile(path, 'utf8')).includes(CANARY)).toBe(false);
    expect(await readdir(folder.path)).toEqual(['receipt.json']);
  });

  test('is written when there is nothing to push', async () => {
    await using folder = await temporaryFolder();
    await using place = await finch();
    const path = join(folder.path, 'receipt.json');
    const { status } = await place.run('push', '--receipt', path, 'ghcr.io/me/nothing:1');
    expect(status).toBe(1);
    expect(await receiptAt(path)).toMatchObject({
      ...{ status: 'failed', references: [], blobs: [] },
      error: { code: 'IMAGE_NOT_FOUND', hint: 'see what is here with: finch images' },
    });
  });
});

describe('finch push --dry-run', () => {
  test('says what would be sent, and changes nothing at the registry', async () => {
    const methods = new Set<string>();
    await using registry = await serve({ onRequest: ({ method }) => methods.add(method) });
    await using folder = await temporaryFolder();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.load(one, name);
    const bytes = one.order.reduce((sum, { size }) => sum + size, 0);
    const planned = await place.run('push', '--dry-run', name);
    expect(planned.stdout).toMatch(
      new RegExp(
        `^${registry.host}/app: 0 there, 0 to mount, 3 \\([0-9.]+ B\\) to send; \\d+ requests\\n$`,
      ),
    );
    expect(planned.stdout).toContain(`(${bytes.toFixed(1)} B)`);
    expect([...methods]).toEqual(['HEAD']);
    await place.stdout('push', name);
    expect(await place.stdout('push', '--dry-run', name)).toBe(
      `${registry.host}/app: 3 (${bytes.toFixed(1)} B) there, 0 to mount, 0 to send; 1 request\n`,
    );
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('plans for the registries that answer when another is out of reach', async () => {
    await using registry = await serve();
    const gone = startFakeRegistry();
    await gone[Symbol.asyncDispose]();
    await using place = await finch();
    const [good, bad] = [`${registry.host}/app:1`, `${gone.host}/app:1`];
    for (const name of [good, bad]) await place.load(one, name);
    const { status, stdout, stderr } = await place.run('push', '--dry-run', bad, good);
    expect(status).toBe(1);
    expect(stdout).toStartWith(`${registry.host}/app: 0 there, `);
    expect(stderr).toStartWith(`finch: ${bad}: cannot connect to ${gone.host}`);
  });

  test('counts as many requests as the push then makes', async () => {
    let requests = 0;
    await using registry = await serve({ onRequest: () => (requests += 1) });
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.load(two, name);
    const planned = Number(
      /(\d+) requests/.exec(await place.stdout('push', '--dry-run', name))?.[1],
    );
    requests = 0;
    await place.stdout('push', name);
    expect(requests).toBe(planned);
  });
});

describe('finch push --progress', () => {
  test('none shows nothing and leaves the result as it is', async () => {
    await using registry = await serve();
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.load(one, name);
    expect(await place.run('push', '--progress', 'none', name)).toEqual({
      ...{ status: 0, stdout: result(name), stderr: '' },
    });
  });

  test('json has one event a line, notes and the fault too, and its totals at the end', async () => {
    await using registry = await serve();
    await using gone = startFakeRegistry();
    await gone[Symbol.asyncDispose]();
    await using folder = await temporaryFolder();
    await using place = await finch();
    const [good, bad] = [`${registry.host}/app:1`, `${gone.host}/app:1`];
    for (const name of [good, bad]) await place.load(one, name);
    const path = join(folder.path, 'receipt.json');
    const args = ['push', '--progress', 'json', '--receipt', path, good, bad];
    const { stdout, stderr } = await place.run(...args);
    expect(stdout).toBe(result(good));
    const events = eventsIn(stderr);
    const { totals } = await receiptAt(path);
    expect(replayed(events)).toEqual(totals);
    expect(events.map(({ event }) => event).slice(-2)).toEqual(['end', 'error']);
    expect(events.at(-1)).toMatchObject({ code: 'NETWORK', hint: expect.any(String) });
  });
});

describe('parseRate()', () => {
  test.each([
    ['1', 1],
    ['500K', 500 * 1024],
    ['500k', 500 * 1024],
    ['10M', 10 * 1024 ** 2],
    ['1.5G', 1.5 * 1024 ** 3],
    ['100B', 100],
    ['1T', 1024 ** 4],
  ])('reads %j as curl does', (text, bytes) => {
    expect(parseRate(text)).toBe(bytes);
  });

  test.each(['', '0', '0.1', '0M', '-1', '1e3', 'M', '10MB', '10 M', '1,5M', '9999999999P'])(
    'refuses %j',
    (text) => {
      expect(() => parseRate(text)).toThrow('is no speed');
    },
  );

  test('gives a whole number of bytes above 0, or refuses', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^\d{0,17}\.?\d{0,10}[bBkKmMgGtTpP]?$/));
    fc.assert(
      fc.property(text, (given) => {
        try {
          const rate = parseRate(given);
          expect(Number.isSafeInteger(rate) && rate > 0).toBe(true);
        } catch (error) {
          expect(String(error)).toContain('is no speed');
        }
      }),
    );
  });
});
