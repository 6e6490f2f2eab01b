import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import { sendRequest } from '../../src/http/transport.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { checkLogin } from '../../src/registry/ping.ts';
import { inPieces, layerOf, readStream, writeAll } from '../support/content-store-contract.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { buildMultiPlatform } from '../support/images.ts';
import { openTestRepository } from '../support/open-test-repository.ts';

const credential = { kind: 'password' as const, username: 'me', secret: 'pä:ss word' };
describe.skipIf(Bun.which('docker-registry') === null)('docker-registry', () => {
  let plain: DockerRegistry;
  let secure: DockerRegistry;

  beforeAll(async () => {
    const htpasswd = { [credential.username]: credential.secret };
    [plain, secure] = await Promise.all([
      startDockerRegistry(),
      startDockerRegistry({ tls: true, htpasswd }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([plain.stop(), secure.stop()]);
  });

  test('takes a multi-platform image and gives it back byte for byte', async () => {
    const built = buildMultiPlatform('linux/amd64', 'linux/arm64');
    const bytes = built.blobs.get(built.root.digest) ?? new Uint8Array();
    for (const [registry, options] of [
      [plain, {}],
      [secure, { credential, insecure: true }],
    ] as const) {
      const repository = openTestRepository(registry.host, { ...options, name: 'a/b' });
      await writeAll(repository, built);
      await repository.tag(['v1'], built.root, bytes);
      expect(await repository.resolve('v1')).toEqual(built.root);
      expect(await repository.tags()).toEqual(['v1']);
      for (const descriptor of built.order) {
        const content = await repository.open(descriptor);
        expect(digestOf(await readStream(content.stream()))).toBe(descriptor.digest);
      }
    }
  });

  test('takes layers of any length, from memory in pieces, and serves them from an offset', async () => {
    const repository = openTestRepository(plain.host);
    for (const length of [0, 1, 1_000_001]) {
      const { descriptor, bytes } = layerOf(length);
      await repository.write(descriptor, inPieces(bytes, 10_000));
      const content = await repository.open(descriptor);
      const start = Math.floor(length / 2);
      expect(digestOf(await readStream(content.stream({ start })))).toBe(
        digestOf(bytes.subarray(start)),
      );
    }
  });

  test('keeps nothing of a layer that does not have its digest', async () => {
    const repository = openTestRepository(plain.host);
    const { descriptor, bytes } = layerOf(200_000, 7);
    const wrong = bytes.map((byte, i) => (i === 100_000 ? byte ^ 1 : byte));
    await expect(repository.write(descriptor, memoryContent(wrong))).rejects.toMatchObject({
      code: 'CONTENT_MISMATCH',
    });
    expect(await repository.has(descriptor)).toBe(false);
  });

  test('refuses an index whose members are missing, and the reason is shown', async () => {
    const { root, blobs } = buildMultiPlatform('linux/s390x');
    const bytes = blobs.get(root.digest) ?? new Uint8Array();
    await expect(openTestRepository(plain.host).tag(['v9'], root, bytes)).rejects.toMatchObject({
      code: 'REGISTRY',
      message: `registry ${plain.host}: manifest blob unknown: blob unknown to registry`,
    });
  });

  test('without a login is UNAUTHENTICATED', async () => {
    const repository = openTestRepository(secure.host, { insecure: true });
    await expect(repository.resolve('v1')).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: `registry ${secure.host}: unauthorized: authentication required`,
      hint: `log in with: finch login ${secure.host}`,
    });
  });

  test('a process with the authority in SSL_CERT_FILE reaches docker-registry over verified TLS', async () => {
    const source = (path: string) => JSON.stringify(join(import.meta.dir, '../../src', path));
    const code = `
    import { openRepository } from ${source('registry/open-repository.ts')};
    import { sendRequest } from ${source('http/transport.ts')};
    const keychain = { credential: async () => (${JSON.stringify(credential)}) };
    const repository = openRepository(
      { registry: process.argv[1], name: 'a/b' }, { transport: sendRequest, keychain });
    console.log(JSON.stringify(await repository.resolve('nothing') ?? 'no such tag'));`;
    const child = Bun.spawn([process.execPath, '-e', code, secure.host], {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], SSL_CERT_FILE: secure.ca },
      stderr: 'inherit',
    });
    expect((await child.stdout.text()).trim()).toBe('"no such tag"');
  });

  test('checkLogin() accepts the right password, and any where no login is wanted', async () => {
    await checkLogin(secure.host, { transport: sendRequest, credential, insecure: true });
    await checkLogin(plain.host, { transport: sendRequest, credential });
  });

  test('checkLogin() refuses a wrong password with a hint', async () => {
    const wrong = { ...credential, secret: 'wrong' };
    const options = { transport: sendRequest, credential: wrong, insecure: true };
    await expect(checkLogin(secure.host, options)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: `login to ${secure.host} was refused: unauthorized: authentication required`,
      hint: `check the user name and the password, and try again: finch login ${secure.host}`,
    });
  });
});
