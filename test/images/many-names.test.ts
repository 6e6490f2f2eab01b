import { expect, test } from 'bun:test';
import { finch } from '../commands/command-line.ts';
import { buildImage } from '../support/images.ts';

const COUNT = 10_000;

test('ten thousand names are listed, filtered and added to', async () => {
  await using place = await finch();
  await place.load(buildImage(), 'docker.io/library/app:0');
  {
    await using store = await place.openStore();
    const [record] = store.names();
    if (record === undefined) throw new Error('nothing was loaded');
    const set = Array.from({ length: COUNT }, (_, i) => ({
      name: `docker.io/library/app${i % 100}:${i}`,
      target: record.target,
    }));
    await store.changeNames({ set });
  }
  const lines = (await place.stdout('images')).trimEnd().split('\n');
  expect(lines.length).toBe(1 + COUNT + 1);
  expect(await place.stdout('tag', 'app42:42', 'added:1')).toBe('');
  expect((await place.stdout('images', 'app42')).trimEnd().split('\n').length).toBe(101);
  const format = ['--format', '{{.Name}}'];
  expect(await place.stdout('images', '--filter', 'reference=added', ...format)).toBe(
    'docker.io/library/added:1\n',
  );
  expect(await place.stdout('rmi', 'added:1')).toStartWith('Untagged: docker.io/library/added:1@');
});
