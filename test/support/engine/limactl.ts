import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enginePrograms } from './programs.ts';

/** Whether Lima's own program is here. */
export const hasLimactl: boolean = Bun.which(enginePrograms.limactl) !== null;

/** The user `nobody`, because Lima does nothing for root. */
const NOBODY = 65_534;

/**
 * Has Lima's own `limactl validate` look at a document.
 * @returns its exit status and what it says, in lines of logrus
 */
export async function limactlValidate(
  document: string,
): Promise<{ readonly exitCode: number; readonly stderr: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'finch-test-'));
  try {
    const file = join(folder, 'finch.yaml');
    await writeFile(file, document);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) {
      await chown(folder, NOBODY, NOBODY);
      await chmod(file, 0o644);
    }
    const child = Bun.spawn([enginePrograms.limactl, 'validate', file], {
      ...{ cwd: folder, stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' },
      env: { PATH: process.env['PATH'], HOME: folder, LIMA_HOME: join(folder, '.lima') },
      ...(isRoot && { uid: NOBODY, gid: NOBODY }),
    });
    return { stderr: await child.stderr.text(), exitCode: await child.exited };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
