import { describe, expect, test } from 'bun:test';
import { chmod, mkdir, readdir, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { CANARY } from '../support/canary.ts';
import { fakeLimactl } from '../support/fake-limactl.ts';
import { expectError } from './support/expectations.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const LOGIN = Buffer.from(`me:${CANARY}`).toString('base64');

/** A bench whose machine is this Linux, without programs that could be asked. */
async function nativeBench(): Promise<Workbench> {
  const bench = await workbench({ PATH: '/nowhere' });
  await Bun.write(join(bench.home, 'finch.yaml'), 'vmType: native\n');
  return bench;
}

/** The files of the one bundle in the folder of a bench, without the folder that they are in there. */
async function bundleIn(bench: Workbench): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(bench.folder)).filter((name) => name.endsWith('.zip'));
  expect(names).toEqual([expect.stringMatching(/^finch-support-\d{14}\.zip$/)]);
  const [name = ''] = names;
  const files = unzipSync(await Bun.file(bench.path(name)).bytes());
  return Object.fromEntries(
    Object.entries(files).map(([path, bytes]) => [
      path.replace(`${name.replace('.zip', '')}/`, ''),
      new TextDecoder().decode(bytes),
    ]),
  );
}

describe.skipIf(process.platform !== 'linux')('finch support-bundle generate, natively', () => {
  test('works without a machine, and says what it could not get', async () => {
    await using bench = await nativeBench();
    const { stdout, stderr, exitCode } = await bench.run('support-bundle generate');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Bundle created: finch-support-\d{14}\.zip\n$/);
    expect(stderr).toStartWith('Generating support bundle...\n');
    expect(stderr).toContain('Files posted on a Github issue can be read by anyone.\n');
    const files = await bundleIn(bench);
    expect(files['platform.yaml']).toMatch(/^os: linux .*\narch: \w+\nfinch: v.*\n$/);
    expect(files['version-output.txt']).toStartWith('finch version v');
    expect(files['configs/finch.yaml']).toBe('vmType: native\n');
  });

  test('shows of finch.yaml what finch knows, and no comment', async () => {
    await using bench = await nativeBench();
    const yaml = `# ${CANARY}\nvmType: native\ncpus: 3 # mine\nmine: ${CANARY}\n`;
    await Bun.write(join(bench.home, 'finch.yaml'), yaml);
    await bench.ok('support-bundle generate');
    const files = await bundleIn(bench);
    expect(files['configs/finch.yaml']).toBe('#…\nvmType: native\ncpus: 3 #…\nmine: …\n');
  });

  test('works with a finch.yaml that is no YAML', async () => {
    await using bench = await nativeBench();
    await Bun.write(join(bench.home, 'finch.yaml'), `vmType: [${CANARY}\n`);
    const { stderr, exitCode } = await bench.run('support-bundle generate');
    expect(exitCode).toBe(0);
    expect(stderr).toContain('the state of the machine is not known: ');
    expect((await bundleIn(bench))['configs/finch.yaml']).toStartWith('# it is not YAML: ');
  });

  test('never has files of logins in it, by whatever name', async () => {
    await using bench = await nativeBench();
    const config = join(bench.home, 'config.json');
    const text = `{"auths": {"ghcr.io": {"auth": "${LOGIN}"}}}`;
    await Bun.write(config, text);
    await Bun.write(bench.path('copy.txt'), text);
    await symlink(config, bench.path('link.txt'));
    await mkdir(bench.path('.aws'));
    await Bun.write(bench.path('.aws/other'), `aws_secret_access_key = ${CANARY}\n`);
    const includes = [config, 'copy.txt', 'link.txt', '.aws/other'];
    const flags = includes.flatMap((path) => ['--include', path]);
    const { stderr, exitCode } = await bench.run(['support-bundle', 'generate', ...flags]);
    expect(exitCode).toBe(0);
    expect(stderr.match(/files of logins and keys are never part of a bundle/g)).toHaveLength(4);
    const files = await bundleIn(bench);
    expect(Object.keys(files).filter((path) => path.startsWith('misc/'))).toEqual([]);
    expect(Object.values(files).join()).not.toContain(LOGIN);
  });

  test('takes what is included, redacted, and leaves out what is excluded', async () => {
    await using bench = await nativeBench();
    await Bun.write(bench.path('a.log'), `at 10.1.2.3 password=${CANARY}\n`);
    await mkdir(bench.path('sub'));
    await Bun.write(bench.path('sub/a.log'), 'second\n');
    await Bun.write(bench.path('b.log'), 'b\n');
    await Bun.write(bench.path('big.log'), `${'x'.repeat(99)}\n`.repeat(20_000));
    const { stderr } = await bench.run(
      'support-bundle generate --include a.log,sub/a.log,b.log,big.log,nowhere.log --exclude b.log --exclude finch.yaml --exclude service:all',
    );
    expect(stderr).toContain('Excluding b.log...\n');
    expect(stderr).toMatch(/^Excluding .*finch\.yaml\.\.\.$/m);
    expect(stderr).toMatch(
      /^Could not copy in "nowhere\.log"\. Error: cannot read .*no such file/m,
    );
    const files = await bundleIn(bench);
    expect(files['misc/a.log']).toBe('at <ip-address-elided> password=REDACTED\n');
    expect(files['misc/a.log-2']).toBe('second\n');
    expect(files['misc/big.log']).toStartWith('[');
    expect(files['misc/big.log']?.length).toBeLessThan(1024 * 1024 + 100);
    expect(Object.keys(files).sort()).toEqual([
      ...['misc/a.log', 'misc/a.log-2', 'misc/big.log', 'platform.yaml', 'version-output.txt'],
    ]);
  });

  test.each([
    ['-1', 'num-lines cannot be less than zero (provided value: -1)'],
    ['some', '--num-lines is not a number'],
  ])('refuses %s lines, and writes nothing', async (lines, message) => {
    await using bench = await nativeBench();
    const before = await readdir(bench.folder);
    expectError(await bench.fails(`support-bundle generate --num-lines=${lines}`), message, /./);
    expect(await readdir(bench.folder)).toEqual(before);
  });

  test('leaves nothing behind when it is interrupted', async () => {
    await using bench = await nativeBench();
    const fake = bench.path('bin');
    await mkdir(fake);
    const asked = bench.path('asked');
    await Bun.write(join(fake, 'journalctl'), `#!/bin/sh\necho > ${asked}\nexec sleep 60\n`);
    await chmod(join(fake, 'journalctl'), 0o755);
    const before = (await readdir(bench.folder)).sort();
    const child = Bun.spawn([finchBinary, 'support-bundle', 'generate'], {
      ...{ cwd: bench.folder, stdout: 'ignore', stderr: 'ignore', detached: true },
      env: finchEnvironment(bench.home, { PATH: `${fake}:/usr/bin:/bin` }),
    });
    while (!(await Bun.file(asked).exists()) && child.exitCode === null) await Bun.sleep(5);
    child.kill('SIGINT');
    expect(await child.exited).toBe(130);
    expect((await readdir(bench.folder)).sort()).toEqual([...before, 'asked'].sort());
  });
});

