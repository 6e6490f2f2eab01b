import { bridgePorts } from '../bridge/bridge-ports.ts';
import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { machineFolder } from '../vm/machine-folder.ts';
import { engineLines, runEngine } from './ask-engine.ts';
import type { Engine } from './engine.ts';

/**
 * Takes from the engine the names by which builds pushed to the bridges of a home and that killed ones left. What
 * they name keeps its other names, and is freed where it has none. Only where no build runs. When the engine does
 * not do it, they stay until the next time.
 * @throws the signal's reason
 */
export async function sweepBuildNames(
  engine: Engine,
  home: string,
  { signal }: AbortOptions,
): Promise<void> {
  const ports = await bridgePorts(machineFolder(home));
  const registries = ports.map((port) => `${engine.machine.hostAddress}:${port}/`);
  try {
    const names = await engineLines(engine, ['image', 'ls', '--all', '--format', '{{.Name}}'], {
      signal,
    });
    const left = new Set(names.filter((name) => registries.some((it) => name.startsWith(it))));
    if (left.size > 0) await runEngine(engine, ['rmi', ...left], { signal });
  } catch (error) {
    if (!(error instanceof FinchError) || error.code === 'CANCELLED') throw error;
  }
}
