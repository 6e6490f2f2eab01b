import { FinchError } from '../../src/errors.ts';
import { RegistryError } from '../../src/server/registry-error.ts';

/** What may not stand in text that is shown: control characters, other line ends, changes of direction. */
const UNFIT = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

const MAX_MESSAGE = 2048;

/** A promise that the product did not keep. */
class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

/** Throws unless `kept`. */
export function promise(kept: boolean, what: string): asserts kept {
  if (!kept) throw new BrokenPromise(what);
}

/** Throws unless both are equal, whatever the order of their members is. */
export function promiseSame(actual: unknown, expected: unknown, what: string): void {
  if (Bun.deepEquals(actual, expected)) return;
  const [a, b] = [actual, expected].map((value) => JSON.stringify(value)?.slice(0, 500));
  promise(false, `${what}: ${a} is not ${b}`);
}

/** Throws when `text` may not be shown as it is. */
export function promiseShowable(text: string, what: string): void {
  const at = text.search(UNFIT);
  if (at !== -1) promise(false, `${what} has U+${text.codePointAt(at)?.toString(16)}`);
}

/** Whether `error` is one that a user or a client is meant to see, with a message that is fit for it. */
function isCleanError(error: unknown): error is FinchError | RegistryError {
  return whyUnclean(error) === undefined;
}

/** What is wrong with an error; undefined when nothing is. */
export function whyUnclean(error: unknown): string | undefined {
  if (!(error instanceof FinchError || error instanceof RegistryError)) return describe(error);
  const texts = [error.message, error instanceof FinchError ? (error.hint ?? '') : ''];
  for (const text of texts) {
    if (text.length > MAX_MESSAGE)
      return `a message of ${text.length} characters: ${text.slice(0, 200)}…`;
    if (UNFIT.test(text)) return `a message with control characters: ${JSON.stringify(text)}`;
  }
  return undefined;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`;
  return error.stack ?? `${error.name}: ${error.message}`;
}

/** What `work` gives, or undefined when it fails with a clean error; any other is thrown on. */
export function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isCleanError(error)) return undefined;
    throw error;
  }
}
