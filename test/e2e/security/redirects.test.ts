import { describe, expect, test } from 'bun:test';
import { challenged } from '../../support/bearer-registry.ts';
import { CANARY } from '../../support/canary.ts';
import { type FakeRegistry, startFakeRegistry } from '../../support/fake-registry.ts';
import { buildImage } from '../../support/images.ts';
import { expectError } from '../support/expectations.ts';
import { type Workbench, workbench } from '../support/workbench.ts';

const { blobs, root } = buildImage();

/** A registry with an image, which asks for a login and has its blobs at another server. */
function registryBefore(other: FakeRegistry): FakeRegistry {
  const registry = startFakeRegistry({
    script: ({ headers }, { pathname }) => {
      if (!headers.has('authorization')) return challenged('Basic realm="x"');
      const target = `${other.origin}${pathname}`;
      return pathname.includes('/blobs/') ? Response.redirect(target, 307) : undefined;
    },
  });
  const bytes = new Uint8Array(blobs.get(root.digest) ?? []);
  registry.manifests.set('app:1', { mediaType: root.mediaType, bytes });
  registry.manifests.set(`app@${root.digest}`, { mediaType: root.mediaType, bytes });
  return registry;
}

async function signIn(bench: Workbench, { host }: FakeRegistry): Promise<string> {
  await bench.ok(`login -u me --password-stdin ${host}`, { stdin: CANARY });
  return `${host}/app:1`;
}

/** What a server was shown of logins. */
const shown = ({ requests }: FakeRegistry) =>
  new Set(requests.map(({ headers }) => headers.get('authorization')));

describe('a redirect', () => {
  test('to another port of its host takes no login along', async () => {
    await using bench = await workbench();
    await using other = startFakeRegistry();
    for (const [digest, bytes] of blobs) other.blobs.set(digest, new Uint8Array(bytes));
    await using registry = registryBefore(other);
    await bench.ok(`pull --platform linux/amd64 ${await signIn(bench, registry)}`);
    expect(shown(other)).toEqual(new Set([null]));
  });

  test.each(['Basic realm="x"', 'Bearer realm="http://HOST/token",service="x"'])(
    'to a server that asks for a login tells it none: %s',
    async (challenge) => {
      await using bench = await workbench();
      await using other = startFakeRegistry({
        script: (_, { host }) => challenged(challenge.replace('HOST', host)),
      });
      await using registry = registryBefore(other);
      const name = await signIn(bench, registry);
      expectError(await bench.fails(`pull --platform linux/amd64 ${name}`), /401|refused|login/);
      expect(other.requests.length).toBeGreaterThan(0);
      expect(shown(other)).toEqual(new Set([null]));
      expect(other.lines().filter((line) => line.includes('/token'))).toEqual([]);
    },
  );
});
