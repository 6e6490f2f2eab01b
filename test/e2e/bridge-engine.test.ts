import { expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writePushHosts } from '../../src/bridge/push-hosts.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { busyboxImage } from '../support/engine/busybox-image.ts';
import { canRunEngine } from '../support/engine/can-run-engine.ts';
import { startEngine } from '../support/engine/start-engine.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { writeOciArchive } from './support/archives.ts';
import { bridgeBench, eventually } from './support/bridge-bench.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { namesIn } from './support/home-contents.ts';

test.skipIf(!canRunEngine)(
  'an image of the store is in the engine with one pull, and one of the engine in the store with one push',
  async () => {
    await using folder = await temporaryFolder();
    await using engine = await startEngine(folder.path);
    await using bench = await bridgeBench(engine.env);
    const bridge = await bench.start();
    const { hosts, dockerConfig, nativeBin } = bench.machine;
    const here = await busyboxImage({ says: 'from the store' });
    await writeOciArchive(bench.path('here.tar'), 'docker.io/library/here:1', here);
    await bench.ok(`load -i ${bench.path('here.tar')}`);
    const env = {
      ...{ DOCKER_CONFIG: dockerConfig, FINCH_HOME: bench.home },
      PATH: `${nativeBin}:${engine.env['PATH']}`,
    };
    await engine.ok(['--hosts-dir', hosts, 'pull', 'here:1'], { env });
    const listed = await engine.ok(['images', '--no-trunc', '--format', '{{.Digest}}', 'here:1']);
    expect(listed.trim()).toBe(here.root.digest);
    expect(await engine.ok(['run', '--rm', '--net', 'none', 'here:1'])).toBe('from the store\n');

    const there = await busyboxImage({ says: 'from the engine' });
    const names = [
      'docker.io/team/there:1',
      'registry.example:5000/there:2',
      'other.example/a/b:3',
    ];
    for (const name of names) {
      await writeOciArchive(bench.path('there.tar'), name, there);
      await engine.ok(['load', '-i', bench.path('there.tar')]);
      const { registry } = parseReference(name);
      const push = await writePushHosts(bench.home, { registry, bridge, hostAddress: '127.0.0.1' });
      await engine.ok(['--hosts-dir', push, 'push', '--all-platforms', name], { env });
    }
    expect(await namesIn(bench.home)).toMatchObject({
      'here:1': here.root.digest,
      ...Object.fromEntries(
        names.map((name) => [name.replace(/^docker\.io\//, ''), there.root.digest]),
      ),
    });
  },
  60_000,
);

test.skipIf(!canRunEngine)(
  'what a killed finch had begun to bring from the engine is refused, and nothing of it stays',
  async () => {
    await using folder = await temporaryFolder();
    await using engine = await startEngine(folder.path);
    await using bench = await bridgeBench(engine.env);
    await bench.start();
    const name = 'registry.invalid/app:1';
    await writeOciArchive(bench.path('app.tar'), name, await busyboxImage());
    await engine.ok(['load', '-i', bench.path('app.tar')]);
    const begun = bench.path('begun');
    const go = bench.path('go');
    const said = bench.path('said');
    await mkdir(bench.path('bin'));
    await writeFile(
      bench.path('bin/nerdctl'),
      `#!/bin/sh
PATH='${engine.env['PATH']}'
case "$*" in
*push*)
  touch '${begun}'
  while [ ! -e '${go}' ]; do sleep 0.05; done
  nerdctl "$@" >'${said}' 2>&1
  echo "ended with $?" >>'${said}'
  ;;
*) exec nerdctl "$@" ;;
esac
`,
    );
    await chmod(bench.path('bin/nerdctl'), 0o755);
    const child = Bun.spawn([finchBinary, 'tag', name, 'app:1'], {
      env: finchEnvironment(bench.home, {
        ...engine.env,
        PATH: `${bench.path('bin')}:${engine.env['PATH']}`,
      }),
      ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
    });
    await eventually(() => existsSync(begun));
    child.kill('SIGKILL');
    await child.exited;
    await eventually(() => !existsSync(join(bench.machine.path, 'fetch.id')));
    await writeFile(go, '');
    const saying = () => (existsSync(said) ? readFileSync(said, 'utf8') : '');
    await eventually(() => saying().includes('ended with'));
    expect(saying()).toMatch(/ 400 Bad Request[\s\S]*ended with 1\n$/);
    expect(await bench.ok('store verify')).toStartWith('0 names, 0 blobs');
  },
  60_000,
);

test.skipIf(!canRunEngine)(
  'names that killed builds left in the engine are gone when the machine is started again',
  async () => {
    await using folder = await temporaryFolder();
    await using engine = await startEngine(folder.path);
    await using bench = await bridgeBench(engine.env);
    const { port } = await bench.start();
    await writeOciArchive(bench.path('app.tar'), 'registry.invalid/app:1', await busyboxImage());
    await engine.ok(['load', '-i', bench.path('app.tar')]);
    await writeFile(join(bench.machine.path, 'bridge.port'), `${port}\n45999\n`);
    for (const registry of [`127.0.0.1:${port}`, '127.0.0.1:45999', '127.0.0.1:45998']) {
      await engine.ok(['tag', 'registry.invalid/app:1', `${registry}/registry.invalid/app:1`]);
    }
    await bench.ok('vm stop');
    await bench.ok('vm start');
    const names = await engine.ok(['image', 'ls', '--format', '{{.Name}}']);
    expect(names.trimEnd().split('\n').toSorted()).toEqual([
      '127.0.0.1:45998/registry.invalid/app:1',
      'registry.invalid/app:1',
    ]);
  },
  60_000,
);
