import { expect, test } from 'bun:test';
import { type Script, startFakeRegistry } from '../support/fake-registry.ts';
import { openTestRepository } from '../support/open-test-repository.ts';

async function tagsOf(script: Script) {
  await using registry = startFakeRegistry({ script });
  const tags = await openTestRepository(registry.host)
    .tags()
    .catch((error: unknown) => error);
  return { tags, lines: registry.lines() };
}

test('tags() follows the pages to the last, in the registry order', async () => {
  const { tags, lines } = await tagsOf((_, { searchParams }) => {
    const last = searchParams.get('last');
    if (last === 'a') return Response.json({ tags: ['c'] });
    const link = '</v2/app/tags/list?last=a&n=2>; rel="next"';
    return Response.json({ tags: ['b', 'a'] }, { headers: { link } });
  });
  expect(tags).toEqual(['b', 'a', 'c']);
  expect(lines).toEqual(['GET /v2/app/tags/list', 'GET /v2/app/tags/list?last=a&n=2']);
});

test('tags() is empty for null, and leaves out what is no tag', async () => {
  expect((await tagsOf(() => Response.json({ tags: null }))).tags).toEqual([]);
  const odd = () => Response.json({ tags: ['ok', '-no', 'a\u001b[0m', 5, 'ok'] });
  expect((await tagsOf(odd)).tags).toEqual(['ok']);
});

test('tags() ends when a registry links in a circle', async () => {
  const link = '</v2/app/tags/list>; rel="next"';
  const { tags } = await tagsOf(() => Response.json({ tags: [] }, { headers: { link } }));
  expect(tags).toMatchObject({ code: 'REGISTRY' });
});

test('tags() does not follow a link to another server', async () => {
  const link = '<http://other.invalid/x>; rel="next"';
  const { tags } = await tagsOf(() => Response.json({ tags: ['a'] }, { headers: { link } }));
  expect(tags).toEqual(['a']);
});

test('tags() of a repository that is not there is REMOTE_NOT_FOUND', async () => {
  expect((await tagsOf(() => undefined)).tags).toMatchObject({ code: 'REMOTE_NOT_FOUND' });
});

test.each(['[]', '{"tags":5}', 'no'])('tags() of the answer %s is REGISTRY', async (body) => {
  expect((await tagsOf(() => new Response(body))).tags).toMatchObject({ code: 'REGISTRY' });
});

test('tags() ends when a registry has ever more of them', async () => {
  let page = 0;
  const { tags, lines } = await tagsOf(() => {
    page += 1;
    const list = Array.from({ length: 600_000 }, (_, i) => `${page}-${i}`);
    const link = `</v2/app/tags/list?last=${page}>; rel="next"`;
    return Response.json({ tags: list }, { headers: { link } });
  });
  expect(tags).toMatchObject({ code: 'REGISTRY', hint: expect.any(String) });
  expect(lines).toHaveLength(2);
});
