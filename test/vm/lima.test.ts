import { describe, expect, test } from 'bun:test';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { findLima, type LimaOptions, type LimaVm } from '../../src/vm/lima.ts';
import { CANARY } from '../support/canary.ts';
import { type FakeLimactl, fakeLimactl } from '../support/fake-limactl.ts';
import { temporaryFolder } from '../support/temporary.ts';

interface Bench extends AsyncDisposable {
  readonly folder: string;
  readonly fake: FakeLimactl;
  readonly said: readonly string[];
  vm(options?: Partial<LimaOptions>): LimaVm;
}

/** A fake limactl on PATH, and whoever looks for it. */
async function bench(status?: string): Promise<Bench> {
  const folder = await temporaryFolder();
  const fake = await fakeLimactl(folder.path);
  if (status !== undefined) await fake.setStatus(status);
  const said: string[] = [];
  const env = { PATH: `${fake.folder}:/usr/bin:/bin`, HOME: folder.path };
  return {
    ...{ folder: folder.path, fake, said },
    vm(options = {}) {
      const report = (line: string) => void said.push(line);
      const vm = findLima({ installs: [], report, ...options, env: { ...env, ...options.env } });
      if (vm === undefined) throw new Error('there is no limactl');
      return vm;
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe.skipIf(process.platform === 'win32')('findLima()', () => {
  test('finds nothing where there is no limactl', async () => {
    await using folder = await temporaryFolder();
    const report = () => {};
    const env = { PATH: `relative:${folder.path}:`, HOME: folder.path };
    expect(findLima({ env, report, installs: [folder.path] })).toBeUndefined();
    await Bun.write(join(folder.path, 'limactl'), 'no program');
    await chmod(join(folder.path, 'limactl'), 0o644);
    expect(findLima({ env, report, installs: [] })).toBeUndefined();
  });

  test.each(['Running', 'Stopped', 'Broken'])('says that the machine is %s', async (status) => {
    await using lima = await bench(status);
    expect(await lima.vm().status()).toBe(status);
    expect(await lima.fake.calls()).toEqual(['ls -f {{.Status}} finch']);
  });

  test('knows that there is no machine', async () => {
    await using lima = await bench();
    expect(await lima.vm().status()).toBeUndefined();
    await expect(lima.vm().start()).rejects.toMatchObject({ code: 'VM' });
    await lima.fake.setStatus('');
    expect(await lima.vm().status()).toBeUndefined();
  });

  test('stops the machine and starts it', async () => {
    await using lima = await bench('Running');
    await lima.vm().stop();
    expect(await lima.fake.status()).toBe('Stopped');
    await lima.vm().start();
    expect((await lima.fake.calls()).filter((line) => !line.startsWith('ls'))).toEqual([
      'stop finch',
      'start --tty=false finch',
    ]);
    expect(await lima.fake.status()).toBe('Running');
    expect(lima.said).toEqual([]);
  });

  test('prefers the limactl of Finch and its machines', async () => {
    await using lima = await bench('Running');
    const install = join(lima.folder, 'Finch');
    const own = await fakeLimactl(join(install, 'lima'));
    await own.setStatus('Stopped');
    const vm = lima.vm({ installs: [install] });
    expect(await vm.status()).toBe('Stopped');
    expect((await own.environment())['LIMA_HOME']).toBe(join(install, 'lima/data'));
  });

  test('asks the limactl of PATH when that of Finch has no machine', async () => {
    await using lima = await bench('Running');
    await fakeLimactl(join(lima.folder, 'Finch/lima'));
    expect(await lima.vm({ installs: [join(lima.folder, 'Finch')] }).status()).toBe('Running');
    const { LIMA_HOME: home } = await lima.fake.environment();
    expect(home).toBe(join(lima.folder, '.lima'));
  });

  test('gives LIMA_HOME and no secret to the machine', async () => {
    await using lima = await bench('Running');
    const env = {
      LIMA_HOME: '/somewhere',
      AWS_SECRET_ACCESS_KEY: CANARY,
      AWS_PROFILE: 'dev',
      GITHUB_TOKEN: CANARY,
      COSIGN_PASSWORD: CANARY,
    };
    await lima.vm({ env }).start();
    const seen = await lima.fake.environment();
    expect(seen).toMatchObject({ LIMA_HOME: '/somewhere', HOME: lima.folder });
    expect(Object.keys(seen).filter((name) => /AWS|TOKEN|PASSWORD/.test(name))).toEqual([]);
  });

  test('says what Lima said at last when the machine does not start', async () => {
    await using lima = await bench('Running');
    const lines = Array.from({ length: 30 }, (_, i) => `line ${i}\u001b[31m`);
    await lima.fake.fail('start', lines.join('\n'));
    const failure = await lima
      .vm()
      .start()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'VM',
      message: `cannot start the virtual machine: ${lima.fake.folder}/limactl ended with exit status 1`,
      hint: `see ${lima.folder}/.lima/finch/ha.stderr.log, and then try: finch vm start`,
    });
    expect(lima.said).toHaveLength(10);
    expect(lima.said.at(-1)).toBe('limactl: line 29 [31m');
  });

  test('says why the machine does not stop', async () => {
    await using lima = await bench('Running');
    await lima.fake.fail('stop', 'it is busy');
    await expect(lima.vm().stop()).rejects.toMatchObject({
      code: 'VM',
      hint: `see ${lima.folder}/.lima/finch/ha.stderr.log, and then try: finch vm stop`,
    });
    expect(lima.said).toEqual(['limactl: it is busy']);
  });

  test('takes no other failure for a missing machine', async () => {
    await using lima = await bench('Running');
    await lima.fake.fail('ls', 'LIMA_HOME is broken');
    await expect(lima.vm().status()).rejects.toMatchObject({
      code: 'VM',
      message: expect.stringContaining('cannot ask Lima for the virtual machine'),
      hint: `see what it says to: LIMA_HOME=${lima.folder}/.lima ${lima.fake.folder}/limactl ls`,
    });
  });
});
