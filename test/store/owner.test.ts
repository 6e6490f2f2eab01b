import { expect, test } from 'bun:test';
import { currentOwner, ingestName, ingestOwner, ownerState } from '../../src/store/owner.ts';

test('ownerState() knows this process, and an ended one', async () => {
  expect(ownerState(currentOwner())).toBe('alive');
  const script = `
    import { currentOwner } from ${JSON.stringify(`${import.meta.dir}/../../src/store/owner.ts`)};
    process.stdout.write(currentOwner());`;
  const child = Bun.spawnSync([process.execPath, '--eval', script]);
  expect(ownerState(child.stdout.toString())).toBe('dead');
});

test.skipIf(process.platform !== 'linux')(
  'ownerState() is not fooled by a process number that was used again, and does not judge another start or machine',
  () => {
    const [pid, started, boot, namespace] = currentOwner().split('.');
    expect(ownerState(`${pid}.1.${boot}.${namespace}`)).toBe('dead');
    expect(ownerState(`${pid}.${started}.abc.${namespace}`)).toBe('unknown');
    expect(ownerState(`${pid}.${started}.${boot}.1`)).toBe('unknown');
  },
);

test('ownerState() is unknown for what is no owner', () => {
  for (const text of ['', 'skopeo', '1.2.3', '1.2.g.4']) expect(ownerState(text)).toBe('unknown');
});

test('ingestOwner() finds the owner that ingestName() put into a file name', () => {
  expect(ingestOwner(ingestName('1.2.a.4'))).toBe('1.2.a.4');
  expect(ingestOwner('no')).toBe('');
});
