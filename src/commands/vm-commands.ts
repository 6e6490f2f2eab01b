import { type Command, silence } from './command.ts';
import { machineOptions } from './machine-options.ts';

/** What the commands that {@link bringUpCommand} and {@link takeDownCommand} make say of themselves. */
type Words = Pick<Command, 'about' | 'examples'>;

/** A command that makes or starts the machine, with all that belongs to it. */
export function bringUpCommand(verb: 'init' | 'start', words: Words): Command {
  return {
    ...{ usage: '', arity: { min: 0, max: 0 }, flags: [], ...words },
    async run(app, { signal }) {
      const { bringUp } = await import('../engine/bring-up.ts');
      await bringUp(await app.machine(), verb, machineOptions(app, { signal }));
      return silence;
    },
  };
}

/**
 * A command that stops or removes the machine, with all that belongs to it.
 * @param force what its flag of that name does
 */
export function takeDownCommand(
  verb: 'stop' | 'remove',
  { force, ...words }: Words & { readonly force: string },
): Command {
  return {
    ...{ usage: '', arity: { min: 0, max: 0 }, ...words },
    flags: [{ name: 'force', short: 'f', summary: force }],
    async run(app, { on, signal }) {
      const { takeDown } = await import('../engine/bring-up.ts');
      const options = { ...machineOptions(app, { signal }), force: on('force') };
      await takeDown(await app.machine(), verb, options);
      return silence;
    },
  };
}
