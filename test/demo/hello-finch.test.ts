import { describe, expect, test } from 'bun:test';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, digestParts } from '../../src/oci/digest.ts';
import { childrenOf, parseDocument } from '../../src/oci/document.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { type ElfArchitecture, helloElf } from './elf.ts';
import { GREETING, helloFinch, writeDockerArchive, writeHelloFinch } from './hello-finch.ts';

const here: ElfArchitecture = process.arch === 'x64' ? 'amd64' : 'arm64';

describe('helloElf()', () => {
  test.skipIf(process.platform !== 'linux')('makes a program that this machine runs', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'hello');
    await Bun.write(path, helloElf(here, GREETING));
    await chmod(path, 0o755);
    const child = Bun.spawn([path], { stdout: 'pipe' });
    expect(await child.stdout.text()).toBe(GREETING);
    expect(await child.exited).toBe(0);
  });

  test('puts the length and the place of the message into arm64 instructions', () => {
    const program = helloElf('arm64', 'finch');
    const words = new Uint32Array(program.slice(120, 152).buffer);
    expect([...words]).toEqual([
      0xd2800020, // mov x0, #1
      0x100000e1, // adr x1, .+28
      0xd28000a2, // mov x2, #5
      0xd2800808, // mov x8, #64
      0xd4000001, // svc #0
      0xd2800000, // mov x0, #0
      0xd2800ba8, // mov x8, #93
      0xd4000001, // svc #0
    ]);
    expect(new TextDecoder().decode(program.slice(152))).toBe('finch');
  });
});

describe('hello-finch', () => {
  test('is the same image every time, linux/arm64 before linux/amd64', () => {
    const { root, blobs } = helloFinch();
    expect(helloFinch().root).toEqual(root);
    const index = parseDocument(blobs.get(root.digest) ?? new Uint8Array(), { what: 'the index' });
    expect(childrenOf(index).map(({ platform }) => platform?.architecture)).toEqual([
      'arm64',
      'amd64',
    ]);
  });

  test('comes as an OCI archive that holds every blob under its digest', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'hello-finch.tar');
    const { blobs } = await writeHelloFinch(path);
    const files = await new Bun.Archive(await Bun.file(path).bytes()).files();
    for (const digest of blobs.keys()) {
      const file = files.get(`blobs/${digest.replace(':', '/')}`);
      expect(digestOf((await file?.bytes()) ?? new Uint8Array())).toBe(digest);
    }
    expect([...files.keys()]).toContainValues(['oci-layout', 'index.json']);
  });

  test('comes as a Docker archive with an uncompressed layer', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'hello-finch.tar');
    const { config, diffId } = await writeDockerArchive(path, here);
    const files = await new Bun.Archive(await Bun.file(path).bytes()).files();
    const layer = files.get(`${digestParts(diffId).hex}/layer.tar`);
    expect(digestOf((await layer?.bytes()) ?? new Uint8Array())).toBe(diffId);
    expect([...files.keys()].at(-1)).toBe('manifest.json');
    expect(files.has(`${digestParts(config).hex}.json`)).toBe(true);
  });
});
