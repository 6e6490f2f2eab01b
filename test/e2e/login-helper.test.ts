import { describe, expect, test } from 'bun:test';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { expectError } from './support/expectations.ts';
import { loginBench } from './support/login-bench.ts';
import { areHere } from './support/program.ts';
import { USER } from './support/workbench.ts';

describe.skipIf(!areHere('docker-registry', 'openssl') || process.platform === 'win32')(
  'finch login with a helper',
  () => {
    /** A bench whose config.json names a helper: a shell script. */
    async function benchWith(script: string) {
      const bench = await loginBench();
      await Bun.write(join(bench.home, 'config.json'), '{"credsStore":"box"}');
      const path = join(bench.home, 'cred-helpers/docker-credential-box');
      await Bun.write(path, `#!/bin/sh\n${script}\n`);
      await chmod(path, 0o755);
      const config = () => Bun.file(join(bench.home, 'config.json')).text();
      return { ...bench, config };
    }

    test('is silent, keeps nothing in the file, and logout says from where it removed the login', async () => {
      await using bench = await benchWith(`box="$0.kept"
case "$1" in
store) cat >"$box" ;;
get) [ -f "$box" ] && cat "$box" || { echo credentials not found in native keychain; exit 1; } ;;
erase) rm "$box" ;;
list) echo '{}' ;;
esac`);
      const { host } = bench.registry;
      const line = `login -u ${USER.name} --password-stdin ${host}`;
      expect(await bench.run(line, { stdin: USER.password })).toEqual({
        ...{ stdout: 'Login Succeeded\n', stderr: '', exitCode: 0 },
      });
      expect(await bench.config()).toBe('{"credsStore":"box"}');
      await bench.ok(`push ${bench.name}`);
      const { stderr, exitCode } = await bench.run(`logout ${host}`);
      expect([exitCode, stderr]).toEqual([
        0,
        `removed the login for ${host} from docker-credential-box\n`,
      ]);
      expectError(await bench.fails(`push ${bench.name}`), /unauthorized/);
      expect((await bench.run(`logout ${host}`)).stderr).toBe(`there was no login for ${host}\n`);
    });

    test('that makes credentials of its own succeeds, and says that nothing was stored', async () => {
      await using bench = await benchWith(`case "$1" in
get) read -r server; printf '{"ServerURL":"%s","Username":"${USER.name}","Secret":"${USER.password}"}' "$server" ;;
list) echo '{}' ;;
*) echo not implemented; exit 1 ;;
esac`);
      const { host } = bench.registry;
      const line = `login -u ${USER.name} --password-stdin ${host}`;
      expect(await bench.run(line, { stdin: USER.password })).toEqual({
        stdout: 'Login Succeeded\n',
        stderr: `credentials for ${host} are managed by docker-credential-box; not stored\n`,
        exitCode: 0,
      });
      expect(await bench.config()).toBe('{"credsStore":"box"}');
      await bench.ok(`push ${bench.name}`);
      const { stderr, exitCode } = await bench.run(`logout ${host}`);
      expect([exitCode, stderr]).toEqual([
        0,
        `docker-credential-box makes credentials for ${host} itself, and still does\n`,
      ]);
    });
  },
);
