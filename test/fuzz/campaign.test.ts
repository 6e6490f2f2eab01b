import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { FinchError } from '../../src/errors.ts';
import { parseTarHeader } from '../../src/streams/tar-header.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { runCampaign, whyEmpty } from './campaign.ts';
import { CurrentInput, makeCurrentInput } from './current-input.ts';
import { mutateImage } from './mutate-archive.ts';
import { mutateJson, toTree, writeTree } from './mutate-json.ts';
import { joinTar, mutateHeader, splitTar } from './mutate-tar.ts';
import { Random } from './random.ts';
import { archiveSeeds, tarSeeds } from './seeds/archives.ts';
import { documentSeeds } from './seeds/documents.ts';
import { textTarget } from './target.ts';

/** The inputs that a campaign gives to a parser, and what came of it. */
async function campaign(seed: string, run: (text: string) => unknown = () => {}) {
  const inputs: string[] = [];
  const seeds = ['some text 12', '{"a":[1,2]}'];
  const target = textTarget({ name: 'some', share: 1, mutators: [mutateJson], seeds, run });
  const result = await runCampaign(target, {
    seed,
    inputs: 500,
    deadline: Number.POSITIVE_INFINITY,
    onInput: (_, input) => inputs.push(Buffer.from(input).toString('latin1')),
  });
  return { inputs, result };
}

test('one seed always gives the same inputs, another gives others', async () => {
  const { inputs: first } = await campaign('1');
  const { inputs: again } = await campaign('1');
  const { inputs: other } = await campaign('2');
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
  expect(new Set(first).size).toBeGreaterThan(400);
});

test('results and clean errors are counted', async () => {
  const { result } = await campaign('1', (text) => {
    if (text.includes('{')) throw new FinchError('USAGE', 'no braces, please');
  });
  expect(result.inputs).toBe(500);
  expect(result.results + result.errors).toBe(500);
  expect(Math.min(result.results, result.errors)).toBeGreaterThan(50);
  expect(result.fault).toBeUndefined();
});

test('a campaign of few inputs, or without a result, says nothing', async () => {
  const { result } = await campaign('1');
  expect(whyEmpty(result, 500)).toBeUndefined();
  expect(whyEmpty({ ...result, inputs: 3, results: 3 }, 3)).toBeUndefined();
  expect(whyEmpty({ ...result, inputs: 3, results: 3 }, 500)).toContain('only 3 inputs');
  const { result: refused } = await campaign('1', () => {
    throw new FinchError('USAGE', 'nothing, please');
  });
  expect(whyEmpty(refused, 500)).toBe('no result from 500 inputs');
});

test.each([
  ['a programming error', () => new TypeError('undefined is not a function')],
  ['a message with control characters', () => new FinchError('USAGE', 'bad\x1b[2J')],
  ['an endless hint', () => new FinchError('USAGE', 'bad', { hint: 'x'.repeat(3000) })],
])('%s ends the campaign at its input', async (_, make) => {
  const { inputs, result } = await campaign('1', (text) => {
    if (text.includes('1.2') || text.length > 30) throw make();
  });
  expect(result.fault?.index).toBe(inputs.length - 1);
  expect(result.inputs).toBeLessThan(500);
});

test('another process sees the input of this one', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'current');
  const seen = await makeCurrentInput(path, 100);
  expect(seen.get()).toBeUndefined();
  new CurrentInput(path).set(7, new TextEncoder().encode('input'));
  expect(seen.get()).toEqual({ index: 7, input: new TextEncoder().encode('input') });
});

test('what is not changed of a tar file or a document comes out as it went in', () => {
  for (const tar of tarSeeds()) expect(Buffer.compare(joinTar(splitTar(tar)), tar)).toBe(0);
  for (const document of documentSeeds()) {
    const text = new TextDecoder().decode(document);
    expect(writeTree(toTree(JSON.parse(text)))).toBe(text);
  }
});

test('a changed header has a right checksum, and most changed images are whole tar files', () => {
  const seeds = archiveSeeds();
  let whole = 0;
  for (let i = 0; i < 100; i++) {
    const material = { random: new Random(`${i}`), seeds, words: [], maxBytes: 1 << 20 };
    const block = mutateHeader((seeds[0] ?? new Uint8Array()).slice(0, 512), material);
    const size = Buffer.from(block.subarray(124, 135)).toString('latin1');
    if (/^[0-7]{11}$/.test(size)) expect(parseTarHeader(block)).toBeDefined();
    const image = mutateImage(material.random.pick(seeds), material);
    if (image.length % 512 === 0 && splitTar(image).length > 2) whole++;
  }
  expect(whole).toBeGreaterThan(90);
});
