import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BRIDGE_USER } from '../../src/bridge/bridge.ts';
import { readState } from '../../src/bridge/bridge-state.ts';
import { hostsFile } from '../../src/bridge/hosts-file.ts';
import { CANARY } from '../support/canary.ts';
import { fakeLimactl } from '../support/fake-limactl.ts';
import { buildImage } from '../support/images.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { type BridgeBench, bridgeBench, childOf, eventually } from './support/bridge-bench.ts';
import { expectError } from './support/expectations.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { workbench } from './support/workbench.ts';

const isLinux = process.platform === 'linux';

/** What a bridge writes only for as long as it lives. */
async function traces({ machine }: BridgeBench): Promise<readonly string[]> {
  const names = await readdir(machine.path);
  const kept = /^(?:[\w-]+\.lock|bridge\.log|bridge\.port|native\.json|docker|bin|guest)$/;
  return names.filter((name) => !kept.test(name));
}

/** Whether a process runs: one that nobody waited for does not. */
async function runs(pid = 0): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'x) Z');
  return !/\) [ZX]/.test(text);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function login(token: string): Record<string, string> {
  return { authorization: `Basic ${btoa(`${BRIDGE_USER}:${token}`)}` };
}

test.skipIf(!isLinux)(
  'the bridge outlives the command that started it, and holds none of its streams',
  async () => {
    await using bench = await bridgeBench();
    await bench.ok('vm stop');
    const script = `out=$("$0" vm start 2>&1); echo "ended with $?"`;
    const shell = Bun.spawn(['sh', '-c', script, finchBinary], {
      env: finchEnvironment(bench.home, bench.env),
      stdout: 'pipe',
    });
    expect(await shell.stdout.text()).toBe('ended with 0\n');
    const state = await readState(bench.machine);
    const pid = state?.pid ?? 0;
    expect(await bench.processes()).toEqual([pid]);
    const [, , , , session] = (await readFile(`/proc/${pid}/stat`, 'utf8'))
      .replace(/\(.*\)/, '')
      .split(/ +/);
    expect(Number(session)).toBe(pid);
    await bench.ok('vm stop');
    expect(await bench.processes()).toEqual([]);
    expect(await traces(bench)).toEqual([]);
  },
);

test.skipIf(!isLinux)(
  'the next command removes what a killed bridge left, and the one after it has one again',
  async () => {
    await using bench = await bridgeBench();
    const { pid, port } = await bench.start();
    process.kill(pid, 'SIGKILL');
    await eventually(async () => (await bench.processes()).length === 0);
    expect(await traces(bench)).toContain('creds.sock');
    await bench.ok('vm status');
    expect(await traces(bench)).toEqual([]);
    const again = await bench.start();
    expect(again.pid).not.toBe(pid);
    expect(again.port).toBe(port);
  },
);

test.skipIf(!isLinux)(
  'the bridge ends with its machine, with its folder and with its state',
  async () => {
    const ends: readonly ((bench: BridgeBench) => Promise<unknown>)[] = [
      (bench) => bench.endContainerd(),
      (bench) => rm(bench.machine.path, { recursive: true }),
      (bench) => rm(bench.machine.state),
    ];
    await Promise.all(
      ends.map(async (end) => {
        await using bench = await bridgeBench();
        await bench.start();
        await end(bench);
        await eventually(async () => (await bench.processes()).length === 0);
        expect(existsSync(bench.machine.socket)).toBe(false);
      }),
    );
  },
);

test.skipIf(!isLinux)(
  'wherever a start is killed, the next command leaves nothing of it',
  async () => {
    await using bench = await bridgeBench();
    await bench.ok('vm stop');
    let random = 20261122;
    for (let round = 0; round < 14; round++) {
      random = (random * 1103515245 + 12345) % 2147483648;
      const starting = Bun.spawn([finchBinary, 'vm', 'start'], {
        env: finchEnvironment(bench.home, bench.env),
        ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
      });
      await Bun.sleep(random % 110);
      const bridge = (await childOf(starting.pid)) ?? (await readState(bench.machine))?.pid;
      const victims = [[starting.pid], [bridge], [starting.pid, bridge]][round % 3] ?? [];
      for (const pid of victims) if (pid !== undefined) kill(pid);
      await starting.exited;
      await bench.ok('vm stop --force');
      await eventually(async () => (await bench.processes()).length === 0);
      expect(await traces(bench)).toEqual([]);
    }
    await bench.start();
  },
  60_000,
);

