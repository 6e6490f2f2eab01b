import { expect, test } from 'bun:test';
import { currentOwner, ingestName, ingestOwner, ownerState } from '../../src/host/owner.ts';

test('ownerState() knows this process, and an ended one', async () => {
  expect(ownerState(currentOwner())).toBe('alive');
  const script = `
    import { currentOwner } from ${JSON.stringify(`${import.meta.dir}/../../src/host/owner.ts`)};
    process.stdout.write(currentOwner());`;
  const child = Bun.spawnSync([process.execPath, '--eval', script]);
  expect(ownerState(child.stdout.toString())).toBe('dead');
});

test.skipIf(process.platform !== 'linux')(
  'ownerState() is not fooled by a process number that was used again, knows another start of this machine, and does not judge another machine',
  () => {
    const [pid, started, boot, namespace, machine] = currentOwner().split('.');
    expect(ownerState(`${pid}.1.${boot}.${namespace}.${machine}`)).toBe('dead');
    expect(ownerState(`${pid}.${started}.abc.${namespace}.def`)).toBe('unknown');
    expect(ownerState(`${pid}.${started}.abc.${namespace}.0`)).toBe('unknown');
    expect(ownerState(`${pid}.${started}.abc.${namespace}.${machine}`)).toBe(
      machine === '0' ? 'unknown' : 'dead',
    );
    expect(ownerState(`${pid}.${started}.${boot}.1.${machine}`)).toBe('unknown');
  },
);

test('ownerState() is unknown for what is no owner', () => {
  for (const text of ['', 'skopeo', '1.2.3', '1.2.g.4']) expect(ownerState(text)).toBe('unknown');
});

test('ingestOwner() finds the owner that ingestName() put into a file name', () => {
  expect(ingestOwner(ingestName('1.2.a.4'))).toBe('1.2.a.4');
  expect(ingestOwner('no')).toBe('');
});

test.skipIf(process.getuid?.() !== 0 || Bun.which('unshare') === null)(
  'ownerState() does not take a process for dead that another user may not see',
  () => {
    const file = JSON.stringify(`${import.meta.dir}/../../src/host/owner.ts`);
    const script = `
      const { ownerState } = await import(${file});
      process.setgroups([65534]);
      process.setgid(65534);
      process.setuid(65534);
      const dead = process.argv[1].replace(/^\\d+/, '4194304');
      process.stdout.write([process.argv[1], dead].map(ownerState).join(' '));`;
    const hidden = 'mount -t proc -o hidepid=2 proc /proc && exec "$0" --eval "$1" "$2"';
    const child = Bun.spawnSync(
      ['unshare', '-m', 'sh', '-c', hidden, process.execPath, script, currentOwner()],
      { stderr: 'pipe' },
    );
    if (child.stderr.toString().includes('mount:')) return;
    expect(child.stdout.toString()).toBe('unknown dead');
  },
);
