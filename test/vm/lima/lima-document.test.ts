import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'yaml';
import type { FinchYaml, Snapshotter } from '../../../src/config/finch-yaml-shape.ts';
import { type HostSize, machineSettings } from '../../../src/config/machine-settings.ts';
import { parseSize } from '../../../src/config/size.ts';
import { limaDocument, limaText } from '../../../src/vm/lima/lima-document.ts';
import type { LimaHost } from '../../../src/vm/lima/lima-host.ts';
import { snapshotterScripts } from '../../../src/vm/lima/lima-scripts.ts';
import { hasLimactl, limactlValidate } from '../../support/engine/limactl.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const GIB = 1024 ** 3;
const NOTHING: FinchYaml = {
  ...{ cpus: undefined, memory: undefined, bootdisk: undefined, datadisk: undefined },
  ...{ additional_directories: undefined, rosetta: undefined, vmnet: undefined },
  ...{ vmType: undefined, auto_vm_start: undefined, snapshotters: undefined },
  ...{ creds_helpers: undefined, dockercompat: undefined, experimental: undefined },
  ...{ limactl: undefined, ecr: undefined },
};

const LINUX: HostSize = { os: 'linux', arch: 'x64', cpus: 8, memory: 16 * GIB };
const MAC: HostSize = { os: 'darwin', arch: 'arm64', cpus: 10, memory: 32 * GIB, macOsVersion: 26 };
const INTEL_MAC: HostSize = { ...MAC, arch: 'x64', macOsVersion: 12 };
const WINDOWS: HostSize = { os: 'win32', arch: 'x64', cpus: 4, memory: 8 * GIB };

const HOMES: Readonly<Record<HostSize['os'], Omit<LimaHost, 'arch' | 'os'>>> = {
  linux: {
    ...{ home: '/home/user', finchHome: '/home/user/.finch' },
    socket: '/home/user/.finch/machine/creds.sock',
  },
  darwin: {
    ...{ home: '/Users/user', finchHome: '/Users/user/.finch' },
    socket: '/Users/user/.finch/machine/creds.sock',
  },
  win32: {
    ...{ home: 'C:\\Users\\user', finchHome: 'C:\\Users\\user\\.finch' },
    socket: 'C:\\Users\\user\\.finch\\machine\\creds.sock',
  },
};

function documentOf(
  size: HostSize,
  yaml: Partial<FinchYaml> = {},
  places: Partial<LimaHost> = {},
): Readonly<Record<string, unknown>> {
  const host = { os: size.os, arch: size.arch, ...HOMES[size.os], ...places };
  return limaDocument(machineSettings({ ...NOTHING, ...yaml }, size), host);
}

/** What users write, on what they have. */
const CONFIGURATIONS: readonly (readonly [string, HostSize, Partial<FinchYaml>])[] = [
  ['nothing, on Linux', LINUX, {}],
  ['nothing, on a Mac', MAC, {}],
  ['nothing, on an old Mac', INTEL_MAC, {}],
  ['nothing, on Windows', WINDOWS, {}],
  ['nothing, on Linux on ARM', { ...LINUX, arch: 'arm64' }, {}],
  ["the user guide's", MAC, { cpus: 6, memory: 4 * GIB, creds_helpers: ['ecr-login'] }],
  ['qemu on a Mac', MAC, { vmType: 'qemu' }],
  ['vz', MAC, { vmType: 'vz' }],
  ['rosetta', MAC, { vmType: 'vz', rosetta: true }],
  ['rosetta where there is none', INTEL_MAC, { rosetta: true }],
  ['vmnet with vz', MAC, { vmnet: true }],
  ['wsl2', WINDOWS, { vmType: 'wsl2', cpus: 2 }],
  ['a folder more', LINUX, { additional_directories: ['/srv/data'] }],
  ['folders more', MAC, { additional_directories: ['/Volumes/work', '~/below', '/tmp/lima/x/'] }],
  ['folders of strange names', LINUX, { additional_directories: ['/srv/a: b', '/srv/#c', '/é'] }],
  ['soci', LINUX, { snapshotters: ['soci'] }],
  ['soci and overlayfs', MAC, { snapshotters: ['overlayfs', 'soci'] }],
  ['inotify', LINUX, { experimental: { mountInotify: true } }],
  ['sizes that are no round number', LINUX, { memory: 3 * GIB + 1, bootdisk: 20 * GIB + 512 }],
  ['small', LINUX, { cpus: 1, memory: 512 * 1024 ** 2, bootdisk: 11 * GIB }],
  ['large', LINUX, { cpus: 96, memory: 384 * GIB, bootdisk: 4096 * GIB, datadisk: 8192 * GIB }],
  ['what the machine does not read', LINUX, { dockercompat: true, auto_vm_start: false }],
];

