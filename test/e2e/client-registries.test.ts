import { describe, expect, test } from 'bun:test';
import { layerOf } from '../support/content-store-contract.ts';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { startFragileLink } from '../support/fragile-link.ts';
import {
  type Built,
  buildImage,
  buildIndex,
  buildMultiPlatform,
  layerTar,
} from '../support/images.ts';
import { startOlareg } from '../support/olareg.ts';
import { registryPrograms } from '../support/registry-programs.ts';
import { tarFile } from '../support/tar.ts';
import { writeOciArchive } from './support/archives.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { startFinchRegistry } from './support/finch-registry.ts';
import { areHere, crane, runOk } from './support/program.ts';
import { skopeoCopy, verifyFolder } from './support/skopeo.ts';
import { type Workbench, workbench } from './support/workbench.ts';

/** A registry of somebody else's, or finch's own. */
interface Started extends AsyncDisposable {
  readonly host: string;
}

const isBuilt = (path: string) => Bun.which(path) !== null;

/** What finch pushes to, where it is on this machine. zot is not to be had as a Go module. */
const registries: readonly (readonly [string, boolean, () => Promise<Started>])[] = [
  ['docker-registry', areHere('docker-registry'), () => startDockerRegistry()],
  [
    'distribution 3',
    isBuilt(registryPrograms.distribution),
    () => startDockerRegistry({ program: registryPrograms.distribution }),
  ],
  ['olareg', isBuilt(registryPrograms.olareg), startOlareg],
  ['finch registry serve', true, startOwn],
];

async function startOwn(): Promise<Started> {
  const bench = await workbench();
  const registry = await startFinchRegistry(bench.home);
  return {
    host: registry.host,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await bench[Symbol.asyncDispose]();
    },
  };
}

const single = buildImage({ layers: [layerTar('one', 'a'), layerTar('two', 'b')] });
const index = buildMultiPlatform('linux/amd64', 'linux/arm64');
const nested = buildIndex([{ image: index }, { image: buildMultiPlatform('linux/riscv64') }]);
const layers500 = buildImage({
  layers: Array.from({ length: 500 }, (_, i) => layerTar(`layer ${i}`, `file-${i}`)),
});
const LARGE = 70_000_000;
const large = buildImage({
  layers: [tarFile([{ name: 'large', bytes: layerOf(LARGE).bytes }]), layerTar('small')],
});

/** Loads an image, and names it for a registry. */
async function named(bench: Workbench, built: Built, name: string): Promise<void> {
  const local = name.slice(name.indexOf('/') + 1);
  await writeOciArchive(bench.path('image.tar'), local, built);
  await bench.ok('load -q -i image.tar');
  await bench.ok(`tag ${local} ${name}`);
}

/** Has skopeo read an image from a registry, and compares every digest. */
async function expectReadable(bench: Workbench, built: Built, name: string): Promise<void> {
  const to = bench.path(`copy-${built.root.digest.slice(-8)}`);
  const flags = ['--all', '--preserve-digests', '--src-tls-verify=false'];
  await skopeoCopy(`docker://${name}`, `dir:${to}`, flags);
  const { root, blobs } = await verifyFolder(to);
  expect([root, blobs]).toEqual([built.root.digest, built.blobs.size - 1]);
}

/** Has crane read every blob of an image, or of all images of an index, and compare digests and sizes. */
async function expectValid(built: Built, name: string): Promise<void> {
  const raw = await runOk(['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${name}`]);
  expect(raw).toBe(new TextDecoder().decode(built.blobs.get(built.root.digest)));
  if (crane !== null) expect(await runOk([crane, 'validate', '--remote', name])).toContain('PASS');
}

for (const [kind, isHere, start] of registries) {
  describe.skipIf(!isHere || !areHere('skopeo'))(`what finch pushes to ${kind}`, () => {
    test('is read and verified by skopeo and crane', async () => {
      await using registry = await start();
      await using bench = await workbench();
      // skopeo reads no index in an index, and takes most of a minute for 500 layers.
      const images = { single, index, nested, layers500 };
      for (const [key, built] of Object.entries(images)) {
        const name = `${registry.host}/${key.toLowerCase()}:1`;
        await named(bench, built, name);
        await bench.ok(`push -q ${name}`);
        await expectValid(built, name);
        if (built === single || built === index) await expectReadable(bench, built, name);
      }
    });

    test('is read and verified also where it was killed, and cut off, in between', async () => {
      await using registry = await start();
      await using link = await startFragileLink(registry.host);
      await using bench = await workbench();
      const name = `${link.host}/app:1`;
      await named(bench, large, name);
      const child = Bun.spawn([finchBinary, 'push', '-q', '--limit-rate', '100M', name], {
        env: finchEnvironment(bench.home),
        ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
      });
      while (link.sent() < LARGE / 2 && child.exitCode === null) await Bun.sleep(1);
      child.kill('SIGKILL');
      await child.exited;
      // Distribution 2 takes no session back whose body broke off: its Location says where that body began. A blob
      // of more than 64 MiB goes there by the courier (push-brittle.test.ts), and this one is shorter.
      if (kind !== 'docker-registry') link.breakAfter(5_000_000);
      await bench.ok(`push -q ${name}`);
      await expectReadable(bench, large, name.replace(link.host, registry.host));
      // What was on the way when it was killed, and when it was cut, goes twice; the half that was there does not.
      expect(link.sent()).toBeLessThan(LARGE * 1.4);
    });
  });
}
