import { expect, test } from 'bun:test';
import { FinchError } from '../../src/errors.ts';
import { registryErrorBody, startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage } from '../support/images.ts';
import { openTestRepository } from '../support/open-test-repository.ts';

const [first, second] = [buildImage(), buildImage({ labels: { build: '2' } })];
const bytesOf = ({ root, blobs }: typeof first) => new Uint8Array(blobs.get(root.digest) ?? []);

/** Tags `second` where the registry keeps every tag, and has given this one to `there` meanwhile. */
async function tagAgain(there: typeof first | undefined) {
  await using registry = startFakeRegistry({
    script: ({ method }) =>
      method === 'PUT'
        ? registryErrorBody(
            400,
            'TAG_INVALID',
            "The image tag 'v1' already exists and is immutable",
          )
        : undefined,
  });
  const { root } = there ?? first;
  if (there !== undefined) {
    registry.manifests.set('app:v1', { mediaType: root.mediaType, bytes: bytesOf(there) });
  }
  const repository = openTestRepository(registry.host);
  const outcome = await repository.tag(['v1'], second.root, bytesOf(second)).then(
    () => 'tagged',
    (error: unknown) => error,
  );
  return { outcome, host: registry.host };
}

test('a tag that may not be given again, and names the same document, is a success', async () => {
  expect((await tagAgain(second)).outcome).toBe('tagged');
});

test('a tag that may not be given again, and names another document, is an error with both', async () => {
  const { outcome, host } = await tagAgain(first);
  expect(outcome).toBeInstanceOf(FinchError);
  expect(outcome).toMatchObject({
    code: 'REGISTRY',
    message: `${host}/app:v1 is ${first.root.digest} for good, and not ${second.root.digest}`,
    hint: 'tags of that repository cannot be moved; choose a new tag',
  });
});

test('a tag that is refused and names nothing is refused for another reason', async () => {
  const { outcome } = await tagAgain(undefined);
  expect(outcome).toMatchObject({
    code: 'REGISTRY',
    message: expect.stringContaining('tag invalid'),
  });
});
