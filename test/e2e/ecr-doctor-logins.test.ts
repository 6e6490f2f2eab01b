import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AwsBench, awsBench, ECR_HOST } from './support/aws-bench.ts';

const IMAGE = `${ECR_HOST}/team/app:1`;

/** A registry with the repository `team/app`, and somebody who may do everything there. */
async function benchWithRepository() {
  const bench = await awsBench();
  const user = bench.aws.addUser();
  bench.aws.repositories.create({ name: 'team/app' });
  await bench.load(IMAGE);
  const run = await bench.run('ecr login-password --region us-east-1', {
    ...{ env: bench.as(user), home: await bench.newHome() },
  });
  return { ...bench, user, password: run.stdout.trim() };
}

/** A password of Amazon ECR that no registry has given, in the form of one. */
function password(expiration: number): string {
  const claims = { payload: 'x', version: '2', type: 'DATA_KEY', expiration };
  return Buffer.from(JSON.stringify(claims)).toString('base64');
}

const ENDED = password(1_600_000_000);
const REFUSED = password(4_000_000_000);

/** A file of logins, of which each is of the user `AWS`. */
async function keep(bench: AwsBench, name: string, logins: Readonly<Record<string, string>>) {
  const auths = Object.entries(logins).map(([key, secret]) => {
    return [key, { auth: Buffer.from(`AWS:${secret}`).toString('base64') }];
  });
  const path = join(bench.home, name);
  await Bun.write(path, JSON.stringify({ auths: Object.fromEntries(auths) }), { mode: 0o600 });
  return path;
}

describe.skipIf(Bun.which('docker-registry') === null || Bun.which('openssl') === null)(
  'finch ecr doctor, of a login that is kept',
  () => {
    test('for the repository alone, fails when the registry refuses it, as the push does', async () => {
      await using bench = await benchWithRepository();
      const path = await keep(bench, 'auth.json', { [`${ECR_HOST}/team/app`]: REFUSED });
      const env = { ...bench.as(bench.user), REGISTRY_AUTH_FILE: path };
      const doctor = await bench.run(`ecr doctor ${IMAGE}`, { env });
      expect(doctor.exitCode).toBe(1);
      expect(doctor.stdout).toMatch(/^FAIL +finch login .*auth\.json/m);
      expect(doctor.stdout).not.toContain('everything is well');
      expect((await bench.run(`push -q ${IMAGE}`, { env })).exitCode).toBe(1);
      // Of the registry as a whole it says nothing.
      const whole = await bench.run(`ecr doctor ${ECR_HOST}`, { env });
      expect([whole.exitCode, whole.stdout]).toEqual([0, expect.stringContaining('is well')]);
    });

    test('for the repository alone, is enough where the keys may do nothing', async () => {
      await using bench = await benchWithRepository();
      const path = await keep(bench, 'auth.json', { [`${ECR_HOST}/team/app`]: bench.password });
      const nobody = bench.aws.addUser({ name: 'nobody', allow: [] });
      const env = { ...bench.as(nobody), REGISTRY_AUTH_FILE: path };
      const doctor = await bench.run(`ecr doctor ${IMAGE}`, { env });
      expect([doctor.stderr, doctor.exitCode]).toEqual(['', 0]);
      expect(doctor.stdout).toMatch(/^ok +push /m);
      expect((await bench.run(`push -q ${IMAGE}`, { env })).exitCode).toBe(0);
    });

    test('is that of docker when its own has ended, and nothing is said to be well that was not asked', async () => {
      await using bench = await benchWithRepository();
      await keep(bench, 'config.json', { [ECR_HOST]: ENDED });
      await keep(bench, '.docker/config.json', { [ECR_HOST]: bench.password });
      const doctor = await bench.run(`ecr doctor ${IMAGE}`);
      expect([doctor.stderr, doctor.exitCode]).toEqual(['', 0]);
      expect(doctor.stdout).toMatch(/^note +finch login .*\.docker\/config\.json/m);
      expect(doctor.stdout).toMatch(/^ok +push /m);
      expect(doctor.stdout).not.toContain('everything is well');
      expect(doctor.stdout).toEndWith(
        'nothing fails; skipped: endpoint, identity, token, registry, repository\n',
      );
      expect((await bench.run(`push -q ${IMAGE}`)).exitCode).toBe(0);
    });

    test.each(['config.json', '.docker/config.json'])(
      'in %s has ended: it says so, and promises no other',
      async (name) => {
        await using bench = await benchWithRepository();
        await keep(bench, name, { [ECR_HOST]: ENDED });
        const doctor = await bench.run(`ecr doctor ${IMAGE}`);
        expect(doctor.exitCode).toBe(1);
        expect(doctor.stdout).toMatch(
          /^ok +finch login .*config\.json ended at 2020-.*, so finch looks for AWS credentials$/m,
        );
        expect(doctor.stdout).toMatch(/^FAIL +keys /m);
        const env = bench.as(bench.user);
        expect((await bench.run(`ecr doctor ${IMAGE}`, { env })).exitCode).toBe(0);
      },
    );
  },
);
