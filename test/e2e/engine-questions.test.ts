import { describe, expect, test } from 'bun:test';
import { buildImage, layerTar } from '../support/images.ts';
import { writeOciArchive } from './support/archives.ts';
import { expectError } from './support/expectations.ts';
import { type EngineBench, engineBench } from './support/fake-engine.ts';

const ANSWERS = `case "$*" in
'version --format json') cat <<'END'
{"Client":{"Version":"v2.2.2","GitCommit":"aaa","GoVersion":"go1","Os":"linux","Arch":"arm64","Components":[{"Name":"buildctl","Version":"v0.28.1","Details":{"GitCommit":"bbb"}}]},"Server":{"Components":[{"Name":"containerd","Version":"v2.2.1","Details":{"GitCommit":"ccc"}},{"Name":"runc","Version":"1.4.0","Details":{"GitCommit":"v1.4.0-0-gddd"}}]}}
END
;;
'info --format json') echo '{"OSType":"linux","Architecture":"aarch64","NCPU":4,"Plugins":{"Storage":["overlayfs"]}}'; echo 'WARNING: no swap limit' >&2 ;;
info) printf 'Client:\\n Namespace:\\tfinch\\n\\nServer:\\n OSType:           linux\\n\\n' ;;
'system prune --force'*) echo "pruned: $*" ;;
'image ls'*) ;;
'ps --all'*) echo docker.io/library/used:1 ;;
*) echo "unexpected: $*" >&2; exit 9 ;;
esac`;

/** Loads an image of its own for each name. */
async function seedImages(bench: EngineBench, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const built = buildImage({ layers: [layerTar(`only in ${name}`)] });
    const path = await writeOciArchive(bench.path('image.tar'), name, built);
    await bench.ok(['load', '-i', path]);
  }
}

async function stopped(bench: EngineBench): Promise<void> {
  await bench.ok('vm stop');
}

describe('finch version', () => {
  test('shows the programs in the machine', async () => {
    await using bench = await engineBench();
    await bench.act(ANSWERS);
    const [client = '', server] = (await bench.ok('version')).split('\n\n');
    expect(client).toMatch(
      /^Client:\n Version:\tv\d+\.\d+\.\d+\S*\n GitCommit:\t\S+\n OS\/Arch:\t\S+\n/,
    );
    expect(client.split('\n').slice(4)).toEqual([
      ...[' nerdctl:', '  Version:\tv2.2.2', '  GitCommit:\taaa'],
      ...[' buildctl:', '  Version:\tv0.28.1', '  GitCommit:\tbbb'],
    ]);
    expect(server).toBe(
      'Server:\n containerd:\n  Version:\tv2.2.1\n  GitCommit:\tccc\n runc:\n  Version:\t1.4.0\n  GitCommit:\tv1.4.0-0-gddd\n',
    );
    const format = '{{(index .Server.Components 0).Version}} {{(index .Client.Components 0).Name}}';
    expect(await bench.ok(['version', '--format', format])).toBe('v2.2.1 nerdctl\n');
  });

  test('shows itself when the machine does not run, and does not start it', async () => {
    await using bench = await engineBench();
    await stopped(bench);
    const { stdout, stderr, exitCode } = await bench.run('version');
    expect([stdout.split('\n').length, exitCode]).toEqual([5, 0]);
    expect(stderr).toBe('detailed version info is unavailable because VM is not running\n');
    const asked = await bench.run(['version', '--format', '{{.Client.Version}}']);
    expect(asked.stdout).toMatch(/^v\d+\.\d+\.\d+\S*\n$/);
    expect([asked.stderr, asked.exitCode]).toEqual(['', 0]);
    expect(await bench.ok('vm status')).toContain('Stopped');
  });

  test('shows itself when nerdctl answers nonsense', async () => {
    await using bench = await engineBench();
    for (const script of ['echo no', 'echo "{"', 'echo oh >&2; exit 1', 'echo "[]"', 'true']) {
      await bench.act(script);
      const { stdout, stderr, exitCode } = await bench.run('version');
      expect([script, stdout.split('\n').length, exitCode]).toEqual([script, 5, 0]);
      expect(stderr).toStartWith('detailed version info is unavailable: ');
    }
  });
});

