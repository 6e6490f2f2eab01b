import { describe, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeHelloFinch } from '../demo/hello-finch.ts';
import { type AwsStandIn, startAws } from '../support/aws/stand-in.ts';
import { passwordFiles, quiet, type Seen, watch } from './support/seen.ts';
import { mayWatch } from './support/watched.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const HOST = '111222333444.dkr.ecr.us-east-1.amazonaws.com';

/** A home with an image for the stand-in, which has a repository for it. */
async function benchFor(
  aws: AwsStandIn,
  env: Readonly<Record<string, string>>,
): Promise<Workbench & { see(line: string): Promise<Seen> }> {
  aws.repositories.create({ name: 'app' });
  const bench = await workbench(env);
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -q -i hello-finch.tar');
  await bench.ok(`tag hello-finch ${HOST}/app:1`);
  // The file of the tokens has another name while it is written.
  const see = async (line: string) => {
    const seen = await watch(bench, line.split(' '), { env });
    const places = seen.places.map((it) =>
      /\/\.ecr\/\.finch-ecr-[\w-]+\.tmp$/.test(it) ? 'cache.json' : it,
    );
    return { ...seen, places };
  };
  return { ...bench, see };
}

// Over TLS nothing that goes to AWS can be read on the way, so what is seen is what leaked.
describe.skipIf(!mayWatch)('keys, session tokens and passwords of AWS go nowhere', () => {
  test('from the environment, but the password to the cache of tokens', async () => {
    await using aws = await startAws();
    await using bench = await benchFor(aws, aws.environment(aws.addUser({ session: true })));
    for (const [line, expected] of [
      ['ecr whoami', quiet()],
      ['ecr login-password', quiet('stdout')],
      [`push ${HOST}/app:1`, quiet('cache.json')],
      [`pull ${HOST}/app:1`, quiet()],
      [`login ${HOST}`, quiet()],
      ['images', quiet()],
    ] as const) {
      expect({ line, ...(await bench.see(line)) }).toEqual({ line, ...expected });
    }
    const cache = `${basename(bench.home)}/.ecr/cache.json 600`;
    expect(await passwordFiles(bench.folder)).toEqual([cache]);
  });

  test('from a refusal', async () => {
    await using aws = await startAws();
    const { secretAccessKey } = aws.addUser({ name: 'bob' });
    const user = { ...aws.addUser({ session: true }), secretAccessKey };
    await using bench = await benchFor(aws, aws.environment(user));
    for (const line of ['ecr whoami', `push ${HOST}/app:1`, `login ${HOST}`]) {
      const failed = { ...quiet(), exitCode: 1 };
      expect({ line, ...(await bench.see(line)) }).toEqual({ line, ...failed });
    }
    expect(await passwordFiles(bench.folder)).toEqual([]);
  });

  test('from the files of a profile with a role, and from a program', async () => {
    await using aws = await startAws();
    const user = aws.addUser({ session: true });
    const role = aws.addRole({ trusts: [user.arn] });
    await using bench = await benchFor(aws, { ...aws.environment(), AWS_PROFILE: 'role' });
    const at = (name: string) => join(bench.home, name);
    const keys = {
      ...{ Version: 1, AccessKeyId: user.accessKeyId, SecretAccessKey: user.secretAccessKey },
      SessionToken: user.sessionToken,
    };
    await mkdir(at('.aws'));
    await writeFile(at('keys.json'), JSON.stringify(keys), { mode: 0o600 });
    await writeFile(
      at('.aws/config'),
      `[profile role]\nrole_arn = ${role.arn}\nsource_profile = base\n[profile base]\ncredential_process = cat ${at('keys.json')}\n`,
    );
    for (const [line, expected] of [
      ['ecr whoami', quiet()],
      [`push ${HOST}/app:1`, quiet('cache.json')],
    ] as const) {
      const wanted = { line, ...expected, programs: ['cat'] };
      expect({ line, ...(await bench.see(line)) }).toEqual(wanted);
    }
    const home = basename(bench.home);
    expect(await passwordFiles(bench.folder)).toEqual([
      `${home}/.ecr/cache.json 600`,
      `${home}/keys.json 600`,
    ]);
  });
});
