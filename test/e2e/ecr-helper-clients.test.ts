import { describe, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { writeHelloFinch } from '../demo/hello-finch.ts';
import { type EcrHelperBench, ecrHelperBench, REGISTRY } from './support/ecr-helper.ts';
import type { Finished } from './support/finch.ts';
import type { HelperForm } from './support/helper-install.ts';
import { areHere, crane as craneHere, runOk, runProgram, showsOci } from './support/program.ts';

interface ClientBench extends EcrHelperBench {
  /** An OCI layout with an image of two platforms. */
  readonly layout: string;
  /** Runs another program, which finds our helper and asks it for the passwords of Amazon ECR. */
  client(...command: readonly string[]): Promise<Finished>;
}

/** @param config what docker's `config.json` says */
async function clientBench(
  config: object,
  form: HelperForm = 'symbolic link',
): Promise<ClientBench> {
  const bench = await ecrHelperBench(form);
  bench.aws.repositories.create({ region: 'eu-west-1', name: 'team/app' });
  const [folder, layout] = [bench.path('docker'), bench.path('layout')];
  await mkdir(folder);
  await mkdir(layout);
  await writeFile(bench.path('docker/config.json'), JSON.stringify(config));
  await writeHelloFinch(bench.path('hello.tar'));
  await runOk(['tar', '-xf', bench.path('hello.tar'), '-C', layout]);
  const env = {
    ...bench.aws.environment(bench.user),
    ...{ PATH: bench.helper.PATH, HOME: bench.home, FINCH_HOME: bench.home },
    ...{ DOCKER_CONFIG: folder, REGISTRY_AUTH_FILE: bench.path('docker/config.json') },
  };
  return { ...bench, layout, client: (...command) => runProgram(command, { env }) };
}

const IMAGE = `${REGISTRY}/team/app:1`;
const BY_HOST = { credHelpers: { [REGISTRY]: 'ecr-login' } };
const BY_STORE = { credsStore: 'ecr-login' };

const crane = craneHere ?? 'crane';

const PUSH = {
  skopeo: (layout: string) => ['skopeo', 'copy', '--all', `oci:${layout}`, `docker://${IMAGE}`],
  crane: (layout: string) => [crane, 'push', '--index', layout, IMAGE],
};

const SHOW = {
  skopeo: ['skopeo', 'inspect', '--raw', `docker://${IMAGE}`],
  crane: [crane, 'manifest', IMAGE],
  docker: ['docker', 'manifest', 'inspect', IMAGE],
};

const isHere = (name: 'crane' | 'skopeo') =>
  areHere('docker-registry', name === 'crane' ? crane : name);

describe('docker-credential-ecr-login that is finch', () => {
  for (const [name, config, form] of [
    // skopeo knows no helper for all registries.
    ['skopeo', BY_HOST, 'symbolic link'],
    ['crane', BY_HOST, 'hard link'],
    ['crane', BY_STORE, 'symbolic link'],
  ] as const) {
    const key = Object.keys(config)[0];
    test.skipIf(!isHere(name))(`lets ${name} push by ${key} as a ${form}`, async () => {
      await using bench = await clientBench(config, form);
      const pushed = await bench.client(...PUSH[name](bench.layout));
      expect([pushed.exitCode, pushed.stderr.match(/.*(?:credential|denied|error).*/i)]).toEqual([
        ...[0, null],
      ]);
      const shown = await bench.client(...SHOW[name]);
      expect(shown.exitCode).toBe(0);
      expect(JSON.parse(shown.stdout)).toMatchObject({ manifests: expect.anything() });
      // However often they asked for a password, AWS was asked for one.
      expect(bench.calls().filter((action) => action === 'GetAuthorizationToken')).toHaveLength(1);
      const isByUser = bench.aws.log.some(({ action, principal, status }) => {
        return (
          /^PUT \/v2\/team\/app\/manifests\//.test(action) &&
          principal === bench.user.arn &&
          status === 201
        );
      });
      expect(isByUser).toBe(true);
    });
  }

  test.skipIf(!isHere('skopeo') || !showsOci())('lets docker look at an image', async () => {
    await using bench = await clientBench(BY_HOST);
    expect((await bench.client(...PUSH.skopeo(bench.layout))).exitCode).toBe(0);
    const { stdout, stderr, exitCode } = await bench.client(...SHOW.docker);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 2 });
  });

  test.skipIf(!isHere('crane'))('tells who pushes with crane why AWS says no', async () => {
    await using bench = await clientBench(BY_HOST);
    const bob = bench.aws.addUser({ name: 'bob', allow: [] });
    const command = PUSH.crane(bench.layout);
    const { stderr, exitCode } = await runProgram(command, {
      env: {
        ...bench.aws.environment(bob),
        ...{ PATH: bench.helper.PATH, HOME: bench.home, FINCH_HOME: bench.home },
        DOCKER_CONFIG: bench.path('docker'),
      },
    });
    expect(exitCode).toBe(1);
    const advice = stderr
      .split('\n')
      .filter((line) => line.startsWith('docker-credential-ecr-login: '));
    expect(advice).toHaveLength(1);
    expect(advice[0]).toContain(`${bob.arn} may not call ecr:GetAuthorizationToken`);
  });
});
