import { describe, expect, test } from 'bun:test';
import { shortId } from '../../src/oci/digest.ts';
import { helloFinch, writeHelloFinch } from '../demo/hello-finch.ts';
import { buildImage, layerTar } from '../support/images.ts';
import { writeOciArchive } from './support/archives.ts';
import { expectError } from './support/expectations.ts';
import { readTable } from './support/table.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const { root: hello } = helloFinch();
const here = process.arch === 'x64' ? 'amd64' : 'arm64';

/** Two images and three names: `app:1`, then `hello-finch:latest`, then `registry.example/hello:2`. */
async function benchWithImages(): Promise<Workbench & { readonly app: string }> {
  const bench = await workbench();
  const app = buildImage({
    platform: { os: 'linux', architecture: here },
    layers: [layerTar('app')],
    labels: { team: 'web', stage: 'test' },
  });
  await writeOciArchive(bench.path('app.tar'), 'app:1', app);
  await bench.ok('load -q -i app.tar');
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -q -i hello-finch.tar');
  await bench.ok('tag hello-finch registry.example/hello:2');
  return { ...bench, app: app.root.digest };
}

/** `NAME:TAG` of each row that the arguments leave. */
async function names(bench: Workbench, ...args: readonly string[]): Promise<readonly string[]> {
  const text = await bench.ok(['images', '--format', '{{.Repository}}:{{.Tag}}', ...args]);
  return [...new Set(text.split('\n'))].filter((line) => line !== '');
}

