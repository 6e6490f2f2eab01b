import { expect, test } from 'bun:test';
import { memoryContent } from '../../../src/content.ts';
import { Progress, type Span } from '../../../src/registry/upload/progress.ts';
import { inPieces, layerOf } from '../../support/content-store-contract.ts';

const { descriptor, bytes } = layerOf(100);

/** Progress of a blob of 100 bytes, and what its user hears. */
function watched() {
  const heard: string[] = [];
  const progress = new Progress(descriptor, {
    onBytes: (count) => heard.push(`${count}`),
    onStep: (step) => heard.push(step.kind === 'resumed' ? `resumed ${step.bytes}` : step.kind),
  });
  const pass = async (span: Span, content = inPieces(bytes, 40)) => {
    const passed: number[] = [];
    for await (const piece of progress.through(content.stream({ start: span.start }), span)) {
      passed.push(...piece);
    }
    return passed;
  };
  return { heard, progress, pass };
}

test('pieces are counted when the next one is asked for, or the stream has ended', async () => {
  const { heard, progress, pass } = watched();
  expect(await pass({ start: 0, end: 100 })).toEqual([...bytes]);
  expect(heard).toEqual(['40', '40', '20']);
  expect(progress.position).toBe(100);
});

test('a chunk is cut out of a stream that has more', async () => {
  const { heard, progress, pass } = watched();
  progress.moveTo(30);
  expect(await pass({ start: 30, end: 90 })).toEqual([...bytes.subarray(30, 90)]);
  expect(heard).toEqual(['30', '40', '20']);
});

test('bytes that an earlier process sent are told apart, also when they are lost', () => {
  const { heard, progress } = watched();
  progress.resume(60);
  progress.moveTo(80);
  progress.moveTo(50);
  progress.moveTo(0);
  progress.moveTo(100);
  expect(heard).toEqual(['resumed 60', '20', '-20', 'resumed -10', 'resumed -50', '100']);
});

test('a stream of a request that is over counts no more', async () => {
  const { heard, progress } = watched();
  const stream = progress.through(inPieces(bytes, 40).stream(), { start: 0, end: 100 });
  await stream.next();
  progress.moveTo(10);
  await stream.next();
  expect(heard).toEqual(['10']);
  expect(progress.position).toBe(10);
});

test.each([
  ['fewer', memoryContent(bytes.subarray(0, 99))],
  ['more', memoryContent(new Uint8Array(101))],
])('a blob of %s bytes than it should have is never passed on to its end', async (_, content) => {
  const { progress, pass } = watched();
  await expect(pass({ start: 0, end: 100 }, content)).rejects.toMatchObject({
    code: 'CONTENT_MISMATCH',
  });
  expect(progress.position).toBeLessThan(100);
});
