import { expect, test } from 'bun:test';
import { existsSync, readdirSync } from 'node:fs';
import {
  chmod,
  chown,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { BRIDGE_USER } from '../../src/bridge/bridge.ts';
import { readState, writeState } from '../../src/bridge/bridge-state.ts';
import { hostsFile } from '../../src/bridge/hosts-file.ts';
import { CANARY } from '../support/canary.ts';
import { fakeLimactl } from '../support/fake-limactl.ts';
import { buildImage } from '../support/images.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { type BridgeBench, bridgeBench, childOf, eventually } from './support/bridge-bench.ts';
import { expectError } from './support/expectations.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { areHere } from './support/program.ts';
import { workbench } from './support/workbench.ts';

const isLinux = process.platform === 'linux';

/** What a bridge writes only for as long as it lives. */
async function traces({ machine }: BridgeBench): Promise<readonly string[]> {
  const names = await readdir(machine.path);
  const kept =
    /^(?:[\w-]+\.lock|bridge\.log|bridge\.port|native\.json|started\.json|docker|bin|guest)$/;
  return names.filter((name) => !kept.test(name));
}

/** Files that are there only while somebody writes them, and sockets. */
const PASSING = /\.tmp$|\.new$|x\.tar|creds\.sock$|store\/(?:ingest|uploads|trash)\/./;

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' });
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
  'wherever a command is killed, or what it started, the next one leaves nothing of it',
  async () => {
    await using bench = await bridgeBench();
    await bench.ok('vm stop');
    await Bun.write(bench.path('context/Dockerfile'), 'FROM scratch');
    const lines = [
      ...['vm start', 'vm stop', 'vm start', 'vm remove', 'run x', 'images'],
      ...[`build -t x:1 ${bench.path('context')}`, `save -o ${bench.path('x.tar')} x:1`],
    ];
    let random = 20261122;
    for (let round = 0; round < 24; round++) {
      random = (random * 1103515245 + 12345) % 2147483648;
      const line = lines[round % lines.length] ?? '';
      const command = Bun.spawn([finchBinary, ...line.split(' ')], {
        env: finchEnvironment(bench.home, bench.env),
        ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
      });
      await Bun.sleep(random % 110);
      const others = [await childOf(command.pid), (await readState(bench.machine))?.pid];
      const victims = [[command.pid], others, [command.pid, ...others]][round % 3] ?? [];
      for (const pid of victims) if (pid !== undefined) kill(pid);
      await command.exited;
      // It fails where there is no machine any more, and tidies all the same.
      await bench.run('vm stop --force');
      await eventually(async () => (await bench.processes()).length === 0);
      expect(await traces(bench)).toEqual([]);
      expect(filesBelow(bench.path('.')).filter((name) => PASSING.test(name))).toEqual([]);
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

test.skipIf(!isLinux || !areHere('curl'))(
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
  'the engine gets the logins that finch pull has, docker’s and podman’s too, and docker only finch’s own',
  async () => {
    await using bench = await workbench();
    const auth = Buffer.from(`testUser:${CANARY}`).toString('base64');
    const places = {
      'given/config.json': 'given.example',
      '.docker/config.json': 'docker.example',
      '.config/containers/auth.json': 'podman.example',
    };
    for (const [path, host] of Object.entries(places)) {
      const text = JSON.stringify({ auths: { [host]: { auth } }, credsStore: 'finch' });
      await Bun.write(bench.path(path), text);
    }
    await symlink(finchBinary, bench.path('docker-credential-finch'));
    const answers = async (env: Record<string, string>) => {
      const ask = async (host: string) => {
        const child = Bun.spawn([bench.path('docker-credential-finch'), 'get'], {
          env: finchEnvironment(bench.home, {
            ...{ HOME: bench.path('.'), PATH: `${bench.path('.')}:/usr/bin:/bin` },
            ...{ DOCKER_CONFIG: bench.path('engine'), ...env },
          }),
          ...{ stdin: new TextEncoder().encode(host), stdout: 'ignore', stderr: 'ignore' },
        });
        return (await child.exited) === 0 ? [host] : [];
      };
      return (await Promise.all(Object.values(places).map(ask))).flat();
    };
    expect(await answers({})).toEqual([]);
    expect(await answers({ FINCH_DOCKER_CONFIG: bench.path('given') })).toEqual([
      'given.example',
      'podman.example',
    ]);
    expect(await answers({ FINCH_DOCKER_CONFIG: '' })).toEqual([
      'docker.example',
      'podman.example',
    ]);
  },
);

test.skipIf(!isLinux)('the socket gives the logins of docker, too', async () => {
  await using bench = await bridgeBench();
  const auth = Buffer.from(`testUser:${CANARY}`).toString('base64');
  const text = JSON.stringify({ auths: { 'docker.example': { auth } }, credsStore: 'finch' });
  await Bun.write(bench.path('user/.docker/config.json'), text);
  await bench.ok('vm stop --force');
  await bench.ok('vm start', { env: { HOME: bench.path('user') } });
  const { socket } = bench.machine;
  const ask = async (body: string) =>
    (await fetch('http://localhost/get', { method: 'POST', body, unix: socket })).status;
  expect(await ask('docker.example')).toBe(200);
  expect(await ask('other.example')).toBe(404);
});

test.skipIf(!isLinux)(
  'a bridge whose program was moved gives way, and its helper leads to the program again',
  async () => {
    await using bench = await bridgeBench();
    const { pid } = await bench.start();
    const link = join(bench.machine.nativeBin, 'docker-credential-finch');
    await rm(link);
    await symlink(bench.path('moved'), link);
    // What needs the bridge sees to it.
    await bench.run('ps');
    expect((await readState(bench.machine))?.pid).not.toBe(pid);
    expect(await readlink(link)).toBe(finchBinary);
  },
);

test.skipIf(!isLinux || process.getuid?.() !== 0)(
  'who finds the folder of the machine as root left it is told how to take it back',
  async () => {
    await using bench = await bridgeBench();
    await bench.start();
    await bench.ok('vm stop');
    await chmod(bench.path('.'), 0o755);
    const user = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    await chown(bench.home, 65534, 65534);
    const child = Bun.spawn([...user, finchBinary, 'vm', 'start'], {
      env: finchEnvironment(bench.home, bench.env),
      ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' },
    });
    expect(await child.exited).toBe(1);
    expect(await child.stderr.text()).toMatch(
      /^finch: cannot lock .*: another user owns .*\/machine\nhint: .*sudo chown -R .*\/machine\n$/,
    );
  },
);

test.skipIf(!isLinux)('a process that has the number of a killed bridge is not ended', async () => {
  await using bench = await bridgeBench();
  const state = await bench.start();
  kill(state.pid);
  await eventually(async () => (await bench.processes()).length === 0);
  const other = Bun.spawn(['sleep', '100']);
  try {
    for (let round = 0; round < 3; round++) {
      await writeState(bench.machine, { ...state, pid: other.pid });
      // All of them clear what the killed one left, and hold its lock for that.
      const looking = ['vm status', 'vm stop --force', 'vm status', 'vm status'];
      await Promise.all(looking.map((line) => bench.run(line)));
    }
    expect(await runs(other.pid)).toBe(true);
  } finally {
    other.kill('SIGKILL');
  }
});

test.skipIf(!isLinux)(
  'a bridge to which others connect without a login lives on, and is not out of files for good',
  async () => {
    await using bench = await bridgeBench();
    await bench.ok('vm stop --force');
    const starting = Bun.spawn(['sh', '-c', 'ulimit -n 96; exec "$0" vm start', finchBinary], {
      env: finchEnvironment(bench.home, bench.env),
      ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
    });
    expect(await starting.exited).toBe(0);
    const state = await readState(bench.machine);
    const strangers = await Promise.all(Array.from({ length: 90 }, () => stranger(state?.port)));
    // It looks for its machine each second, and ends when it does not find it twice.
    const enough = performance.now() + 3500;
    await eventually(async () => performance.now() > enough || !(await runs(state?.pid)));
    expect(await runs(state?.pid)).toBe(true);
    for (const socket of strangers) socket.destroy();
    await bench.ok('vm status');
    const answer = await fetch(`http://127.0.0.1:${state?.port}/v2/`, {
      headers: login(state?.token ?? ''),
    });
    expect(answer.status).toBe(200);
  },
  60_000,
);

/** Connects to a port, and says nothing. */
async function stranger(port = 0): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {}).resume();
  await new Promise<void>((connected) => socket.on('connect', connected));
  return socket;
}
