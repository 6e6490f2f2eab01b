import { describe, expect, test } from 'bun:test';
import { helloFinch, writeHelloFinch } from '../demo/hello-finch.ts';
import { buildImage } from '../support/images.ts';
import { writeOciArchive } from './support/archives.ts';
import { expectError } from './support/expectations.ts';
import { blobsIn, namesIn } from './support/home-contents.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const { root } = helloFinch();

async function benchWithImage(): Promise<Workbench> {
  const bench = await workbench();
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -q -i hello-finch.tar');
  return bench;
}

describe('finch tag', () => {
  test('is silent, and the new name has the same id', async () => {
    await using bench = await benchWithImage();
    for (const command of ['tag', 'image tag']) {
      const target = `registry.example/${command.replace(' ', '-')}:1`;
      expect(await bench.run(`${command} hello-finch:latest ${target}`)).toEqual({
        stdout: '',
        stderr: '',
        exitCode: 0,
      });
      expect(await bench.ok(`images -q --no-trunc ${target}`)).toBe(
        await bench.ok('images -q --no-trunc hello-finch:latest'),
      );
    }
  });

  test('takes a short id, a whole one, and names in every form', async () => {
    await using bench = await benchWithImage();
    const blobs = await blobsIn(bench.home);
    const { digest } = root;
    const sources = [digest.slice(7, 19), digest.slice(7, 11), digest.slice(7), digest];
    sources.push('hello-finch', 'docker.io/library/hello-finch', 'library/hello-finch:latest');
    for (const [i, source] of sources.entries()) {
      await bench.ok(`tag ${source} copy:${i}`);
      expect((await namesIn(bench.home))[`copy:${i}`]).toBe(digest);
    }
    expect(await blobsIn(bench.home)).toEqual(blobs);
  });

  test('puts the new name first in the list, and leaves the age of the old one', async () => {
    await using bench = await benchWithImage();
    const created = ['images', '--format', '{{.CreatedAt}}', 'hello-finch'];
    const before = await bench.ok(created);
    await bench.ok('tag hello-finch later:1');
    expect(await bench.ok(created)).toBe(before);
    expect(await bench.ok(['images', '--format', '{{.Name}}'])).toStartWith(
      'docker.io/library/later:1\n',
    );
  });

  test('moves a name that another image has', async () => {
    await using bench = await benchWithImage();
    const other = buildImage();
    await writeOciArchive(bench.path('other.tar'), 'other:1', other);
    await bench.ok('load -q -i other.tar');
    await bench.ok('tag hello-finch other:1');
    expect(await namesIn(bench.home)).toEqual({
      'hello-finch:latest': root.digest,
      'other:1': root.digest,
    });
  });

  test('of what is not there fails and makes no name', async () => {
    await using bench = await benchWithImage();
    for (const [source, named] of [
      ['nothing:1', 'docker.io/library/nothing:1'],
      ['0123456789ab', '0123456789ab'],
    ]) {
      expectError(
        await bench.fails(`tag ${source} target:1`),
        `image "${named}": not found`,
        'see what is here with: finch images',
      );
    }
    expect(Object.keys(await namesIn(bench.home))).toEqual(['hello-finch:latest']);
  });

  test('refuses a target that is no name, or has a digest', async () => {
    await using bench = await benchWithImage();
    for (const target of ['UPPER', 'a:b:c', '', 'app:', `app@${root.digest}`]) {
      expectError(
        await bench.fails(['tag', 'hello-finch', target]),
        /invalid reference|digest/,
        /./,
      );
    }
    expect(Object.keys(await namesIn(bench.home))).toEqual(['hello-finch:latest']);
  });
});
