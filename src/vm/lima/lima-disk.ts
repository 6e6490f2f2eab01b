import { FinchError } from '../../errors.ts';
import { printable } from '../../text.ts';
import type { ActOptions } from '../machine.ts';
import { noDisk } from '../no-machine.ts';
import { INSTANCE, type Lima } from './find-limactl.ts';
import { limaSize, shownSize, staysLarger } from './lima-size.ts';
import { askLimactl, type RunLimactlOptions } from './run-limactl.ts';

/** What Lima calls finch's data disk: images and containers are on it, and outlive the machine. */
export const DATA_DISK = 'finch';

/** How Lima is asked. */
export type LimaContext = Pick<RunLimactlOptions, 'env' | 'signal'>;

interface DataDisk {
  /** In bytes. */
  readonly size: number;
  /** The machine that has it; empty when none has. */
  readonly instance: string;
}

const SEE = 'see what there is with: finch vm disk info';

/** Lima rounds sizes of disks up to whole sectors, in bytes. */
const SECTOR = 512;

/**
 * Sees to it that there is a data disk of at least `wanted` bytes that no dead machine holds. One that is
 * larger stays as it is, and that is said.
 * @throws FinchError `VM`
 */
export async function prepareDataDisk(
  lima: Lima,
  wanted: number,
  { onStage, ...context }: LimaContext & ActOptions,
): Promise<void> {
  const size = Math.ceil(wanted / SECTOR) * SECTOR;
  const disk = await readDataDisk(lima, context);
  if (disk === undefined) return await createDataDisk(lima, size, context);
  if (disk.instance === INSTANCE) await unlockDataDisk(lima, context);
  if (size > disk.size) {
    onStage(`Resizing data disk from ${shownSize(disk.size)} to ${shownSize(size)}`);
    await growDataDisk(lima, size, context);
  } else if (size < disk.size) {
    onStage(staysLarger('data', { configured: size, current: disk.size }));
  }
}

/** @throws FinchError `VM` */
async function createDataDisk(lima: Lima, size: number, context: LimaContext): Promise<void> {
  // The system of macOS reads no other format.
  const args = ['disk', 'create', DATA_DISK, '--size', limaSize(size), '--format', 'raw'];
  await askLimactl(lima, args, { ...context, what: 'make the data disk', hint: SEE });
}

/** A machine that was killed still holds its disk. */
async function unlockDataDisk(lima: Lima, context: LimaContext): Promise<void> {
  await askLimactl(lima, ['disk', 'unlock', DATA_DISK], {
    ...context,
    what: 'unlock the data disk',
    hint: SEE,
  });
}

async function growDataDisk(lima: Lima, size: number, context: LimaContext): Promise<void> {
  await askLimactl(lima, ['disk', 'resize', DATA_DISK, '--size', limaSize(size)], {
    ...context,
    what: 'resize the data disk',
    hint: SEE,
  });
}

/**
 * Makes the data disk larger. That cannot be taken back.
 * @param size in bytes
 * @param isUp whether the machine runs that has it
 * @throws FinchError `VM` for a smaller size, for a disk that is not there, and for that of a machine that runs
 */
export async function resizeDataDisk(
  lima: Lima,
  size: number,
  { isUp, ...context }: LimaContext & { readonly isUp: () => Promise<boolean> },
): Promise<void> {
  const disk = await readDataDisk(lima, context);
  if (disk === undefined) throw noDisk();
  if (size < disk.size) {
    throw new FinchError(
      'VM',
      `failed to resize disk: it has ${shownSize(disk.size)}, and a disk does not get smaller`,
      { hint: `give a size of more than ${shownSize(disk.size)}` },
    );
  }
  if (await isUp()) {
    throw new FinchError('VM', 'failed to resize disk: the virtual machine uses it', {
      hint: 'stop it first with: finch vm stop',
    });
  }
  await growDataDisk(lima, size, context);
}

/**
 * What Lima shows of the data disk, as a table; undefined when there is none.
 * @throws FinchError `VM`
 */
export async function describeDataDisk(
  lima: Lima,
  context: LimaContext,
): Promise<readonly string[] | undefined> {
  if ((await readDataDisk(lima, context)) === undefined) return undefined;
  const text = await askLimactl(lima, ['disk', 'ls', DATA_DISK], {
    ...context,
    ...{ what: 'ask for the data disk', hint: SEE },
  });
  return text.trimEnd().split('\n').map(printable);
}

async function readDataDisk(lima: Lima, context: LimaContext): Promise<DataDisk | undefined> {
  const text = await askLimactl(lima, ['disk', 'ls', '--json', DATA_DISK], {
    ...context,
    ...{ what: 'ask for the data disk', hint: `see what it says to: ${lima.program} disk ls` },
  });
  if (text.trim() === '') return undefined;
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found === 'object' && found !== null && 'size' in found) {
      const { size } = found;
      const instance = 'instance' in found ? found.instance : '';
      if (typeof size === 'number' && typeof instance === 'string') return { size, instance };
    }
  } catch {
    // It is said below.
  }
  throw new FinchError('VM', 'cannot understand what Lima says of the data disk', {
    hint: `see what it says to: ${lima.program} disk ls --json`,
  });
}
