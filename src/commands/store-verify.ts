import { FinchError } from '../errors.ts';
import type { Damage } from '../store/image-store.ts';
import type { Command } from './command.ts';

/** `finch store verify`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Reads all content and compares it with the digest that names it, and checks that every image has all that it needs. Changes nothing; ends with status 1 when something is damaged.',
  flags: [],
  examples: [{ line: 'finch store verify', what: 'check every image in the store' }],
  async run(app, { signal }) {
    const store = await app.store();
    const { names, blobs, bytes, damages } = await store.inspect({ signal });
    if (damages.length === 0) {
      const line = `${names} names, ${blobs} blobs, ${bytes} bytes: nothing is damaged`;
      return { kind: 'lines', lines: [line] };
    }
    for (const damage of damages) app.talk.print(damageLine(damage));
    throw new FinchError(
      'STORE_UNUSABLE',
      `${damages.length} of the blobs in ${store.path} are missing or damaged`,
      { hint: 'run: finch store repair, then pull or load the images again' },
    );
  },
};

/** One line about damaged content and who needs it. */
export function damageLine({ digest, problem, names }: Damage): string {
  const needed = names.length === 0 ? 'no name needs it' : `needed by ${names.join(', ')}`;
  return `${digest} ${problem}; ${needed}`;
}
