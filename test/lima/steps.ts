/** One step of a run, which is right when it throws nothing. */
export type Step = readonly [title: string, act: () => Promise<void>];

/**
 * Takes steps one after the other, a line each with what it took. What follows a step that failed is not tried.
 * @returns whether all were right
 */
export async function takeSteps(steps: readonly Step[]): Promise<boolean> {
  for (const [title, act] of steps) {
    const start = performance.now();
    const fault = await act().then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    say(`${fault === undefined ? 'ok  ' : 'FAIL'} ${seconds.padStart(6)} s  ${title}`);
    if (fault === undefined) continue;
    say(fault.replace(/^/gm, '       '));
    return false;
  }
  return true;
}

/** @throws what was seen, unless it is as it should be */
export function expectThat(isRight: boolean, seen: unknown): void {
  if (!isRight) throw new Error(typeof seen === 'string' ? seen : JSON.stringify(seen, null, 2));
}

/** Writes a line for whoever watches. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
