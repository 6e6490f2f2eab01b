import { describe, expect, test } from 'bun:test';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FinchError } from '../../src/errors.ts';
import { type SetupOptions, setUpEcr, unsetEcr } from '../../src/setup/ecr-setup.ts';
import { forgetRestart, type SetupMachine } from '../../src/setup/restart-vm.ts';
import type { MachineStatus } from '../../src/vm/machine.ts';
import { temporaryFolder } from '../support/temporary.ts';

const HOST = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';

type Verb = 'status' | 'stop' | 'start';

/** A machine that runs, and fails once at a verb, perhaps after it has done it. */
function machine(failing: Verb, { isLate = false } = {}) {
  const done: Verb[] = [];
  let state: MachineStatus | undefined = 'Running';
  let left = 1;
  const step = (verb: Verb, next: MachineStatus | undefined) => {
    const isFailing = verb === failing && left-- > 0;
    if (!isFailing || isLate) {
      if (verb !== 'status') done.push(verb);
      state = next;
    }
    if (isFailing) throw new FinchError('VM', `cannot ${verb}`);
    return state;
  };
  const vm: SetupMachine = {
    name: 'the virtual machine',
    status: async () => step('status', state),
    stop: async () => void step('stop', 'Stopped'),
    start: async () => void step('start', 'Running'),
  };
  const set = (next: MachineStatus) => {
    state = next;
  };
  return { vm, done, set, state: () => state };
}

async function bench(vm: SetupMachine) {
  const folder = await temporaryFolder();
  const home = join(folder.path, 'home');
  await mkdir(home);
  const said: string[] = [];
  const options: SetupOptions = {
    ...{ home, configFile: join(home, 'config.json'), program: undefined, vm },
    show: (line) => void said.push(line),
    report: (line) => void said.push(line),
  };
  return {
    said,
    setUp: (isDryRun = false) => setUpEcr({ hosts: [HOST], profile: undefined, isDryRun }, options),
    unset: () => unsetEcr([], options),
    forget: () => forgetRestart(options),
    record: () => Bun.file(join(home, 'ecr-setup.json')),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('the restart of the virtual machine', () => {
  test.each([
    ['status', ['stop', 'start']],
    ['stop', ['stop', 'start']],
    ['start', ['stop', 'start']],
  ] as const)('is finished by the next setup when %s failed', async (failing, verbs) => {
    const lima = machine(failing);
    await using at = await bench(lima.vm);
    await expect(at.setUp()).rejects.toMatchObject({ code: 'VM' });
    await at.setUp();
    expect(lima.done).toEqual([...verbs]);
    expect(lima.state()).toBe('Running');
    expect(at.said).toContain('nothing to change');
    expect(at.said.at(-1)).toBe('restarted the virtual machine');
    await at.setUp();
    expect(lima.done).toEqual([...verbs]);
  });

  test.each(['status', 'stop', 'start'] as const)(
    'is finished by the next unset when %s failed in setup',
    async (failing) => {
      const lima = machine(failing);
      await using at = await bench(lima.vm);
      await expect(at.setUp()).rejects.toMatchObject({ code: 'VM' });
      await at.unset();
      expect(lima.state()).toBe('Running');
      expect(await at.record().exists()).toBe(false);
      await at.unset();
      expect(at.said.at(-1)).toBe('nothing was set up with: finch ecr setup');
    },
  );

  test('is finished when all else is taken back', async () => {
    const lima = machine('stop');
    await using at = await bench(lima.vm);
    lima.set('Stopped');
    await at.setUp();
    lima.set('Running');
    await expect(at.unset()).rejects.toMatchObject({ code: 'VM' });
    await at.unset();
    expect(at.said.slice(-3)).toEqual([
      'nothing was set up with: finch ecr setup',
      'restarting the virtual machine',
      'restarted the virtual machine',
    ]);
    expect(lima.done).toEqual(['stop', 'start']);
    expect(await at.record().exists()).toBe(false);
  });

  test.each(['setUp', 'unset'] as const)(
    'is finished by the next %s when the machine stopped although Lima failed',
    async (next) => {
      const lima = machine('stop', { isLate: true });
      await using at = await bench(lima.vm);
      await expect(at.setUp()).rejects.toMatchObject({ code: 'VM' });
      expect(lima.state()).toBe('Stopped');
      await at[next]();
      expect(lima.done).toEqual(['stop', 'start']);
      expect(at.said.at(-1)).toBe('restarted the virtual machine');
    },
  );

  test.each(['stop', 'start'] as const)(
    'is forgotten when %s failed and the user has seen to it',
    async (failing) => {
      const lima = machine(failing);
      await using at = await bench(lima.vm);
      await at.forget();
      expect(await at.record().exists()).toBe(false);
      await expect(at.setUp()).rejects.toMatchObject({ code: 'VM' });
      lima.set('Running');
      await at.forget();
      const before = [...lima.done];
      await at.setUp();
      expect(lima.done).toEqual(before);
      await at.unset();
      expect(lima.done).toEqual([...before, 'stop', 'start']);
    },
  );

  test('needs nothing more when the user has started it since', async () => {
    const lima = machine('start');
    await using at = await bench(lima.vm);
    await expect(at.setUp()).rejects.toMatchObject({ code: 'VM' });
    lima.set('Running');
    await at.setUp();
    expect(lima.done).toEqual(['stop']);
    await at.unset();
    expect(lima.done).toEqual(['stop', 'stop', 'start']);
  });

  test('is done anew when the user has started it between two changes', async () => {
    const lima = machine('start');
    await using at = await bench(lima.vm);
    await expect(at.setUp()).rejects.toMatchObject({ code: 'VM' });
    lima.set('Running');
    await at.unset();
    expect(lima.done).toEqual(['stop', 'stop', 'start']);
    expect(await at.record().exists()).toBe(false);
  });

  test('is announced by a dry run', async () => {
    const lima = machine('stop');
    await using at = await bench(lima.vm);
    await at.setUp(true);
    expect(at.said.slice(-2)).toEqual([
      'would restart the virtual machine',
      'this was a dry run: nothing was changed',
    ]);
    expect(lima.done).toEqual([]);
    lima.set('Stopped');
    await at.setUp(true);
    expect(at.said.filter((line) => line.startsWith('would'))).toHaveLength(1);
  });

  test('is left open by a dry run where Lima does not answer', async () => {
    const lima = machine('status');
    await using at = await bench(lima.vm);
    await at.setUp(true);
    expect(at.said.slice(-2)).toEqual([
      'would restart the virtual machine if it runs: cannot status',
      'this was a dry run: nothing was changed',
    ]);
    expect(await at.record().exists()).toBe(false);
  });
});
