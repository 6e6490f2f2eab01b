import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { dockerMembers } from '../archives/archive-files.ts';
import { json, layerTar } from '../support/images.ts';
import { tarFile } from '../support/tar.ts';
import { namesIn } from './support/home-contents.ts';
import { type HostileBench, hostileBench } from './support/hostile-bench.ts';
import { forgedArchive } from './support/hostile-image.ts';

let hostile: HostileBench;

beforeAll(async () => {
  hostile = await hostileBench();
});
afterAll(() => hostile[Symbol.asyncDispose]());

describe('terminal sequences', () => {
  const RED = '\x1b[31m\x9b2J\u202e';
  // Control characters, and what turns the direction of text.
  const UNSAFE = /[\p{Cc}\u202e]/u;

  /** Everything that a command says, which must be safe to show. */
  async function said(line: string | readonly string[], home: string): Promise<string> {
    const { stdout, stderr } = await hostile.bench.run(line, { home });
    expect(`${stdout}${stderr}`.replaceAll('\n', '')).not.toMatch(UNSAFE);
    return `${stdout}${stderr}`;
  }

  test('in names, platforms and paths of an archive never reach the terminal', async () => {
    const home = await hostile.bench.newHome();
    const config = (text: string) =>
      text.replace('"os":"linux"', `"os":${JSON.stringify(`l${RED}`)},"os.version":"\\u001b]0;x"`);
    const index = (text: string) => text.replace('hostile:1', `\\u001b[31mname:1`);
    await Bun.write(hostile.bench.path('red.tar'), forgedArchive({ config, index }));
    expect(await said('load -i red.tar', home)).toContain('is no valid name');
    const list = await said('images', home);
    expect(list).toContain('l [31m 2j');
    for (const format of ['json', '{{.Platform}} {{.Name}}', 'wide', 'table {{.Platform}}']) {
      await said(['images', '--format', format], home);
    }
    await said(
      ['push', '--platform', 'linux/amd64', (await Object.keys(await namesIn(home)))[0] ?? ''],
      home,
    );
  });

  test('in the paths and tags of a docker-archive never reach the terminal', async () => {
    const home = await hostile.bench.newHome();
    for (const image of [
      { Config: `${RED}.json`, RepoTags: null, Layers: [] },
      { Config: 'x', RepoTags: [RED], Layers: [RED] },
    ]) {
      await Bun.write(
        hostile.bench.path('red.tar'),
        tarFile([{ name: 'manifest.json', bytes: json([image]) }]),
      );
      expect(await said('load -i red.tar', home)).toContain('does not hold');
    }
    await Bun.write(hostile.bench.path(`${RED}.tar`), 'x');
    expect(await said(['load', '-i', `${RED}.tar`], home)).toContain('not an image archive');
    await Bun.write(
      hostile.bench.path('red.tar'),
      tarFile(dockerMembers([{ tags: [`a${RED}:1`, 'b:1'], layers: [layerTar('x')] }])),
    );
    expect(await said('load -i red.tar', home)).toContain('no valid name');
  });
});
