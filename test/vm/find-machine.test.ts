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

  test.each(['vmType: hyperv', 'cpus: 0', 'memory: lots', 'nonsense'])(
    'finds the machine although finch.yaml says %p',
    async (yaml) => {
      await using at = await bench(`${yaml}\n`);
      expect((await at.find()).kind).toBe('lima');
    },
  );

  test('finds the machine that was started, whatever finch.yaml says by now, and says so', async () => {
    await using at = await bench('');
    await (await at.find()).init({ onStage: () => {} });
    await at.write('vmType: native\n');
    const running = await at.find();
    expect(running.kind).toBe('lima');
    expect(await running.state()).toMatchObject({
      ...{ status: 'Running', reason: 'finch.yaml chooses another machine by now' },
      hint: 'change over with: finch vm stop, and then: finch vm start',
    });
    await at.write('vmType: [\nlimactl: /nowhere\n');
    await (await at.find()).stop({ force: false, onStage: () => {} });
    await at.write('vmType: native\n');
    expect((await at.find()).kind).toBe('native');
    await at.write('');
    await (await at.find()).start({ onStage: () => {} });
    await at.write('limactl: /nowhere\n');
    expect(await (await at.find()).state()).toMatchObject({ status: 'Running', reason: undefined });
    await at.write('vmType: native\n');
    process.kill((await at.fake.hostAgent()) ?? 0, 'SIGKILL');
    while ((await at.find()).kind === 'lima') await Bun.sleep(10);
  });
});

async function bench(yaml: string) {
  const folder = await temporaryFolder();
  const home = folder.path;
  const fake = await fakeLimactl(home);
  const path = finchYamlPath(home);
  const write = (text: string) => Bun.write(path, text);
  await write(yaml);
  return {
    ...{ fake, write },
    find: () =>
      findMachine({
        ...{ home, installs: [], readSettings: () => readMachineSettings(path) },
        env: { PATH: `${fake.folder}:/usr/bin:/bin`, HOME: home },
      }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
