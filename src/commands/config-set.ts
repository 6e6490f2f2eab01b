import type { ConfigKey } from '../config/keys.ts';
import { FinchError } from '../errors.ts';
import { changeSettings } from './change-settings.ts';
import { type Command, type Invocation, silence } from './command.ts';

/** `finch config set`. */
export const command: Command = {
  usage: 'KEY VALUE…',
  arity: { min: 1, max: 100 },
  about:
    'Writes the value of a key into finch.yaml, and leaves everything else there as it is, comments among it. Of a list it takes all items, as arguments or with commas between, one with a comma in double quotes; those that are not named are taken out. What is no value for the key is refused, and nothing is written.',
  flags: [{ name: 'unset', summary: 'take the key out of finch.yaml, so that the default counts' }],
  examples: [
    { line: 'finch config set memory 8GiB', what: 'give the virtual machine 8 GiB of memory' },
    { line: 'finch config set snapshotters soci overlayfs', what: 'set a list' },
    { line: 'finch config set --unset memory', what: 'go back to the default' },
  ],
  async run(app, invocation) {
    const { configKey } = await import('../config/keys.ts');
    const [name = ''] = invocation.args;
    const key = configKey(name);
    await changeSettings(app, [{ key, texts: textsFor(key, invocation) }]);
    return silence;
  },
};

function textsFor({ name, kind }: ConfigKey, { args, on }: Invocation): readonly string[] {
  const [, ...given] = args;
  const values = kind === 'list' ? given.flatMap(itemsIn) : given;
  if (on('unset')) {
    if (given.length === 0) return [];
    throw new FinchError('USAGE', '--unset takes a key, and no value', {
      hint: `take it out with: finch config set --unset ${name}`,
    });
  }
  const isRight = kind === 'list' ? values.length > 0 : values.length === 1;
  if (isRight) return values;
  const wanted = kind === 'list' ? 'at least one value' : 'one value';
  throw new FinchError('USAGE', `${name} needs ${wanted}`, {
    hint: `set it with: finch config set ${name} VALUE, or go back to its default with: finch config set --unset ${name}`,
  });
}

/** `a,b` are two, `"a,b"` is one. */
function itemsIn(text: string): readonly string[] {
  const items = text.match(/\s*"[^"]*"\s*(?=,|$)|[^,]+/g) ?? [];
  return items.map((item) => item.trim().replace(/^"(.*)"$/, '$1')).filter(Boolean);
}
