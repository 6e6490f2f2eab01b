import type { Fault } from './state.ts';

/** What is arranged to go wrong. */
export class Faults {
  #arranged: { readonly fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#arranged.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#arranged = [];
  }

  /** What happens to an action now, such as `ecr:PutImage`, which counts as one time. */
  take(action: string): Fault | undefined {
    const found = this.#arranged.find(({ fault, left }) => left > 0 && matches(fault, action));
    if (found === undefined) return undefined;
    found.left -= 1;
    return found.fault;
  }
}

/** Whether there is no more to a fault than the time it takes. */
export function onlyDelays(fault: Fault): boolean {
  const { status, type, message, reset, body } = fault;
  return [status, type, message, reset, body].every((it) => it === undefined);
}

function matches({ action: wanted }: Fault, action: string): boolean {
  if (wanted === undefined) return true;
  if (typeof wanted !== 'string') return wanted.test(action);
  return wanted === action || wanted === action.replace(/^[a-z-]+:/, '');
}
