import { describe, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeHelloFinch } from '../demo/hello-finch.ts';
import { CANARY } from '../support/canary.ts';
import { runLog } from '../support/run-log.ts';
import type { Finished } from './support/finch.ts';
import { type HelperForm, type InstalledHelper, installHelper } from './support/helper-install.ts';
import { areHere, crane as craneHere, showsOci } from './support/program.ts';
import { type RegistryBench, registryBench } from './support/workbench.ts';

/** A registry that lets `me` in, with an image in it that finch has pushed, and the clients' surroundings. */
interface ClientBench extends RegistryBench {
  readonly image: string;
  readonly helper: InstalledHelper;
  /** Docker's folder, in which is what the clients take for their own configuration. */
  readonly folder: string;
  configure(config: object): Promise<void>;
  /** Runs a client, which reads the password if it wants one. */
  client(...command: readonly string[]): Promise<Finished>;
}

async function clientBench(form: HelperForm = 'symbolic link'): Promise<ClientBench> {
  const bench = await registryBench({ htpasswd: { me: CANARY } });
  const helper = await installHelper(bench.path('bin'), form);
  const image = `${bench.registry.host}/app:1`;
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -i hello-finch.tar');
  await bench.ok(`tag hello-finch:latest ${image}`);
  const folder = bench.path('docker');
  await mkdir(folder);
  return {
    ...{ ...bench, image, helper, folder },
    configure: (config) => writeFile(join(folder, 'config.json'), JSON.stringify(config)),
    async client(...command) {
      const child = Bun.spawn([...command], {
        env: {
          ...{ PATH: helper.PATH, HOME: folder, FINCH_HOME: bench.home, ...runLog },
          ...{ DOCKER_CONFIG: folder, REGISTRY_AUTH_FILE: join(folder, 'config.json') },
        },
        stdin: new TextEncoder().encode(CANARY),
        ...{ stdout: 'pipe', stderr: 'pipe' },
      });
      const [stdout, stderr, exitCode] = await Promise.all([
        child.stdout.text(),
        child.stderr.text(),
        child.exited,
      ]);
      return { stdout, stderr, exitCode };
    },
  };
}

const crane = craneHere ?? 'crane';

const login = (host: string) => ['login', '-u', 'me', '--password-stdin', host];

/** How clients show the manifest of an image. */
const SHOW = {
  docker: (image: string) => ['docker', 'manifest', 'inspect', '--insecure', image],
  skopeo: (image: string) => [
    ...['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${image}`],
  ],
  crane: (image: string) => [crane, 'manifest', image],
};

const isHere = { docker: showsOci(), skopeo: areHere('skopeo'), crane: areHere(crane) };

describe.skipIf(!areHere('docker-registry'))('finch serves its logins to', () => {
  for (const [name, key] of [
    ['docker', 'credsStore'],
    ['docker', 'credHelpers'],
    ['crane', 'credsStore'],
    ['crane', 'credHelpers'],
    // skopeo knows no helper for all registries.
    ['skopeo', 'credHelpers'],
  ] as const) {
    test.skipIf(!isHere[name])(`${name} by ${key}`, async () => {
      await using bench = await clientBench(key === 'credsStore' ? 'hard link' : 'symbolic link');
      const { host } = bench.registry;
      await bench.configure({ [key]: key === 'credsStore' ? 'finch' : { [host]: 'finch' } });
      const show = () => bench.client(...SHOW[name](bench.image));
      expect((await show()).exitCode).not.toBe(0);
      await bench.ok(login(host), { stdin: CANARY });
      await bench.ok(`push ${bench.image}`);
      const shown = await show();
      expect(shown).toMatchObject({ stderr: '', exitCode: 0 });
      expect(shown.stdout).toContain('manifests');
      await bench.ok(`logout ${host}`);
      expect((await show()).exitCode).not.toBe(0);
    });
  }

  for (const [name, key, ...command] of [
    ['docker', 'credsStore', 'docker'],
    ['crane', 'credHelpers', crane, 'auth'],
    ['skopeo', 'credHelpers', 'skopeo'],
    ['buildah', 'credHelpers', 'buildah'],
    ['podman', 'credHelpers', 'podman'],
  ] as const) {
    const [program = name] = command;
    test.skipIf(!areHere(program))(`${name}, which logs in and out through finch`, async () => {
      await using bench = await clientBench();
      const { host } = bench.registry;
      await bench.configure({ [key]: key === 'credsStore' ? 'finch' : { [host]: 'finch' } });
      const [verb, ...flags] = login(host);
      const plain = key === 'credHelpers' && program === name ? ['--tls-verify=false'] : [];
      const loggedIn = await bench.client(...command, `${verb}`, ...plain, ...flags);
      expect(loggedIn.exitCode).toBe(0);
      expect(await Bun.file(join(bench.folder, 'config.json')).text()).not.toContain('"auth"');
      expect(await bench.ok('credential list')).toBe(`{"${host}":"me"}\n`);
      await bench.ok(`push ${bench.image}`);
      expect((await bench.client(...command, 'logout', host)).exitCode).toBe(0);
      expect(await bench.ok('credential list')).toBe('{}\n');
      await bench.fails(`push ${bench.image}`);
    });
  }

  test.skipIf(!isHere.docker)('docker, whose own folder leads finch to its home', async () => {
    await using bench = await clientBench();
    const { host } = bench.registry;
    await bench.configure({ credsStore: 'finch' });
    const env = { DOCKER_CONFIG: bench.folder, PATH: bench.helper.PATH };
    await bench.ok(login(host), { env, stdin: CANARY });
    await bench.ok(`push ${bench.image}`, { env });
    expect(await bench.ok('credential list')).toBe(`{"${host}":"me"}\n`);
    const show = () => bench.client(...SHOW.docker(bench.image));
    expect(await show()).toMatchObject({ stderr: '', exitCode: 0 });
    expect((await bench.client('docker', 'logout', host)).exitCode).toBe(0);
    expect((await show()).exitCode).not.toBe(0);
  });
});
