import { join } from 'node:path';
import { isJsonObject, type JsonObject } from '../../oci/json.ts';
import type { AwsSurroundings } from '../surroundings.ts';
import { type Failure, readFailure } from './failure.ts';
import { isKeyHash } from './key-name.ts';
import { readText } from './read-text.ts';
import { situationOf } from './situation.ts';

const VERSION = 1;

/** No state file is larger than this: 1 MiB, more than the keys and failures that are remembered can take. */
const MAX_STATE_BYTES = 1024 * 1024;

/** So many keys are remembered, the newest. */
const MAX_KEYS = 64;

/** So many failures are remembered, the newest. */
const MAX_FAILURES = 16;

/** How long a failure is remembered. */
const FAILURE_MS = 5 * 60_000;

/** The access key that an identity last had. */
interface LastKey {
  readonly hash: string;
  /** When it ends, in milliseconds since 1970. */
  readonly ends: number;
}

/** A {@link Failure} of before. */
interface PastFailure extends Failure {
  /** In milliseconds since 1970. */
  readonly at: number;
}

/** What is remembered of identities, by their fingerprints, from one run to the next. */
export interface EcrState {
  /** The access key that an identity last had; it may have ended. */
  lastKey(fingerprint: string): Promise<LastKey | undefined>;
  /** @throws FinchError `IO`; the system's error */
  rememberKey(fingerprint: string, key: LastKey): Promise<void>;
  /** How a call for a host failed in the last five minutes, if nothing has changed since that may have been the reason. */
  failure(fingerprint: string, host: string): Promise<PastFailure | undefined>;
  /** @throws FinchError `IO`; the system's error */
  rememberFailure(fingerprint: string, host: string, failure: Failure): Promise<void>;
}

/** The contents of the file. */
interface Remembered {
  readonly keys: readonly JsonObject[];
  readonly failures: readonly JsonObject[];
}

/** The state in `ecr-state.json` of finch's home. A file that cannot be read is empty. */
export function openEcrState(
  home: string,
  { env, now }: Pick<AwsSurroundings, 'env' | 'now'>,
): EcrState {
  const path = join(home, 'ecr-state.json');
  const isRecent = ({ at }: JsonObject) =>
    typeof at === 'number' && at <= now() && now() - at < FAILURE_MS;
  return {
    async lastKey(fingerprint) {
      const { keys = [] } = read(path) ?? {};
      const { hash, ends } = keys.findLast((key) => key['fingerprint'] === fingerprint) ?? {};
      if (typeof hash !== 'string' || !isKeyHash(hash) || typeof ends !== 'number')
        return undefined;
      return { hash, ends };
    },
    async rememberKey(fingerprint, { hash, ends }) {
      const key = { fingerprint, hash, ends };
      await edit(path, ({ keys, failures }) => ({
        keys: [...keys.filter((other) => other['fingerprint'] !== fingerprint), key],
        failures: failures.filter(isRecent),
      }));
    },
    async failure(fingerprint, host) {
      const { failures = [] } = read(path) ?? {};
      const found = failures.findLast(
        (failure) =>
          isRecent(failure) && failure['fingerprint'] === fingerprint && failure['host'] === host,
      );
      if (found === undefined || found['situation'] !== situationOf(env)) return undefined;
      const [failure, at] = [readFailure(found), found['at']];
      return failure && typeof at === 'number' ? { ...failure, at } : undefined;
    },
    async rememberFailure(fingerprint, host, { code, hash, isPassing }) {
      const failure = {
        ...{ fingerprint, host, situation: situationOf(env), at: now() },
        ...{ code, hash, isPassing },
      };
      await edit(path, ({ keys, failures }) => ({
        keys,
        failures: [...failures.filter(isRecent), failure],
      }));
    },
  };
}

/** Undefined when it was written by another version of finch, or cannot be read. */
function read(path: string): Remembered | undefined {
  const text = readText(path, MAX_STATE_BYTES);
  if (text === undefined) return undefined;
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch {
    return { keys: [], failures: [] };
  }
  if (!isJsonObject(state) || state['version'] !== VERSION) return undefined;
  return { keys: objects(state['keys']), failures: objects(state['failures']) };
}

function objects(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

async function edit(path: string, change: (state: Remembered) => Remembered): Promise<void> {
  const { editPrivateFile } = await import('./private-file.ts');
  await editPrivateFile(path, async () => {
    const state = read(path);
    if (state === undefined) return undefined;
    const { keys, failures } = change(state);
    const written = {
      version: VERSION,
      keys: keys.slice(-MAX_KEYS),
      failures: failures.slice(-MAX_FAILURES),
    };
    return `${JSON.stringify(written, undefined, 2)}\n`;
  });
}