describe('limaDocument()', () => {
  test.skipIf(!hasLimactl).each(CONFIGURATIONS)(
    'of %s is what limactl reads',
    async (_, size, yaml) => {
      const { exitCode, stderr } = await limactlValidate(limaText(documentOf(size, yaml)));
      expect(exitCode, stderr).toBe(0);
      const complaints = stderr.split('\n').filter((line) => /level=(?:warning|fatal)/.test(line));
      expect(complaints.filter((line) => !OTHER_SYSTEM.test(line))).toEqual([]);
    },
  );

  test('gives the machine what finch.yaml says', () => {
    const yaml = { cpus: 3, memory: 5 * GIB, bootdisk: 60 * GIB, rosetta: true };
    expect(documentOf(MAC, { ...yaml, experimental: { mountInotify: true } })).toMatchObject({
      vmType: 'vz',
      arch: 'aarch64',
      cpus: 3,
      memory: '5GiB',
      disk: '60GiB',
      mountType: 'virtiofs',
      mountInotify: true,
      rosetta: { enabled: true, binfmt: true },
      containerd: { system: true, user: false },
      ssh: { localPort: 0, forwardAgent: false },
      additionalDisks: [{ name: 'finch' }],
      env: { CONTAINERD_NAMESPACE: 'finch', CONTAINERD_SNAPSHOTTER: 'overlayfs' },
    });
  });

  test('shows the machine the home folder, and every other folder once', () => {
    const folders = (size: HostSize, yaml: Partial<FinchYaml>, places: Partial<LimaHost> = {}) =>
      documentOf(size, yaml, places)['mounts'];
    const mounts = (...paths: string[]) => paths.map((location) => ({ location, writable: true }));
    expect(folders(LINUX, {})).toEqual(mounts('/home/user', '/tmp/lima'));
    const wanted = ['~/work', '/srv', '/srv/', '/srv/below', '/srv2'];
    expect(folders(LINUX, { additional_directories: wanted })).toEqual(
      mounts('/home/user', '/tmp/lima', '/srv', '/srv2'),
    );
    expect(folders(LINUX, {}, { finchHome: '/var/finch' })).toEqual(
      mounts('/home/user', '/var/finch/machine', '/tmp/lima'),
    );
    expect(folders(MAC, {})).toEqual(
      mounts('/Users/user', '/tmp/lima', '/var/folders', '/private/var/folders'),
    );
    expect(folders(WINDOWS, {})).toEqual([]);
  });

  test('lets the machine ask for credentials on a socket of its user', () => {
    expect(documentOf(LINUX)['portForwards']).toEqual([
      {
        guestSocket: '/run/user/{{.UID}}/finch-creds.sock',
        hostSocket: '/home/user/.finch/machine/creds.sock',
        reverse: true,
      },
    ]);
  });

  test('installs a snapshotter that the engine does not have, and uses the first', () => {
    const soci = documentOf(LINUX, { snapshotters: ['soci', 'overlayfs'] });
    expect(soci['env']).toMatchObject({ CONTAINERD_SNAPSHOTTER: 'soci' });
    expect(JSON.stringify(soci['provision'])).toContain('soci-snapshotter-grpc');
    const overlay = documentOf(LINUX, { snapshotters: ['overlayfs'] });
    expect(overlay['provision']).toEqual(documentOf(LINUX)['provision']);
  });

  test.skipIf(Bun.which('sh') === null)(
    'has BuildKit use the first snapshotter at each boot',
    async () => {
      await using folder = await temporaryFolder();
      const file = join(folder.path, 'buildkitd.toml');
      const before =
        '[worker.containerd]\n  enabled = true\n  namespace = "finch"\n  snapshotter = "overlayfs"\n';
      await Bun.write(file, before);
      const boot = (snapshotters: readonly Snapshotter[]) => {
        const { script } = snapshotterScripts(snapshotters).at(-1) ?? { script: 'exit 1' };
        const text = script.replace('/etc/buildkit/buildkitd.toml', file);
        const { stdout } = Bun.spawnSync(['sh', '-c', `systemctl() { echo "$*"; }\n${text}`]);
        return stdout.toString();
      };
      expect(boot([])).toBe('');
      expect(boot(['soci'])).toBe('restart buildkit\n');
      expect(await Bun.file(file).text()).toBe(before.replace('overlayfs', 'soci'));
      expect(boot(['soci', 'overlayfs'])).toBe('');
      expect(boot(['overlayfs', 'soci'])).toBe('restart buildkit\n');
      expect(await Bun.file(file).text()).toBe(before);
    },
  );

  test.skipIf(Bun.which('sh') === null)('has scripts that a shell can read', () => {
    const { provision } = documentOf(LINUX, { snapshotters: ['soci'] });
    expect(provision).toBeArrayOfSize(4);
    for (const { script } of provision as readonly { readonly script: string }[]) {
      const checked = Bun.spawnSync(['sh', '-n'], { stdin: new TextEncoder().encode(script) });
      expect(checked.stderr.toString()).toBe('');
    }
  });

  test('is read as it was meant, whatever the settings are', () => {
    const text = fc.string({ minLength: 1, unit: 'grapheme' }).filter((part) => !/\//.test(part));
    const path = fc
      .array(text, { minLength: 1, maxLength: 3 })
      .map((parts) => `/${parts.join('/')}`);
    const settings = fc.record({
      cpus: fc.integer({ min: 1, max: 1024 }),
      memory: fc.integer({ min: 1, max: 2 ** 50 }),
      bootdisk: fc.integer({ min: 11 * GIB, max: 2 ** 50 }),
      additional_directories: fc.array(path, { maxLength: 3 }),
      vmnet: fc.boolean(),
      rosetta: fc.boolean(),
      snapshotters: fc.subarray(['soci', 'overlayfs'] as const),
    });
    const hosts = fc.constantFrom(LINUX, MAC, INTEL_MAC, WINDOWS);
    fc.assert(
      fc.property(hosts, settings, path, (size, yaml, home) => {
        const document = documentOf(size, yaml, { home });
        expect(parse(limaText(document))).toEqual(document);
        expect(parseSize(String(document['memory']))).toBe(yaml.memory);
        expect(parseSize(String(document['disk']))).toBe(yaml.bootdisk);
      }),
      { numRuns: 60 },
    );
  });
});

/** What Lima says of a Mac's or a Windows' machine on Linux. */
const OTHER_SYSTEM = /vmType `(?:vz|wsl2)` is not a registered driver/;
