import { describe, expect, test } from 'bun:test';
import { helloFinch, writeHelloFinch } from '../demo/hello-finch.ts';
import { buildImage } from '../support/images.ts';
import { writeOciArchive } from './support/archives.ts';
import { expectError } from './support/expectations.ts';
import { startFinchRegistry } from './support/finch-registry.ts';
import { blobsIn, filesIn, namesIn } from './support/home-contents.ts';
import { areHere, crane, runOk } from './support/program.ts';
import { startFinch } from './support/running.ts';
import { skopeoCopy } from './support/skopeo.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const hello = helloFinch();

/** A bench with `hello-finch:latest` in its store, and an empty home for a registry. */
async function benchWithImage(): Promise<Workbench & { readonly registryHome: string }> {
  const bench = await workbench();
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -q -i hello-finch.tar');
  return { ...bench, registryHome: await bench.newHome() };
}

describe('finch registry serve', () => {
  test('says where it listens, answers there, and ends in peace when it is told to', async () => {
    await using bench = await benchWithImage();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      await using registry = await startFinch(
        ['registry', 'serve', '--listen', '127.0.0.1:0'],
        bench,
      );
      expect(registry.line).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+$/);
      const url = registry.line.replace('listening on ', '');
      const answer = await fetch(`${url}/v2/`);
      expect(answer.status).toBe(200);
      expect(await (await fetch(`${url}/v2/hello-finch/tags/list`)).json()).toEqual({
        name: 'hello-finch',
        tags: ['latest'],
      });
      expect(await registry.stop(signal)).toEqual({ exitCode: 0, stderr: '' });
      await expect(fetch(`${url}/v2/`)).rejects.toThrow();
    }
  });

  test('refuses an address at which others could reach it, unless that is allowed', async () => {
    await using bench = await benchWithImage();
    for (const address of ['0.0.0.0:0', '[::]:0', 'example.com:0']) {
      expectError(
        await bench.fails(`registry serve --listen ${address}`),
        /^finch: other machines could reach the registry at /,
        /--allow-remote/,
      );
    }
    const line = ['registry', 'serve', '--listen', '0.0.0.0:0', '--allow-remote'];
    await using registry = await startFinch(line, bench);
    const port = registry.line.replace(/^listening on http:\/\/0\.0\.0\.0:/, '');
    expect((await fetch(`http://127.0.0.1:${port}/v2/`)).status).toBe(200);
  });

  test('says which port is in use, and what to do', async () => {
    await using bench = await benchWithImage();
    await using registry = await startFinchRegistry(bench.registryHome);
    const port = registry.host.replace('127.0.0.1:', '');
    expectError(
      await bench.fails(`registry serve --listen ${registry.host}`),
      `cannot listen on 127.0.0.1, port ${port}`,
      /--listen 127\.0\.0\.1:PORT/,
    );
  });

  test('refuses what is no address', async () => {
    await using bench = await benchWithImage();
    for (const address of ['nonsense', '127.0.0.1:99999', '127.0.0.1:', ':x', '']) {
      expectError(
        await bench.fails(['registry', 'serve', '--listen', address]),
        /is no address/,
        /./,
      );
    }
  });

  test('takes an image from one home and gives it to another', async () => {
    await using bench = await benchWithImage();
    await using registry = await startFinchRegistry(bench.registryHome);
    const name = `${registry.host}/team/hello-finch:1.0`;
    await bench.ok(`tag hello-finch ${name}`);
    const pushed = await bench.ok(`push ${name}`);
    expect(pushed).toBe(`${name}: digest: ${hello.root.digest} size: ${hello.root.size}\n`);
    expect(await bench.ok(`push ${name}`)).toBe(pushed);
    expect(await blobsIn(bench.registryHome)).toEqual(await blobsIn(bench.home));
    const home = await bench.newHome();
    expect(await bench.ok(`pull --all-platforms ${name}`, { home })).toBe(pushed);
    expect(await blobsIn(home)).toEqual(await blobsIn(bench.home));
  });

  test('shows at once what another finch does with the same store', async () => {
    await using bench = await benchWithImage();
    await using registry = await startFinchRegistry(bench.home);
    const tags = async (name: string) => {
      const answer = await fetch(`${registry.url}/v2/${name}/tags/list`);
      return answer.ok ? ((await answer.json()) as { tags: string[] }).tags : [];
    };
    await bench.ok('tag hello-finch hello-finch:later');
    expect(await tags('hello-finch')).toEqual(['later', 'latest']);
    await bench.ok('rmi hello-finch:later');
    expect(await tags('hello-finch')).toEqual(['latest']);
    await writeOciArchive(bench.path('other.tar'), 'other:1', buildImage());
    await bench.ok('load -q -i other.tar');
    expect(await tags('other')).toEqual(['1']);
  });

  test('serves one store from two servers while other finches work in it', async () => {
    await using bench = await benchWithImage();
    const home = bench.registryHome;
    await using first = await startFinchRegistry(home);
    await using second = await startFinchRegistry(home);
    const servers = [first, second];
    const names = servers.map(({ host }, i) => `${host}/hello:${i}`);
    for (const name of names) await bench.ok(`tag hello-finch ${name}`);
    await writeOciArchive(bench.path('other.tar'), 'other:1', buildImage());
    await Promise.all([
      ...names.map((name) => bench.ok(`push -q ${name}`)),
      bench.ok('load -q -i other.tar', { home }),
    ]);
    await Promise.all([
      bench.ok('rmi hello:0', { home }),
      bench.ok('tag other:1 hello:2', { home }),
      fetch(`${first.url}/v2/hello/manifests/1`, { method: 'DELETE' }),
    ]);
    for (const { url } of servers) {
      const tags = (await (await fetch(`${url}/v2/hello/tags/list`)).json()) as object;
      expect(tags).toMatchObject({ tags: ['2'] });
    }
    expect(await bench.ok('store verify', { home })).toBeString();
  });

  test('--read-only gives images and refuses to take any', async () => {
    await using bench = await benchWithImage();
    const other = await bench.newHome();
    await writeOciArchive(bench.path('other.tar'), 'other:1', buildImage());
    await bench.ok('load -q -i other.tar', { home: other });
    const before = await filesIn(bench.home);
    await using registry = await startFinchRegistry(bench.home, ['--read-only']);
    const { host } = registry;
    await bench.ok(`tag other:1 ${host}/other:1`, { home: other });
    expectError(await bench.fails(`push ${host}/other:1`, { home: other }), /read-only/);
    const pulled = await bench.ok(`pull ${host}/hello-finch`, { home: other });
    expect(pulled).toContain(hello.root.digest);
    expect(await filesIn(bench.home)).toEqual(before);
  });

  test.skipIf(!areHere('skopeo'))('serves finch and skopeo side by side', async () => {
    await using bench = await benchWithImage();
    await using registry = await startFinchRegistry(bench.registryHome);
    const remote = (name: string) => `docker://${registry.host}/${name}`;
    const archive = `oci-archive:${bench.path('hello-finch.tar')}:hello-finch:latest`;
    const names = ['a', 'b', 'c', 'd'].map((letter) => `hello-${letter}:1`);
    for (const name of names) await bench.ok(`tag hello-finch ${registry.host}/${name}`);
    await Promise.all(
      names.map((name, i) =>
        i % 2 === 0
          ? bench.ok(`push -q ${registry.host}/${name}`)
          : skopeoCopy(archive, remote(name), ['--all', '--dest-tls-verify=false']),
      ),
    );
    expect(Object.values(await namesIn(bench.registryHome))).toEqual(
      names.map(() => hello.root.digest),
    );
    await Promise.all(
      names.map(async (name, i) => {
        if (i % 2 === 0) {
          const to = `oci:${bench.path(`copy-${i}`)}:1`;
          return skopeoCopy(remote(name), to, ['--all', '--src-tls-verify=false']);
        }
        const home = await bench.newHome();
        const line = `pull --all-platforms ${registry.host}/${name}`;
        expect(await bench.ok(line, { home })).toContain(hello.root.digest);
      }),
    );
    await runOk(['skopeo', 'delete', '--tls-verify=false', remote('hello-a:1')]);
    expect(Object.keys(await namesIn(bench.registryHome))).toHaveLength(3);
  });

  test.skipIf(crane === null)('serves crane', async () => {
    await using bench = await benchWithImage();
    await using registry = await startFinchRegistry(bench.home);
    const command = [crane ?? 'crane'];
    expect(await runOk([...command, 'catalog', registry.host])).toBe('hello-finch\n');
    expect(await runOk([...command, 'digest', `${registry.host}/hello-finch:latest`])).toBe(
      `${hello.root.digest}\n`,
    );
    await runOk([...command, 'validate', '--remote', `${registry.host}/hello-finch:latest`]);
  });
});