describe('finch images', () => {
  test('is the same as image list and image ls', async () => {
    await using bench = await benchWithImages();
    const args = ['--format', '{{json .Name}} {{.ID}} {{.Platform}} {{.CreatedAt}}'];
    const wanted = await bench.ok(['images', ...args]);
    expect(wanted.trimEnd().split('\n')).toHaveLength(5);
    expect(await bench.ok(['image', 'list', ...args])).toBe(wanted);
    expect(await bench.ok(['image', 'ls', ...args])).toBe(wanted);
  });

  test('shows seven columns, the newest name first, and nothing on stderr', async () => {
    await using bench = await benchWithImages();
    const { stdout, stderr } = await bench.run('images');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^REPOSITORY +TAG +IMAGE ID +CREATED +PLATFORM +SIZE +BLOB SIZE\n/);
    for (const line of stdout.trimEnd().split('\n')) expect(line).toMatch(/^(.+[\t ]+){6}.+$/);
    const id = shortId(hello.digest);
    const rows = readTable(stdout).map((row) => [
      row['REPOSITORY'],
      row['IMAGE ID'],
      row['PLATFORM'],
    ]);
    expect(rows).toEqual([
      ['registry.example/hello', id, 'linux/arm64'],
      ['registry.example/hello', id, 'linux/amd64'],
      ['hello-finch', id, 'linux/arm64'],
      ['hello-finch', id, 'linux/amd64'],
      ['app', bench.app.slice(7, 19), `linux/${here}`],
    ]);
  });

  test('of an empty store is the header alone', async () => {
    await using bench = await workbench();
    const header = 'REPOSITORY    TAG    IMAGE ID    CREATED    PLATFORM    SIZE    BLOB SIZE\n';
    expect(await bench.run('images')).toEqual({ stdout: header, stderr: '', exitCode: 0 });
    expect(await bench.ok('images -q')).toBe('');
    expect(await bench.ok('images --format json')).toBe('');
  });

  test('-q prints an id for each row, and with --no-trunc the whole digest', async () => {
    await using bench = await benchWithImages();
    const ids = [...Array.from({ length: 4 }, () => hello.digest as string), bench.app];
    const lines = (all: readonly string[]) => all.map((line) => `${line}\n`).join('');
    for (const flag of ['-q', '--quiet']) {
      expect(await bench.ok(`images ${flag}`)).toBe(lines(ids.map((id) => id.slice(7, 19))));
      expect(await bench.ok(`images ${flag} --no-trunc`)).toBe(lines(ids));
    }
    expect(readTable(await bench.ok('images --no-trunc'))[0]?.['IMAGE ID']).toBe(hello.digest);
  });

  test('--digests and wide add the digest, and --names shows whole names', async () => {
    await using bench = await benchWithImages();
    for (const flags of ['--digests', '--format wide', '--format=wide']) {
      const text = await bench.ok(`images ${flags}`);
      expect(text).toMatch(
        /^REPOSITORY +TAG +DIGEST +IMAGE ID +CREATED +PLATFORM +SIZE +BLOB SIZE\n/,
      );
      expect(readTable(text)[0]?.['DIGEST']).toBe(hello.digest);
    }
    const named = await bench.ok('images --names');
    expect(named).toMatch(/^NAME +IMAGE ID +CREATED +PLATFORM +SIZE +BLOB SIZE\n/);
    expect(readTable(named).map((row) => row['NAME'])).toEqual([
      ...Array.from({ length: 2 }, () => 'registry.example/hello:2'),
      ...Array.from({ length: 2 }, () => 'docker.io/library/hello-finch:latest'),
      'docker.io/library/app:1',
    ]);
    expect(await bench.ok('images --digests --format {{.Digest}} app')).toBe(`${bench.app}\n`);
    expect(await bench.ok('images --format table')).toBe(await bench.ok('images'));
  });

  test('--format json prints an object for each row', async () => {
    await using bench = await benchWithImages();
    const lines = (await bench.ok('images --format json')).trimEnd().split('\n');
    const objects = lines.map((line) => JSON.parse(line) as Record<string, string>);
    expect(objects).toHaveLength(5);
    expect(Object.keys(objects[0] ?? {})).toEqual([
      ...['CreatedAt', 'CreatedSince', 'Digest', 'ID', 'Repository', 'Tag', 'Name'],
      ...['Size', 'BlobSize', 'Platform'],
    ]);
    expect(objects[4]).toMatchObject({
      Digest: bench.app,
      ID: bench.app.slice(7, 19),
      Repository: 'app',
      Tag: '1',
      Name: 'docker.io/library/app:1',
      Size: '2.0 KiB',
      Platform: `linux/${here}`,
    });
    expect(await bench.ok(['images', '--format', '{{json .}}'])).toBe(
      await bench.ok('images --format json'),
    );
  });

  test('--format takes Go templates', async () => {
    await using bench = await benchWithImages();
    const cases = {
      '{{.Repository}}:{{.Tag}}': 'app:1',
      '{{upper .Repository}} {{title .Tag | printf "%s-%q" .Name}}':
        'APP docker.io/library/app:1-"1"',
      '{{if eq .Tag "1"}}one{{else}}other{{end}}': 'one',
      '{{range split .Name "/"}}[{{.}}]{{end}} {{len .Tag}}': '[docker.io][library][app:1] 1',
      '{{index (split .Platform "/") 0 | json}}': '"linux"',
      '{{join (split .Name "/") "+"}}': 'docker.io+library+app:1',
      '{{.Name}}\\t{{lower "X"}}': 'docker.io/library/app:1\tx',
    };
    for (const [template, wanted] of Object.entries(cases)) {
      expect(await bench.ok(['images', '--format', template, 'app'])).toBe(`${wanted}\n`);
    }
    expect(await bench.ok(['images', '--format', 'table {{.ID}}\t{{.Repository}}', 'app'])).toBe(
      `IMAGE ID        REPOSITORY\n${bench.app.slice(7, 19)}    app\n`,
    );
  });

  test('says what is wrong with a template, and prints nothing', async () => {
    await using bench = await benchWithImages();
    for (const template of [
      '{{.Nothing}}',
      '{{',
      '{{.Name',
      '{{range}}',
      '{{nothing .Name}}',
      '{{end}}',
    ]) {
      expectError(await bench.fails(['images', '--format', template]), /template|function|field/i);
    }
    expectError(await bench.fails(['images', '--format', '{{define "a"}}{{end}}']), /define/);
    expectError(
      await bench.fails('images -q --format json'),
      'format and quiet must not be specified together',
    );
    expectError(await bench.fails('images --format raw'), 'unsupported format: "raw"');
  });

  test('with a repository shows all its tags, and with a tag that one', async () => {
    await using bench = await benchWithImages();
    await bench.ok('tag app:1 app:2');
    expect(await names(bench, 'app')).toEqual(['app:2', 'app:1']);
    expect(await names(bench, 'app:1')).toEqual(['app:1']);
    expect(await names(bench, 'docker.io/library/app:1')).toEqual(['app:1']);
    expect(await names(bench, 'registry.example/hello')).toEqual(['registry.example/hello:2']);
    expect(await bench.run('images nothing')).toEqual({
      stdout: 'REPOSITORY    TAG    IMAGE ID    CREATED    PLATFORM    SIZE    BLOB SIZE\n',
      stderr: '',
      exitCode: 0,
    });
  });

  test('--filter keeps what every filter lets through', async () => {
    await using bench = await benchWithImages();
    const all = ['registry.example/hello:2', 'hello-finch:latest', 'app:1'];
    const cases: readonly [readonly string[], readonly string[]][] = [
      [['label=team'], ['app:1']],
      [['label=team=web', 'label=stage=test'], ['app:1']],
      [['label=team=web,label=stage=live'], []],
      [['label=team=other'], []],
      [['reference=hello-f*'], ['hello-finch:latest']],
      [['reference=*/hello'], ['registry.example/hello:2']],
      [['before=hello-finch'], ['app:1']],
      [['since=app:1'], ['registry.example/hello:2', 'hello-finch:latest']],
      [['dangling=false'], all],
      [['dangling=true'], []],
      [['since=app:1', 'reference=hello-finch:*'], ['hello-finch:latest']],
    ];
    for (const [filters, wanted] of cases) {
      const args = filters.flatMap((filter) => ['--filter', filter]);
      expect([filters, await names(bench, ...args)]).toEqual([filters, wanted]);
    }
    expect(await names(bench, '-f', 'reference=app')).toEqual(['app:1']);
  });

  test('refuses a filter that there is not', async () => {
    await using bench = await benchWithImages();
    for (const filter of ['nothing', 'nothing=1', 'dangling=perhaps', '=']) {
      expectError(
        await bench.fails(`images --filter ${filter}`),
        `invalid filter "${filter}"`,
        /label/,
      );
    }
    expectError(await bench.fails('images --filter before=nothing'), /^finch: no such image: /);
  });
});
