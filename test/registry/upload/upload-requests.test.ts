import { expect, test } from 'bun:test';
import { emptyMemory, type LearnedTraits } from '../../../src/registry/memory/registry-memory.ts';
import { uploadRequests } from '../../../src/registry/upload/upload-requests.ts';

const MIB = 1024 * 1024;
const ECR = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';

test.each<readonly [string, string, number, LearnedTraits, number]>([
  ['all of it where nothing is known', 'r.test', 900 * MIB, {}, 1],
  ['an empty blob', 'r.test', 0, {}, 1],
  ['up to 10 MiB at Amazon ECR', ECR, 10 * MIB, {}, 1],
  ['more at Amazon ECR', ECR, 25 * MIB, {}, 3],
  ['large blobs in chunks of 16 MiB at brittle hosts', 'r.test', 65 * MIB, { brittle: true }, 5],
  ['small ones at once there too', 'r.test', 64 * MIB, { brittle: true }, 1],
])('%s', (_, host, size, traits, requests) => {
  const memory = emptyMemory();
  memory.learn(host, traits);
  const location = new URL(`https://${host}/v2/app/blobs/uploads/`);
  expect(uploadRequests(size, { location, memory })).toBe(requests);
});
