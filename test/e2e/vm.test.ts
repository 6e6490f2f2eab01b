import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { fakeLimactl } from '../support/fake-limactl.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { finch } from './support/finch.ts';

describe('finch vm', () => {
  test('stops and starts the machine', async () => {
    await using lima = await fakeLima('Running');
    expect(await lima.vm('stop')).toEqual({
      stdout: '',
      stderr:
        'Stopping existing Finch virtual machine...\nFinch virtual machine stopped successfully\n',
      exitCode: 0,
    });
    expect(await lima.vm('status')).toMatchObject({ stdout: 'Stopped\n', exitCode: 0 });
    expect((await lima.vm('start')).exitCode).toBe(0);
    expect(await lima.vm('status')).toMatchObject({ stdout: 'Running\n', exitCode: 0 });
  });

  test.each([
    ['stop', 'Running'],
    ['start', 'Stopped'],
  ])(
    '%s leaves nothing to do of the restart that ecr setup could not finish',
    async (action, state) => {
      await using lima = await fakeLima(state);
      const restartPending = { isDue: true, isStopped: true };
      await Bun.write(lima.record, JSON.stringify({ files: [], restartPending }));
      expect((await lima.vm(action)).exitCode).toBe(0);
      expect(await Bun.file(lima.record).exists()).toBe(false);
      await Bun.write(lima.record, '{');
      await lima.vm(action === 'stop' ? 'start' : 'stop');
      expect((await lima.vm(action)).exitCode).toBe(0);
      expect(await Bun.file(lima.record).text()).toBe('{');
    },
  );

  test.each([
    ['stop', 'Stopped', 'the instance "finch" is already stopped'],
    ['start', 'Running', 'the instance "finch" is already running'],
    ['stop', undefined, 'the instance "finch" does not exist'],
    ['start', undefined, 'the instance "finch" does not exist'],
  ] as const)('does not %s a machine that is %s', async (action, state, message) => {
    await using lima = await fakeLima(state);
    const { stdout, stderr, exitCode } = await lima.vm(action);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
    expect(stderr).toMatch(/^finch: .*\nhint: .*\n$/);
    expect(stderr).toStartWith(`finch: ${message}\n`);
  });

  test('shows the end of what Lima says when it fails', async () => {
    await using lima = await fakeLima('Running', { fails: true });
    const { stderr, exitCode } = await lima.vm('stop');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('limactl: msg="the disk is in use"\n');
    expect(stderr).toContain('ended with exit status 1\nhint: ');
  });

  test('says that there is none where Lima is missing', async () => {
    await using lima = await fakeLima('Running');
    const { stderr, exitCode } = await lima.vm('status', { PATH: '/nowhere' });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('limactl is not installed\nhint: ');
  });
});

async function fakeLima(state: string | undefined, { fails = false }: { fails?: boolean } = {}) {
  const folder = await temporaryFolder();
  const lima = await fakeLimactl(folder.path);
  if (state !== undefined) await lima.setStatus(state);
  if (fails) await lima.fail('stop', 'msg="the disk is in use"\n');
  const env = { PATH: `${lima.folder}:/usr/bin:/bin` };
  return {
    record: join(folder.path, 'ecr-setup.json'),
    vm: (action: string, more: Readonly<Record<string, string>> = {}) =>
      finch(['vm', action], { home: folder.path, env: { ...env, ...more } }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
