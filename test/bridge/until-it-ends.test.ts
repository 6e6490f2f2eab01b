import { expect, test } from 'bun:test';
import { untilItEnds } from '../../src/bridge/until-it-ends.ts';

const never = new Promise<never>(() => {});
const machine = { isUp: async () => true };

test('the end of a bridge does not wait for what it tidies, and tells that', async () => {
  const told = new AbortController();
  let tidying: AbortSignal | undefined;
  const end = untilItEnds({
    ...{ machine, broken: never, signal: told.signal, isMine: () => true },
    tidy({ signal }) {
      tidying = signal;
      told.abort();
      return never;
    },
  });
  expect(await end).toBe('it was told to');
  expect(tidying?.aborted).toBe(true);
});

test('a bridge whose files are gone tidies nothing', async () => {
  let tidied = false;
  const end = untilItEnds({
    ...{ machine, broken: never, isMine: () => false },
    async tidy() {
      tidied = true;
    },
  });
  expect(await end).toBe('its files were removed or replaced');
  expect(tidied).toBe(false);
});