test.skipIf(!isLinux)('a bridge of which nobody said that it is wanted ends', async () => {
  await using bench = await bridgeBench();
  const child = Bun.spawn([finchBinary, 'bridge', 'serve', '--handshake'], {
    env: finchEnvironment(bench.home, bench.env),
    ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
  });
  expect(await child.exited).toBe(0);
  expect(await traces(bench)).toEqual([]);
});

test.skipIf(!isLinux)(
  'a bridge that cannot start says why in the error of the command',
  async () => {
    await using bench = await bridgeBench();
    await bench.ok('images');
    await bench.ok('vm stop');
    await writeFile(join(bench.home, 'store/meta.db'), 'no database');
    const { exitCode, stderr } = await bench.run('vm start');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^finch: cannot start the bridge to the virtual machine: .*meta\.db/m);
    expect(stderr.match(/^hint: /gm)).toHaveLength(1);
    expect(await bench.processes()).toEqual([]);
    expect(await traces(bench)).toEqual([]);
  },
);

test.skipIf(!isLinux)(
  'a home with a long path has its socket in a private folder elsewhere',
  async () => {
    await using bench = await bridgeBench();
    const home = bench.path('h'.repeat(120));
    await bench.ok('vm stop', { home });
    await bench.ok('vm start', { home });
    const state = JSON.parse(await readFile(join(home, 'machine/bridge.json'), 'utf8')) as {
      socket: string;
    };
    expect(state.socket.length).toBeLessThan(104);
    expect((await stat(join(state.socket, '..'))).mode & 0o777).toBe(0o700);
    await bench.ok('vm stop', { home });
    expect(existsSync(join(state.socket, '..'))).toBe(false);
  },
);

test.skipIf(!isLinux)(
  'its files are for programs in the machine, and hold the way to it',
  async () => {
    await using bench = await bridgeBench();
    const { port, token } = await bench.start();
    const { machine } = bench;
    const hosts = join(machine.hosts, '_default/hosts.toml');
    expect(await readFile(hosts, 'utf8')).toBe(
      hostsFile(`http://127.0.0.1:${port}`, { capabilities: ['pull', 'resolve'], token }),
    );
    expect(JSON.parse(await readFile(join(machine.dockerConfig, 'config.json'), 'utf8'))).toEqual({
      credsStore: 'finch',
    });
    for (const path of [machine.state, hosts, machine.socket, machine.log]) {
      expect((await stat(path)).mode & 0o077).toBe(0);
    }
    expect((await stat(machine.path)).mode & 0o777).toBe(0o700);
  },
);

test.skipIf(!isLinux)(
  'both helpers give the login of the bridge and those of the user',
  async () => {
    await using bench = await bridgeBench();
    const { port, token, socket } = await bench.start();
    await bench.ok('credential store', {
      stdin: JSON.stringify({
        ServerURL: 'registry.example',
        Username: 'testUser',
        Secret: CANARY,
      }),
    });
    const helpers = [
      join(bench.machine.nativeBin, 'docker-credential-finch'),
      join(bench.machine.guestBin, 'docker-credential-finch'),
    ];
    for (const helper of helpers) {
      const ask = async (action: string, stdin: string) => {
        const child = Bun.spawn([helper, action], {
          env: finchEnvironment(bench.home, { ...bench.env, FINCH_SOCKET: socket }),
          ...{ stdin: new TextEncoder().encode(stdin), stdout: 'pipe', stderr: 'pipe' },
        });
        return [await child.exited, await child.stdout.text()] as const;
      };
      for (const name of ['127.0.0.1', 'localhost']) {
        const [status, text] = await ask('get', `${name}:${port}\n`);
        expect(status).toBe(0);
        expect(JSON.parse(text)).toEqual({
          ServerURL: `${name}:${port}`,
          Username: BRIDGE_USER,
          Secret: token,
        });
      }
      const [, kept] = await ask('get', 'registry.example');
      expect(
        kept === `{"ServerURL":"registry.example","Username":"testUser","Secret":"${CANARY}"}\n`,
      ).toBe(true);
      for (const unknown of ['other.example', `localhost:${port + 1}`]) {
        expect(await ask('get', unknown)).toEqual([
          1,
          'credentials not found in native keychain\n',
        ]);
      }
    }
  },
);

