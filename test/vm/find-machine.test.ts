import { describe, expect, test } from 'bun:test';
import { finchYamlPath } from '../../src/config/finch-yaml.ts';
import { readMachineSettings } from '../../src/config/read-machine-settings.ts';
import { findMachine } from '../../src/vm/find-machine.ts';
import { fakeLimactl } from '../support/fake-limactl.ts';
import { temporaryFolder } from '../support/temporary.ts';

describe.skipIf(process.platform !== 'linux')('findMachine()', () => {
  test.each([
    ['Lima where there is a limactl', true, '', 'lima'],
    ['this Linux where there is none', false, '', 'native'],
    ['this Linux where finch.yaml says so', true, 'vmType: native\n', 'native'],
  ] as const)('takes %s', async (_, hasLima, yaml, kind) => {
    await using folder = await temporaryFolder();
    const fake = await fakeLimactl(folder.path);
    const path = finchYamlPath(folder.path);
    await Bun.write(path, yaml);
    const machine = await findMachine({
      ...{ home: folder.path, installs: [], readSettings: () => readMachineSettings(path) },
      env: { PATH: hasLima ? fake.folder : '/nowhere', HOME: folder.path },
    });
    expect(machine.kind).toBe(kind);
    expect(machine.disk === undefined).toBe(kind === 'native');
  });

  test('does not go on with a finch.yaml that is broken', async () => {
    await using folder = await temporaryFolder();
    const path = finchYamlPath(folder.path);
    await Bun.write(path, 'vmType: hyperv\n');
    const readSettings = () => readMachineSettings(path);
    const finding = findMachine({ home: folder.path, env: {}, installs: [], readSettings });
    await expect(finding).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
