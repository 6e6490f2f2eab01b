import { expect, test } from 'bun:test';
import { SharedWork } from '../../src/store/shared-work.ts';

/** Work that ends when a test says so, and counts how often it began. */
function begunWork() {
  const begun: AbortSignal[] = [];
  const end = Promise.withResolvers<string>();
  const work = (signal: AbortSignal) => {
    begun.push(signal);
    return end.promise;
  };
  return { begun, end, work };
}

test('work that is asked for twice at once is done once', async () => {
  const shared = new SharedWork<string>();
  const { begun, end, work } = begunWork();
  const answers = [1, 2].map(() => shared.do('a', work));
  end.resolve('done');
  expect(await Promise.all(answers)).toEqual(['done', 'done']);
  expect(begun).toHaveLength(1);
  expect(await shared.do('a', work)).toBe('done');
  expect(begun).toHaveLength(2);
});

test('who goes away takes nothing from the others, and the last stops the work', async () => {
  const shared = new SharedWork<string>();
  const { begun, work } = begunWork();
  const [one, other] = [new AbortController(), new AbortController()];
  const answers = [one, other].map(({ signal }) => shared.do('a', work, { signal }));
  one.abort(new Error('gone'));
  await expect(answers[0]).rejects.toThrow('gone');
  expect(begun[0]?.aborted).toBe(false);
  other.abort(new Error('gone too'));
  await expect(answers[1]).rejects.toThrow('gone too');
  expect(begun[0]?.aborted).toBe(true);
});

test('who comes when the others have gone begins anew', async () => {
  const shared = new SharedWork<string>();
  const { begun, end, work } = begunWork();
  const controller = new AbortController();
  const gone = shared.do('a', work, { signal: controller.signal });
  controller.abort(new Error('gone'));
  await expect(gone).rejects.toThrow('gone');
  const next = shared.do('a', work);
  expect(begun.map(({ aborted }) => aborted)).toEqual([true, false]);
  end.resolve('done');
  expect(await next).toBe('done');
});

test('what the work throws, everyone hears', async () => {
  const shared = new SharedWork<string>();
  const { end, work } = begunWork();
  const answers = [1, 2].map(() => shared.do('a', work));
  end.reject(new Error('broken'));
  const outcomes = await Promise.allSettled(answers);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