describe('finch support-bundle generate, with Lima', () => {
  test('has what Lima and the services in the machine say', async () => {
    await using bench = await workbench();
    const lima = await fakeLimactl(bench.home);
    const env = { PATH: `${lima.folder}:/usr/bin:/bin` };
    await lima.setStatus('Running');
    const folder = join(lima.limaHome, 'finch');
    await Bun.write(join(folder, 'ha.stderr.log'), `ssh to 127.0.0.1:60022 of ${homedir()}\n`);
    await Bun.write(join(folder, 'serialv.log'), `ssh-rsa ${'A'.repeat(40)} root@lima-finch\n`);
    await lima.addProgram('journalctl', '#!/bin/sh\necho "journal $*"\n');
    const { stderr, exitCode } = await bench.run(
      'support-bundle generate -n 7 --include service:sshd --exclude service:soci',
      { env },
    );
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const files = await bundleIn(bench);
    expect(files['logs/ha.stderr.log']).toStartWith('ssh to <ip-address-elided> of ');
    expect(files['logs/serialv.log']).toBe('<key-elided>\n');
    expect(files['logs/journalctl/containerd']).toBe('journal --no-pager -n 7 -xu containerd\n');
    expect(files['logs/journalctl/sshd']).toContain('-xu sshd');
    expect(files['logs/journalctl/soci']).toBeUndefined();
    expect(files['configs/lima.yaml']).toContain('cpus: ');
    await lima.setStatus('Stopped');
  });

  test('does not work for a machine that does not exist', async () => {
    await using bench = await workbench();
    const lima = await fakeLimactl(bench.home);
    expectError(
      await bench.fails('support-bundle generate', {
        env: { PATH: `${lima.folder}:/usr/bin:/bin` },
      }),
      'cannot create support bundle for nonexistent VM, run `finch vm init` to create a new instance',
      'make the virtual machine with: finch vm init',
    );
    expect((await readdir(bench.folder)).filter((name) => name.endsWith('.zip'))).toEqual([]);
  });
});
