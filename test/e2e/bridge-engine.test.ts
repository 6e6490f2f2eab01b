import { expect, test } from 'bun:test';
import { writePushHosts } from '../../src/bridge/push-hosts.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { busyboxImage } from '../support/engine/busybox-image.ts';
import { canRunEngine } from '../support/engine/can-run-engine.ts';
import { startEngine } from '../support/engine/start-engine.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { writeOciArchive } from './support/archives.ts';
import { bridgeBench } from './support/bridge-bench.ts';
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