describe('finch info', () => {
  test('shows what nerdctl says, and then what finch knows', async () => {
    await using bench = await engineBench();
    await bench.act(ANSWERS);
    const { stdout, stderr } = await bench.run('info');
    expect(stdout).toStartWith(
      'Client:\n Namespace:\tfinch\n\nServer:\n OSType:           linux\n\nFinch:\n',
    );
    expect(stdout).toContain(` Store:            ${bench.home}/store\n Images:           0\n`);
    expect(stdout).toEndWith(' Machine:          Running (native)\n');
    expect(stderr).toBe('WARNING: no swap limit\n');
  });

  test('counts the images of both sides, each once, and tells what nerdctl itself calls things', async () => {
    await using bench = await engineBench();
    const row = (name: string) =>
      JSON.stringify({ Name: name, Digest: `sha256:${'a'.repeat(64)}`, Platform: 'linux/amd64' });
    const rows = ['docker.io/library/here:1', 'docker.io/library/there:1'].map(row).join('\n');
    await bench.act(`case "$*" in
'info --mode native --format json') echo '{"Namespace":"finch"}' ;;
'image ls'*) cat <<'END'
${rows}
END
;;
*) echo '{}' ;;
esac`);
    const coming = `engine.invalid/${'0'.repeat(32)}/app:1`;
    await seedImages(bench, ['docker.io/library/here:1', 'docker.io/library/only:1', coming]);
    await bench.ok('ps');
    const format = '{{.Finch.Images}} {{.Namespace}}';
    expect(await bench.ok(['info', '--mode', 'native', '-f', format])).toBe('3 finch\n');
    expectError(await bench.fails('info --mode odd'), 'unknown mode: odd');
  });

  test('answers what scripts ask, also by its other name', async () => {
    await using bench = await engineBench();
    await bench.act(ANSWERS);
    const format = '{{.OSType}} {{.Architecture}} {{.NCPU}} {{.Finch.Machine.Status}}';
    for (const words of [['info'], ['system', 'info']]) {
      expect(await bench.ok([...words, '--format', format])).toBe('linux aarch64 4 Running\n');
    }
    expect(JSON.parse(await bench.ok('info --format json'))).toMatchObject({
      ...{ OSType: 'linux', Finch: { Home: bench.home, Images: 0 } },
    });
  });

  test('shows what finch knows when the machine does not run', async () => {
    await using bench = await engineBench();
    await stopped(bench);
    const { stdout, exitCode } = await bench.run(['info', '-f', '{{.OSType}}']);
    expect([stdout, exitCode]).toEqual(['linux\n', 0]);
    expect(await bench.ok('info')).toStartWith('Finch:\n');
    expect(await bench.ok('vm status')).toContain('Stopped');
  });
});

describe('finch system prune', () => {
  const QUESTION =
    'WARNING! This will remove:\n  - all stopped containers\n  - all networks not used by at least one container\n  - all dangling images\n  - all dangling build cache\nAre you sure you want to continue? [y/N] ';

  test('asks, and removes only after a y', async () => {
    await using bench = await engineBench();
    await bench.act(ANSWERS);
    for (const stdin of ['n\n', '\n', '', 'yes\n', 'N', 'ny']) {
      expect([stdin, await bench.ok('system prune', { stdin })]).toEqual([stdin, QUESTION]);
    }
    for (const stdin of ['y\n', 'Y', ' y \r\n']) {
      expect(await bench.ok('system prune', { stdin })).toBe(
        `${QUESTION}pruned: system prune --force\nTotal reclaimed space: 0B\n`,
      );
    }
  });

  test('says what more goes with --all and --volumes', async () => {
    await using bench = await engineBench();
    expect(await bench.ok('system prune -a --volumes', { stdin: 'n\n' })).toBe(
      'WARNING! This will remove:\n  - all stopped containers\n  - all networks not used by at least one container\n  - all volumes not used by at least one container\n  - all images without at least one container associated to them\n  - all build cache\nAre you sure you want to continue? [y/N] ',
    );
  });

  test('keeps what has a name, and with --all what a container uses', async () => {
    await using bench = await engineBench();
    await bench.act(ANSWERS);
    await seedImages(bench, ['docker.io/library/used:1', 'docker.io/library/unused:1']);
    await bench.ok('system prune --force');
    const names = ['images', '--format', '{{.Repository}}:{{.Tag}}'];
    expect((await bench.ok(names)).split('\n').toSorted()).toEqual(['', 'unused:1', 'used:1']);
    const said = await bench.ok('system prune --all --force');
    expect(said).toStartWith('pruned: system prune --force --all\nDeleted Images:\nUntagged: ');
    expect(said).toMatch(/Untagged: docker.io\/library\/unused:1@sha256:[0-9a-f]{64}\n\n/);
    expect(said).toMatch(/\nTotal reclaimed space: [1-9]/);
    expect(await bench.ok(names)).toBe('used:1\n');
  });

  test('keeps with --all the image that a container uses, which its name may not stand for here', async () => {
    await using bench = await engineBench();
    await bench.act(ANSWERS);
    await seedImages(bench, ['docker.io/library/used:1', 'docker.io/library/other:1']);
    const id = (await bench.ok('images -q --no-trunc other')).trim();
    const inspected = `echo 'docker.io/library/used:1 ${id} 1'`;
    await bench.act(`case "$*" in 'image inspect'*) ${inspected} ;; *) ${ANSWERS} ;; esac`);
    await bench.ok('system prune --all --force');
    expect(await bench.ok(['images', '--format', '{{.Repository}}:{{.Tag}}'])).toBe('other:1\n');
  });

  test('removes no image of finch when nerdctl fails', async () => {
    await using bench = await engineBench();
    await seedImages(bench, ['docker.io/library/unused:1']);
    await bench.act('echo "it broke" >&2; exit 4');
    const stderr = await bench.fails('system prune --all --force');
    expectError(stderr, 'nerdctl system prune ended with exit status 4');
    expect(await bench.ok('images -q')).not.toBe('');
  });

  test('knows no containers while the machine is stopped, so it keeps every name', async () => {
    await using bench = await engineBench();
    await seedImages(bench, ['docker.io/library/unused:1']);
    await stopped(bench);
    expectError(
      await bench.fails('system prune --all --force'),
      'the machine does not run, so nobody knows which images containers use',
      'run `finch vm start` first, or leave out --all',
    );
    expect(await bench.ok('system prune --force')).toBe('Total reclaimed space: 0B\n');
    // Containers outlive a machine that is only said to be gone.
    await bench.ok('vm remove --force');
    expectError(
      await bench.fails('system prune --all --force'),
      'the machine does not run, so nobody knows which images containers use',
      'remove images by name with: finch rmi',
    );
    expect(await bench.ok('images -q')).not.toBe('');
  });
});
