import { readdirSync, readFileSync } from 'node:fs';

/** A process that carries chunks for another. */
export interface FoundCourier {
  readonly pid: number;
  /** What others can see of it. */
  readonly commandLine: string;
  readonly environment: string;
}

/** The couriers of a home of finch that live now. */
export function couriersOf(home: string): readonly FoundCourier[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const commandLine = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      const environment = readFileSync(`/proc/${name}/environ`, 'utf8');
      const isOne =
        commandLine.endsWith('\0courier\0serve\0') &&
        environment.split('\0').includes(`FINCH_HOME=${home}`);
      return isOne ? [{ pid: Number(name), commandLine, environment }] : [];
    } catch {
      // It is over, or another user's.
      return [];
    }
  });
}

/** Returns when no courier of the home lives any more. */
export async function noCouriers(home: string): Promise<void> {
  while (couriersOf(home).length > 0) await Bun.sleep(5);
}
