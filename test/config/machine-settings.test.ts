import { describe, expect, test } from 'bun:test';
import { type HostSize, machineSettings } from '../../src/config/machine-settings.ts';
import { settingsIn } from '../../src/config/read-machine-settings.ts';
import { hasCode } from '../../src/errors.ts';

const GIB = 1024 ** 3;
const LINUX: HostSize = { os: 'linux', arch: 'x64', cpus: 8, memory: 16 * GIB };
const MAC: HostSize = { ...LINUX, os: 'darwin', arch: 'arm64', macOsVersion: 26 };
const WINDOWS: HostSize = { ...LINUX, os: 'win32' };

/** What a text makes of the machine. */
const settings = (text: string, host: HostSize = LINUX) =>
  settingsIn(text, { path: '/finch.yaml', host });

describe('machineSettings() of an empty finch.yaml', () => {
  test('takes half of the host, and the defaults of Finch', () => {
    expect(machineSettings({}, LINUX)).toEqual({
      vmType: 'qemu',
      isNative: false,
      cpus: 4,
      memory: 8 * GIB,
      bootDisk: 100 * GIB,
      dataDisk: 50 * GIB,
      additionalDirectories: [],
      rosetta: false,
      vmnet: false,
      mountInotify: false,
      snapshotters: [],
      credsHelpers: [],
      dockerCompat: false,
      autoStart: true,
      limactl: undefined,
      notes: [],
    });
  });

  test('takes two CPUs and 2 GiB where half of the host is less, without a word', () => {
    const tiny = { ...LINUX, cpus: 1, memory: GIB };
    expect(machineSettings({}, tiny)).toMatchObject({ cpus: 2, memory: 2 * GIB, notes: [] });
    expect(machineSettings({}, { ...LINUX, cpus: 5 }).cpus).toBe(3);
  });

  test.each([
    ['vz on a Mac', MAC, 'vz'],
    ['QEMU on a Mac before macOS 13', { ...MAC, macOsVersion: 12 }, 'qemu'],
    ['WSL on Windows', WINDOWS, 'wsl2'],
  ] as const)('takes %s', (_, host, vmType) => {
    expect(machineSettings({}, host).vmType).toBe(vmType);
  });
});

