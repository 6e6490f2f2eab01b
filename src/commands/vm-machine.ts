import type { App } from '../app.ts';
import { FinchError } from '../errors.ts';
import type { LimaVm } from '../vm/lima.ts';

/**
 * Finch's virtual machine.
 * @throws FinchError `VM` when there is no Lima
 */
export async function machine({ host, talk }: App): Promise<LimaVm> {
  const { findLima } = await import('../vm/lima.ts');
  const { env } = host;
  const found = findLima({ env, report: (line) => talk.note(line) });
  if (found !== undefined) return found;
  throw new FinchError('VM', 'there is no virtual machine: limactl is not installed', {
    hint: 'registries and images need none; to build and run containers, install Lima, for example with: brew install lima',
  });
}

/** The error for a machine that there is not. */
export function noMachine(): FinchError {
  return new FinchError('VM', 'the instance "finch" does not exist', {
    hint: 'registries and images need no virtual machine; finch cannot make one yet',
  });
}

/** Sees to it that `finch ecr setup` does not start the machine anew, which the user has just seen to. Never fails. */
export async function forgetDueRestart({ host, credentialFile, talk }: App): Promise<void> {
  const { forgetRestart } = await import('../setup/restart-vm.ts');
  try {
    await forgetRestart({ home: host.home, configFile: credentialFile });
  } catch (error) {
    if (!(error instanceof FinchError)) throw error;
    talk.trace(`the virtual machine may be started anew once more: ${error.message}`);
  }
}