test.skipIf(!isLinux)(
  'an image of the store is pulled by its own name, and one that is pushed has its own',
  async () => {
    await using bench = await bridgeBench();
    const { port, token } = await bench.start();
    const url = `http://127.0.0.1:${port}/v2`;
    const built = buildImage();
    for (const descriptor of built.order) {
      const body = built.blobs.get(descriptor.digest) ?? new Uint8Array();
      const path = `${url}/registry.example__5000/team/app`;
      const isRoot = descriptor === built.root;
      const response = await fetch(
        isRoot ? `${path}/manifests/1` : `${path}/blobs/uploads/?digest=${descriptor.digest}`,
        {
          method: isRoot ? 'PUT' : 'POST',
          headers: { ...login(token), 'content-type': descriptor.mediaType },
          body,
        },
      );
      expect(response.status).toBe(201);
    }
    expect(await bench.ok('images --format {{.Name}}')).toBe('registry.example:5000/team/app:1\n');
    const pulled = await fetch(`${url}/team/app/manifests/1?ns=registry.example:5000`, {
      headers: login(token),
    });
    expect(pulled.headers.get('docker-content-digest')).toBe(built.root.digest);
    const elsewhere = await fetch(`${url}/team/app/manifests/1?ns=docker.io`, {
      headers: login(token),
    });
    expect(elsewhere.status).toBe(404);
  },
);

test.skipIf(!isLinux)(
  'the bridge ends when the host agent of Lima is killed, and the next command has the machine up again',
  async () => {
    await using lima = await temporaryFolder();
    const fake = await fakeLimactl(lima.path);
    await using bench = await bridgeBench({
      PATH: `${fake.folder}:/usr/bin:/bin`,
      LIMA_HOME: fake.limaHome,
    });
    await bench.ok('vm init');
    const state = await readState(bench.machine);
    expect(state?.hostAddress).toBe('192.168.5.2');
    expect(await runs(state?.pid)).toBe(true);
    kill((await fake.hostAgent()) ?? 0);
    await eventually(async () => !(await runs(state?.pid)));
    expect(await traces(bench)).toEqual([]);
    await bench.ok('vm remove --force');
    expect(await traces(bench)).toEqual([]);
  },
);

test('the command that finch runs itself is in no help', async () => {
  await using bench = await workbench();
  expect(await bench.ok('--help')).not.toContain('bridge');
  expectError(await bench.fails('bridge'), /unknown command/);
  expect(await bench.ok('bridge serve --help')).toContain('finch starts and ends it itself');
});

test.skipIf(!isLinux)(
  'for the engine, the logins beside the caller come from where the caller said',
  async () => {
    await using bench = await workbench();
    const auth = Buffer.from(`testUser:${CANARY}`).toString('base64');
    await mkdir(bench.path('given'));
    await writeFile(
      bench.path('given/config.json'),
      JSON.stringify({ auths: { 'a.example': { auth } } }),
    );
    await symlink(finchBinary, bench.path('docker-credential-finch'));
    const ask = async (env: Record<string, string>) => {
      const child = Bun.spawn([bench.path('docker-credential-finch'), 'get'], {
        env: finchEnvironment(bench.home, { DOCKER_CONFIG: bench.path('engine'), ...env }),
        ...{ stdin: new TextEncoder().encode('a.example'), stdout: 'ignore', stderr: 'ignore' },
      });
      return child.exited;
    };
    expect(await ask({})).toBe(1);
    expect(await ask({ FINCH_DOCKER_CONFIG: bench.path('given') })).toBe(0);
  },
);