describe('a finch.yaml', () => {
  test('says all of it', () => {
    const text = [
      ...['cpus: 3', 'memory: 4g', 'bootdisk: 60GiB', 'datadisk: 21474836480', 'rosetta: true'],
      ...['additional_directories:', '  - path: /a', '  - /b', '  - ~/c', 'vmnet: true'],
      ...['vmType: vz', 'auto_vm_start: false', 'snapshotters: [soci, overlayfs]'],
      ...['creds_helpers: [ecr-login]', 'dockercompat: true', 'limactl: /opt/lima/bin/limactl'],
      ...['experimental: { mountInotify: true, other: 1 }', 'unknown: {a: [1]}'],
    ].join('\n');
    expect(settings(text, MAC)).toEqual({
      vmType: 'vz',
      isNative: false,
      cpus: 3,
      memory: 4 * GIB,
      bootDisk: 60 * GIB,
      dataDisk: 20 * GIB,
      additionalDirectories: ['/a', '/b', '~/c'],
      rosetta: true,
      vmnet: true,
      mountInotify: true,
      snapshotters: ['soci', 'overlayfs'],
      credsHelpers: ['ecr-login'],
      dockerCompat: true,
      autoStart: false,
      limactl: '/opt/lima/bin/limactl',
      notes: [],
    });
  });

  test('may take keys from an anchor, by << as Go reads it', () => {
    const text = 'base: &base\n  cpus: 3\n  memory: 1g\n<<: *base\nmemory: 2g\n';
    expect(settings(text)).toMatchObject({ cpus: 3, memory: 2 * GIB });
    for (const bad of ['<<: 3\n', '<<: [{a: 1}, 3]\n', `<<: [${'{},'.repeat(40)}]\n`]) {
      expect(() => settings(bad)).toThrow(/^\/finch\.yaml:1:1: "<<" /);
    }
  });

  test('has folders by their shortest paths', () => {
    const text = 'additional_directories: [/srv/../data//x/, ~/./a/../b, "C:\\\\d\\\\..\\\\e"]\n';
    expect(settings(text).additionalDirectories).toEqual(['/data/x', '~/b', 'C:\\d\\..\\e']);
  });

  test('says vmnet for nothing where there is none', () => {
    expect(settings('vmnet: true\n')).toMatchObject({
      vmnet: false,
      notes: ['vmnet does nothing here: it needs a Mac'],
    });
  });

  test('may want no virtual machine on Linux', () => {
    expect(settings('vmType: native\n')).toMatchObject({ isNative: true, vmType: 'qemu' });
  });

  test.each([
    ['cpus: 0', ':1:7: specified number of CPUs (0) must be greater than 0'],
    ['cpus: -2', ':1:7: specified number of CPUs (-2) must be greater than 0'],
    ['cpus: 1.5', ':1:7: "cpus" is not a whole number'],
    ['cpus: "4"', ':1:7: "cpus" is not a whole number'],
    ['memory: 0GiB', ':1:9: specified amount of memory (0GiB) must be greater than 0GiB'],
    ['a: 1\nmemory: lots', ':2:9: failed to parse memory to uint: invalid size: "lots"'],
    ['memory: [4g]', ':1:9: "memory" is not a text'],
    ['bootdisk: 5GiB', ':1:11: specified size of boot disk (5GiB) must be greater than 10GiB'],
    ['datadisk: 10g', ':1:11: specified size of datadisk (10g) must be greater than 10GiB'],
    ['datadisk: x', ':1:11: failed to parse datadisk to uint: invalid size: "x"'],
    ['rosetta: yes', ':1:10: "rosetta" is not true or false'],
    ['snapshotters: [soci, zfs]', ':1:22: snapshotter "zfs" is not supported'],
    ['additional_directories: [a/b]', ':1:26: "a/b" is not an absolute path'],
    ['additional_directories:\n- path: a', ':2:9: "a" is not an absolute path'],
    ['additional_directories: /a', ':1:25: "additional_directories" is not a list'],
    ['limactl: limactl', ':1:10: "limactl" is not an absolute path'],
    ['experimental: true', ':1:15: "experimental" is not a map of keys to values'],
    ['vmType: vz', ':1:9: unsupported vm type "vz" for Linux'],
    ['vmType: 3', ':1:9: "vmType" is not a text'],
    ['memory: 4GiB\n  - ecr-login', ':2:3: "- ecr-login" belongs to the text of "memory" here'],
  ])('with %j is refused with the place of it', (text, message) => {
    try {
      settings(text);
      expect.unreachable();
    } catch (error) {
      if (!hasCode(error, 'CONFIG_INVALID')) throw error;
      expect(error.message).toBe(`/finch.yaml${message}`);
      expect(error.hint).toBeString();
    }
  });

  test.each([
    ['native', MAC, 'unsupported vm type "native" for macOS', 'on macOS it may be: vz, qemu'],
    ['qemu', WINDOWS, 'unsupported vm type "qemu" for Windows', 'on Windows it may be: wsl2'],
    ['wsl2', LINUX, 'unsupported vm type "wsl2" for Linux', 'on Linux it may be: qemu, native'],
    [
      'vz',
      { ...MAC, macOsVersion: 12 },
      'system does not have virtualization framework support, change vmType to "qemu"',
      'vz needs macOS 13 or later',
    ],
  ] as const)('with vmType %s names the right ones of the system', (type, host, message, hint) => {
    try {
      settings(`vmType: ${type}`, host);
      expect.unreachable();
    } catch (error) {
      if (!hasCode(error, 'CONFIG_INVALID')) throw error;
      expect(error.message).toBe(`/finch.yaml:1:9: ${message}`);
      expect(error.hint).toBe(hint);
    }
  });
});

describe('notes', () => {
  test('tell of more than the host has, which is no error', () => {
    const { cpus, memory, notes } = settings('cpus: 9\nmemory: 17g\n');
    expect({ cpus, memory }).toEqual({ cpus: 9, memory: 17 * GIB });
    expect(notes).toEqual([
      'The specified number of CPUs (9) is greater than CPUs available on this system (8), which may lead to severe performance degradation',
      'The specified amount of memory (17GiB) is greater than the memory available on this system (16GiB), which may lead to severe performance degradation',
    ]);
    expect(settings('vmType: native\ncpus: 9\n').notes).toEqual([]);
  });

  test.each([
    ['does nothing', 'rosetta: true', LINUX, false],
    ['does nothing', 'rosetta: true\nvmType: qemu', MAC, false],
    ['does nothing', 'rosetta: true', { ...MAC, arch: 'x64' }, false],
    ['may not work', 'rosetta: true', { ...MAC, macOsVersion: 15 }, true],
  ] as const)('say that rosetta %s: %j', (what, text, host, rosetta) => {
    const found = settings(text, host);
    expect(found.rosetta).toBe(rosetta);
    expect(found.notes).toEqual([expect.stringContaining(`rosetta ${what}`)]);
  });
});
