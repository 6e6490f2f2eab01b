import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import { formatBytes } from '../humanize.ts';
import { formatReference } from '../oci/reference.ts';
import type { ImageStore } from '../store/image-store.ts';
import { shellLine } from '../text.ts';
import type { Result } from './command.ts';
import { faultOf } from './push-faults.ts';
import type { PushSettings } from './push-flags.ts';
import type { PushItem } from './push-items.ts';
import { type ItemOutcome, pushOutcomes } from './push-outcomes.ts';
import { type PushRecord, writeText } from './push-record.ts';

/** What {@link runPush} works with. */
interface PushSurroundings {
  readonly app: App;
  readonly store: ImageStore;
  readonly record: PushRecord;
}

/** The settings of a push, and what the user wrote. */
interface PushWords extends PushSettings, AbortOptions {
  readonly words: readonly string[];
}

/**
 * Pushes, and writes down what the user wants to have written down of it. An interrupt is a fault like others, `CANCELLED`
 * with how to go on.
 */
export async function runPush(
  items: readonly PushItem[],
  { app, store, record }: PushSurroundings,
  words: PushWords,
): Promise<Result> {
  const { choice, verify, maxUploads, limitRate, signal } = words;
  record.start(items);
  let outcomes: readonly ItemOutcome[];
  try {
    using progress = app.talk.progress({ active: 'uploading', done: 'done' });
    outcomes = await pushOutcomes(
      items,
      { app, store },
      {
        ...{ verify, maxUploads, limitRate, signal },
        verifyMembers: choice.kind === 'all',
        onEvent: (event, to) => progress.update(event, record.update(event, to)),
      },
    );
  } catch (error) {
    return failBefore({ app, record }, error, words);
  }
  const cancelled = outcomes.find(({ error }) => hasCode(error, 'CANCELLED'))?.error;
  const interrupt =
    cancelled === undefined ? undefined : interrupted(cancelled, { app, record, words });
  record.end(outcomes, interrupt);
  return finish(outcomes, interrupt ?? faultOf(outcomes), record, words);
}

/**
 * Writes the receipt of a push that found out before it began that it cannot be.
 * @throws always `error`
 */
export async function failBefore(
  { app, record }: Omit<PushSurroundings, 'store'>,
  error: unknown,
  { dryRun, receipt }: PushSettings,
): Promise<never> {
  record.fail(error);
  if (receipt === '-') app.talk.print(record.receipt());
  else if (receipt !== undefined && !dryRun) {
    // Something else went wrong, and that is what the user must see.
    await writeText(receipt, `${record.receipt()}\n`).catch(({ message }: Error) =>
      app.talk.note(`there is no receipt: ${message}`),
    );
  }
  throw error;
}

async function finish(
  outcomes: readonly ItemOutcome[],
  ended: Error | undefined,
  record: PushRecord,
  { quiet, digestFile, receipt }: PushWords,
): Promise<Result> {
  const pushed = outcomes.flatMap(({ item, error }) => (error === undefined ? [item] : []));
  let fault = ended;
  const write = async (path: string | undefined, text: string) => {
    if (path === undefined || path === '-') return;
    await writeText(path, text).catch((error: Error) => {
      fault ??= error;
    });
  };
  if (fault === undefined) await write(digestFile, digestsOf(pushed));
  await write(receipt, `${record.receipt()}\n`);
  const names = pushed.map(({ reference, name, target: { root } }) =>
    quiet ? formatReference(reference) : `${name}: digest: ${root.digest} size: ${root.size}`,
  );
  const lines = receipt === '-' ? [record.receipt()] : names;
  const shown = { kind: 'lines', lines } as const;
  return fault === undefined ? shown : { kind: 'faulty', shown, fault };
}

/** One digest as podman and skopeo write it, without a line's end; of several a line for each, with its name. */
function digestsOf(items: readonly PushItem[]): string {
  const [first] = items;
  if (items.length === 1 && first !== undefined) return first.target.root.digest;
  return items.map(({ name, target }) => `${name}@${target.root.digest}\n`).join('');
}

function interrupted(
  cause: unknown,
  { app, record, words }: { app: App; record: PushRecord; words: PushWords },
): FinchError {
  const { unfinishedBytes } = record;
  if (words.resume && unfinishedBytes > 0 && !words.quiet) {
    app.talk.note(
      `${formatBytes(unfinishedBytes)} of what is unfinished went out; what the registry keeps of it is not sent again`,
    );
  }
  const hint = `go on with: ${shellLine(['finch', 'push', ...words.words])}`;
  return new FinchError('CANCELLED', 'interrupted', { hint, cause });
}
