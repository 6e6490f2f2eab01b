import type { AbortOptions } from '../../content.ts';
import { hasCode } from '../../errors.ts';
import { hideSecret } from '../../http/redact.ts';
import type { EcrToken, EcrTokenOptions } from '../aws.ts';
import type { EcrRegistry } from '../ecr-host.ts';
import type { AwsIdentity } from '../identity.ts';
import type { AwsSurroundings } from '../surroundings.ts';
import { type EcrState, openEcrState } from './ecr-state.ts';
import { failureOf } from './failure.ts';
import { type KeyName, keyNameOf } from './key-name.ts';
import { isUsable, isYoung, type RememberedToken } from './remembered-token.ts';
import { repeatedError } from './repeated.ts';
import { SingleFlight } from './single-flight.ts';
import { openTokenCache, type TokenCache } from './token-cache.ts';
import { underLock } from './under-lock.ts';

/** Stands for the fingerprint of an identity that has none: its settings are broken. */
const NO_IDENTITY = 'none';

/** Who wants a token, and for what. */
interface Asker extends AbortOptions {
  readonly registry: EcrRegistry;
  readonly identity: AwsIdentity;
  readonly fingerprint: string;
}

/** A new token, or why there is none. */
type Answer =
  | { readonly token: EcrToken }
  | { readonly error: unknown; readonly isPassing: boolean };

/** The tokens of Amazon ECR: those that are remembered, and new ones in good time. */
export class EcrTokens {
  readonly #surroundings: AwsSurroundings;
  readonly #cache: TokenCache | undefined;
  readonly #state: EcrState | undefined;
  /** Who can be asked at a terminal and tries again means it. */
  readonly #failures: EcrState | undefined;
  readonly #flights = new SingleFlight<EcrToken>();
  /** The newest of this process, by registry and identity. */
  readonly #own = new Map<string, RememberedToken>();
  /** Secrets that a registry did not take. */
  readonly #refused = new Set<string>();

  constructor(surroundings: AwsSurroundings) {
    const { home, askCode } = surroundings;
    this.#surroundings = surroundings;
    this.#cache = openTokenCache(surroundings);
    this.#state = home === undefined ? undefined : openEcrState(home, surroundings);
    this.#failures = askCode === undefined ? this.#state : undefined;
  }

