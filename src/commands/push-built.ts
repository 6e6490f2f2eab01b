import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';

/**
 * Pushes images that were built, one after the other.
 * @throws all that `finch push` throws
 */
export async function pushBuilt(
  app: App,
  names: readonly string[],
  { signal }: AbortOptions,
): Promise<void> {
  const { command } = await import('./push.ts');
  for (const name of names) {
    const invocation = {
      ...{ args: [name], words: [name], on: () => false, text: () => undefined, list: () => [] },
      signal: signal ?? new AbortController().signal,
    };
    const result = await command.run(app, invocation);
    if (result.kind === 'faulty') throw result.fault;
    if (result.kind === 'lines') for (const line of result.lines) app.talk.print(line);
  }
}
