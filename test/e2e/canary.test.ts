import { describe, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { writeHelloFinch } from '../demo/hello-finch.ts';
import { CANARY } from '../support/canary.ts';
import { makeAuthority } from '../support/certificates.ts';
import { registryErrorBody, startFakeRegistry } from '../support/fake-registry.ts';
import { writeHelper } from '../support/helper-programs.ts';
import { startProxy } from '../support/proxy.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { asking, basic, careless } from './support/careless-registry.ts';
import { finchOnTerminal } from './support/dialogue.ts';
import { installHelper } from './support/helper-install.ts';
import { areHere } from './support/program.ts';
import { failing, gives, login, passwordFiles, quiet, watch } from './support/seen.ts';
import { mayWatch, readTraces, tracer, watched } from './support/watched.ts';
import { type Workbench, workbench } from './support/workbench.ts';

/** Loads a small image under a name that leads to a registry. */
async function loadImage(bench: Workbench, host: string): Promise<string> {
  const name = `${host}/app:1`;
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -q -i hello-finch.tar');
  await bench.ok(`tag hello-finch ${name}`);
  return name;
}

/** The `config.json` of a bench's home, as {@link passwordFiles} names it. */
function configOf({ home }: Workbench): string {
  return `${basename(home)}/config.json 600`;
}

test.skipIf(!mayWatch)('a program that gives the password away is seen at it', async () => {
  await using bench = await workbench();
  const script = [
    'umask 022; read -r p; echo "$p"; echo "$p" >file',
    'env true "$p"; P="$p" env true; printf "%s" "me:$p" | base64 -w 0 >coded',
  ].join('; ');
  const options = { home: bench.home, cwd: bench.folder, stdin: `${CANARY}\n` };
  const seen = await watched(['-c', script], { ...options, program: '/bin/sh' });
  expect([gives(seen.stdout), gives(seen.stderr)]).toEqual([true, false]);
  const places = ['argv of env', 'argv of true', 'env of env', 'env of true', 'stdout'];
  expect(seen.places).toEqual([bench.path('file'), ...places]);
  expect(await passwordFiles(bench.folder)).toEqual(['coded 644', 'file 644']);
});

describe.skipIf(!mayWatch)('the password goes to its registry and where it is kept only', () => {
  test('from a login to a logout', async () => {
    await using bench = await workbench();
    await using registry = careless('basic');
    await using second = careless('basic');
    const { host } = registry;
    const name = await loadImage(bench, host);
    for (const [args, stdin, seen] of [
      [['login', '-u', 'me', '-p', CANARY, host], '', quiet('config.json', 'socket')],
      [['login', host], '', quiet('socket')],
      [['push', name], '', quiet('socket')],
      [['rmi', name], '', quiet()],
      [['pull', name], '', quiet('socket')],
      [['login', '--list'], '', quiet()],
      [['credential', 'get'], host, quiet('stdout')],
      [['login', '-u', 'other', '-p', CANARY, host], '', failing('socket')],
      [login(second.host), `${CANARY}\n`, quiet('config.json', 'socket')],
      // What stays is the login of the second one.
      [['logout', host], '', quiet('config.json')],
    ] as const) {
      expect([args[0], await watch(bench, args, { stdin })]).toEqual([args[0], seen]);
    }
    expect(await passwordFiles(bench.folder)).toEqual([configOf(bench)]);
    expect(await watch(bench, ['logout', second.host])).toEqual(quiet());
    expect(await passwordFiles(bench.folder)).toEqual([]);
  });

  test.each(['token by GET', 'token by POST'] as const)('with a %s', async (way) => {
    await using bench = await workbench();
    await using registry = careless(way);
    const name = await loadImage(bench, registry.host);
    const accepted = await watch(bench, login(registry.host), { stdin: CANARY });
    expect(accepted).toEqual(quiet('config.json', 'socket'));
    expect(await watch(bench, ['push', name])).toEqual(quiet('socket'));
  });

  test.each(['basic', 'token by GET', 'token by POST'] as const)(
    'when it is refused and repeated, with %s',
    async (way) => {
      await using bench = await workbench();
      await using registry = careless(way, { password: 'another' });
      const { host } = registry;
      expect(await watch(bench, login(host), { stdin: CANARY })).toEqual(failing('socket'));
      const auths = { [host]: { auth: basic.replace('Basic ', '') } };
      await Bun.write(join(bench.home, 'config.json'), JSON.stringify({ auths }));
      expect(await watch(bench, ['pull', `${host}/app:1`])).toEqual(failing('socket'));
    },
  );

  test('when it is typed', async () => {
    await using bench = await workbench();
    await using registry = careless('basic');
    await using traces = await temporaryFolder();
    const { home } = bench;
    const { screen, exitCode } = await finchOnTerminal(['--debug', 'login', registry.host], {
      ...{ home, cwd: bench.folder, under: tracer(traces.path) },
      env: { FINCH_DEBUG: bench.path('debug.log') },
      answers: [
        { when: 'Enter Username: ', type: 'me\n' },
        { when: 'Enter Password: ', type: `${CANARY}\n` },
      ],
    });
    const { places, programs } = await readTraces(traces.path, { home });
    const seen = { exitCode, places, programs, tells: gives(screen) };
    expect(seen).toEqual(quiet('config.json', 'socket'));
  });

  test('when a header of hosts.toml or config.json holds it', async () => {
    await using bench = await workbench();
    const secret = encodeURIComponent(CANARY);
    await using registry = startFakeRegistry({
      script: ({ headers }) => registryErrorBody(403, 'DENIED', `no: ${headers.get('x-key')}`),
    });
    const { host, origin } = registry;
    const certs = join(bench.home, 'certs.d', host);
    await mkdir(certs, { recursive: true });
    await Bun.write(join(certs, 'hosts.toml'), `[host."${origin}".header]\nx-key = "${secret}"\n`);
    const HttpHeaders = { 'x-key': secret };
    await Bun.write(join(bench.home, 'config.json'), JSON.stringify({ HttpHeaders }));
    for (const args of [['pull', `${host}/app:1`], login(host)]) {
      expect(await watch(bench, args, { stdin: 'another' })).toEqual(failing('socket'));
    }
  });

  test.skipIf(!areHere('openssl'))('when it is the password of a proxy', async () => {
    await using bench = await workbench();
    const tls = await makeAuthority(bench.folder, { names: 'DNS:registry.invalid' });
    await using registry = startFakeRegistry({ tls });
    const port = Number(registry.host.split(':')[1]);
    await using open = await startProxy({ port, login: `me:${CANARY}` });
    await using closed = await startProxy({ port, login: 'me:another' });
    for (const [proxy, seen] of [
      [open, quiet('socket')],
      [closed, failing('socket')],
    ] as const) {
      const HTTPS_PROXY = `http://me:${encodeURIComponent(CANARY)}@${proxy.host}`;
      const env = { HTTPS_PROXY, SSL_CERT_FILE: tls.ca };
      const stdin = 'another';
      expect(await watch(bench, login('registry.invalid'), { env, stdin })).toEqual(seen);
    }
    expect(await passwordFiles(bench.folder)).toEqual([]);
  });
});

describe.skipIf(!mayWatch)('a credential helper gets the password on its stdin only', () => {
  /** A bench with the helper `x`, in whose scripts the password is that of the file `secret`. */
  async function helperBench(script: string) {
    const bench = await workbench();
    const secret = bench.path('secret');
    await writeFile(secret, CANARY, { mode: 0o600 });
    await writeHelper(bench.path('bin'), 'x', script.replaceAll('SECRET', secret));
    await Bun.write(join(bench.home, 'config.json'), '{"credsStore": "x"}');
    return {
      ...bench,
      env: { PATH: `${bench.path('bin')}${delimiter}${process.env['PATH']}` },
    };
  }

  test('and gives it on its stdout', async () => {
    const script = `case $1 in
list) echo '{}' ;;
get) read -r server; printf '{"ServerURL":"%s","Username":"me","Secret":"' "$server"; cat SECRET; echo '"}' ;;
*) cat >/dev/null ;;
esac`;
    await using bench = await helperBench(script);
    await using registry = careless('basic');
    const { env } = bench;
    const { host } = registry;
    const name = await loadImage(bench, host);
    const programs = ['cat', 'docker-credential-x'];
    for (const [args, stdin, places] of [
      [login(host), CANARY, ['pipe', 'socket']],
      [['push', name], '', ['socket']],
      [['credential', 'get'], host, ['stdout']],
      [['logout', host], '', []],
    ] as const) {
      const seen = { ...quiet(...places), programs };
      expect([args[0], await watch(bench, args, { env, stdin })]).toEqual([args[0], seen]);
    }
    expect(await passwordFiles(bench.folder)).toEqual(['secret 600']);
  });

  test('and is not quoted when it fails and prints it', async () => {
    await using bench = await helperBench('cat SECRET >&2; exit 1');
    await using registry = asking();
    const { env } = bench;
    const programs = ['cat', 'docker-credential-x'];
    const pull = await watch(bench, ['pull', `${registry.host}/app:1`], { env });
    expect(pull).toEqual({ ...failing(), programs });
    const kept = await watch(bench, login(registry.host), { env, stdin: CANARY });
    expect(kept).toEqual({ ...quiet('config.json', 'pipe', 'socket'), programs });
  });

  test('which finch is too', async () => {
    await using bench = await workbench();
    const { PATH } = await installHelper(bench.path('bin'));
    const program = bench.path('bin/docker-credential-finch');
    const env = { PATH };
    const one = { ServerURL: 'r.invalid', Username: 'me', Secret: CANARY };
    for (const [action, stdin, seen] of [
      ['store', JSON.stringify(one), quiet('config.json')],
      ['store', JSON.stringify({ ...one, ServerURL: `https://me:${CANARY}@r/` }), failing()],
      ['store', JSON.stringify(one).slice(0, -1), failing()],
      ['get', 'r.invalid', quiet('stdout')],
      ['get', `https://me:${CANARY}@r.invalid`, failing()],
      ['list', '', quiet()],
      ['erase', 'r.invalid', quiet()],
    ] as const) {
      const got = await watch(bench, [action], { program, env, stdin });
      expect([action, got]).toEqual([action, seen]);
    }
    expect(await passwordFiles(bench.folder)).toEqual([]);
  });
});