  /**
   * A token for a registry, as `Aws.token` promises.
   * @throws FinchError `AWS_IDENTITY`, `AWS`, `NETWORK`; what `identify` throws
   */
  async token(
    registry: EcrRegistry,
    identify: () => Promise<AwsIdentity>,
    { afresh, refused, signal }: Omit<EcrTokenOptions, 'profile'> = {},
  ): Promise<EcrToken> {
    const asker = { ...(await this.#asker(registry, identify)), ...(signal && { signal }) };
    if (afresh) {
      const secret = refused ?? (await this.#remembered(asker))?.token.secret;
      if (secret !== undefined) this.#refused.add(secret);
    }
    const known = await this.#remembered(asker);
    if (known !== undefined && isYoung(known, this.#now())) return known.token;
    return await this.#flights.join(nameOf(asker), () => this.#renew(asker), asker);
  }

  /** The hosts of the registries for which a token is remembered that has not ended. */
  async remembered(): Promise<readonly string[]> {
    return (await this.#cache?.list()) ?? [];
  }

  async #asker(registry: EcrRegistry, identify: () => Promise<AwsIdentity>): Promise<Asker> {
    try {
      const identity = await identify();
      return { registry, identity, fingerprint: await identity.fingerprint() };
    } catch (error) {
      const { host } = registry;
      const failure = failureOf(error, { isPassing: false });
      if (failure === undefined) throw error;
      const before = await this.#failures?.failure(NO_IDENTITY, host);
      if (before?.message === failure.message) throw repeatedError(failure);
      await this.#quietly(() => this.#failures?.rememberFailure(NO_IDENTITY, host, failure));
      throw error;
    }
  }

  /** A token that is remembered, has not ended and was not refused; it may be old. The file has the newest. */
  async #remembered(asker: Asker): Promise<RememberedToken | undefined> {
    const now = this.#now();
    const mayServe = (found: RememberedToken) =>
      isUsable(found, now) && !this.#refused.has(found.token.secret);
    const own = this.#own.get(nameOf(asker));
    if (own !== undefined && mayServe(own) && isYoung(own, now)) return own;
    const key = this.#cache && (await this.#keyOf(asker));
    const shared = key && (await this.#cache?.get(asker.registry, key));
    if (shared !== undefined) hide(shared.token);
    return [shared, own].filter((found) => found !== undefined).find(mayServe);
  }

  /** The key of an identity, as far as it is known without asking AWS. */
  async #keyOf({ identity, fingerprint }: Asker): Promise<KeyName | undefined> {
    const id = await identity.knownKeyId();
    if (id !== undefined) return keyNameOf(id);
    const hash = await this.#state?.keyHash(fingerprint);
    return hash === undefined ? undefined : { hash };
  }

  async #renew(asker: Asker): Promise<EcrToken> {
    const work = async () => {
      // Another process may have asked while this one waited for the lock.
      const known = await this.#remembered(asker);
      if (known !== undefined && isYoung(known, this.#now())) return known.token;
      const answer = await this.#ask(asker);
      if ('token' in answer) return answer.token;
      if (!answer.isPassing || !known || !isUsable(known, this.#now())) throw answer.error;
      const end = known.token.expires.toISOString();
      const { host } = asker.registry;
      this.#surroundings.trace(`aws: ${host}: no new token; the old one is good until ${end}`);
      return known.token;
    };
    return await underLock(nameOf(asker), work, this.#surroundings);
  }

  async #ask(asker: Asker): Promise<Answer> {
    const { fingerprint, registry, signal } = asker;
    const before = await this.#failures?.failure(fingerprint, registry.host);
    if (before) return { error: repeatedError(before), isPassing: before.isPassing };
    const requested = this.#now();
    const answer = await this.#call(asker);
    if ('token' in answer) {
      hide(answer.token);
      await this.#quietly(() => this.#keep(asker, { token: answer.token, requested }));
      return answer;
    }
    const failure = signal?.aborted ? undefined : failureOf(answer.error, answer);
    if (failure === undefined) return answer;
    await this.#quietly(() => this.#failures?.rememberFailure(fingerprint, registry.host, failure));
    return answer;
  }

  async #call({ registry, identity, signal }: Asker): Promise<Answer> {
    const { getToken } = await import('../ecr/get-token.ts');
    const surroundings = this.#surroundings;
    try {
      const options = { surroundings, ...(signal && { signal }) };
      const outcome = await getToken(registry, identity, options);
      if (outcome.ok) {
        const { username, secret, expires } = outcome.value;
        return { token: { username, secret, expires } };
      }
      const { refusal } = outcome;
      const { awsRefusalError } = await import('../call/refusal-error.ts');
      const error = awsRefusalError(refusal, { registry: registry.host });
      return { error, isPassing: refusal.isPassing };
    } catch (error) {
      return { error, isPassing: hasCode(error, 'NETWORK') };
    }
  }

  async #keep(asker: Asker, remembered: RememberedToken): Promise<void> {
    const { registry, identity, fingerprint } = asker;
    // By a clock that is wrong by hours it may have ended.
    if (!isYoung(remembered, remembered.requested)) return;
    this.#own.set(nameOf(asker), remembered);
    if (this.#cache === undefined) return;
    const { accessKeyId } = await identity.keys(asker);
    const key = keyNameOf(accessKeyId);
    await this.#cache.put(registry, key, remembered);
    if ((await identity.knownKeyId()) !== undefined) return;
    await this.#state?.rememberKey(fingerprint, key.hash);
  }

  /** What cannot be remembered changes nothing for whoever asks now. */
  async #quietly(remember: () => Promise<void> | undefined): Promise<void> {
    try {
      await remember();
    } catch (error) {
      this.#surroundings.trace(`aws: not remembered: ${String(error)}`);
    }
  }

  #now(): number {
    return this.#surroundings.now();
  }
}

function nameOf({ registry, fingerprint }: Asker): string {
  return `${fingerprint} ${registry.host}`;
}

function hide({ secret, username }: EcrToken): void {
  hideSecret(secret, { user: username });
}
