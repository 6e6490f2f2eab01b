import type { AbortOptions } from '../../content.ts';
import { FinchError } from '../../errors.ts';
import { orAborted, SingleFlight } from '../../host/single-flight.ts';
import { hideSecret } from '../../http/redact.ts';
import type { EcrToken, EcrTokenOptions } from '../aws.ts';
import type { SigningKey } from '../call/refusal.ts';
import type { EcrRegistry } from '../ecr-host.ts';
import type { AwsIdentity } from '../identity.ts';
import { isPassing } from '../identity-errors.ts';
import type { AwsSurroundings } from '../surroundings.ts';
import { type EcrState, openEcrState } from './ecr-state.ts';
import { type Failure, failureOf } from './failure.ts';
import { type KeyName, keyNameOf } from './key-name.ts';
import { isUsable, isYoung, type RememberedToken } from './remembered-token.ts';
import { asRepeated, repeatedError } from './repeated.ts';
import { openTokenCache, type TokenCache } from './token-cache.ts';
import { underLock } from './under-lock.ts';

/** Stands for the fingerprint of an identity that has none: its settings are broken. */
const NO_IDENTITY = 'none';

/** Stands for the host of failures to know the keys, which are those of all hosts. */
const KEYS = 'keys';

/** How long a failure is an answer to a helper: longer than a program takes to ask by six names for one registry. */
const REPEAT_MS = 5000;

/** How long a new token is waited for while the old one can be used. */
const RENEWAL_MS = 2000;

/** How long another finch is waited for that asks: for the keys, then for the token, each in ten seconds. */
const PATIENCE_MS = 25_000;

/** Who wants a token, and for what. */
interface Asker extends AbortOptions {
  readonly registry: EcrRegistry;
  readonly identity: AwsIdentity;
  readonly fingerprint: string;
  /** Since when, in milliseconds since 1970. */
  readonly begun: number;
}

/** The key of an identity, as far as it is known without asking AWS. */
interface KnownKey {
  /** Of the identity, with what it is known to assume a role with. */
  readonly fingerprint: string;
  readonly name?: KeyName;
  /** When it ends, in milliseconds since 1970. */
  readonly ends?: number;
}

/** What {@link EcrState} remembers failures of. */
interface Attempted {
  readonly fingerprint: string;
  readonly host: string;
}

/** A new token, with the key that it was asked for with. */
interface NewToken {
  readonly token: EcrToken;
  readonly signer: SigningKey | undefined;
}

/** A new token, or why there is none. */
type Answer = NewToken | { readonly error: unknown };

/** The tokens of Amazon ECR: those that are remembered, and new ones in good time. */
export class EcrTokens {
  readonly #surroundings: AwsSurroundings;
  readonly #cache: TokenCache | undefined;
  readonly #state: EcrState | undefined;
  readonly #flights = new SingleFlight<EcrToken>();
  /** The newest of this process, by registry and identity. */
  readonly #own = new Map<string, RememberedToken & { readonly keyHash: string }>();
  /** Secrets that a registry did not take. */
  readonly #refused = new Set<string>();

  constructor(surroundings: AwsSurroundings) {
    const { home } = surroundings;
    this.#surroundings = surroundings;
    this.#cache = openTokenCache(surroundings);
    // Who wants no tokens remembered wants no failures remembered either.
    this.#state = this.#cache && home !== undefined ? openEcrState(home, surroundings) : undefined;
  }

  /**
   * A token for a registry, as `Aws.token` promises.
   * @throws FinchError `AWS_IDENTITY`, `AWS`, `NETWORK`; what `identify` throws
   */
  async token(
    registry: EcrRegistry,
    identify: () => Promise<AwsIdentity>,
    { afresh, refused, remember = true, signal }: Omit<EcrTokenOptions, 'profile'> = {},
  ): Promise<EcrToken> {
    const options = { remember, ...(signal && { signal }) };
    const asker = await this.#asker(registry, identify, options);
    if (!remember) return tokenOf(await this.#call(asker));
    if (afresh) {
      const secret = refused ?? (await this.#remembered(asker))?.token.secret;
      if (secret !== undefined) this.#refused.add(secret);
    }
    const known = await this.#remembered(asker);
    if (known !== undefined && isYoung(known, this.#now())) return known.token;
    const renew = () => this.#renew(asker, { isUrgent: known === undefined });
    return await this.#flights.join(nameOf(asker), renew, options);
  }

  /** The hosts of the registries for which a token is remembered that has not ended. */
  async remembered(): Promise<readonly string[]> {
    return (await this.#cache?.list()) ?? [];
  }

  async #asker(
    registry: EcrRegistry,
    identify: () => Promise<AwsIdentity>,
    { remember, ...options }: AbortOptions & { readonly remember: boolean },
  ): Promise<Asker> {
    const begun = this.#now();
    try {
      const identity = await identify();
      return { registry, identity, fingerprint: await identity.fingerprint(), begun, ...options };
    } catch (error) {
      const failure = failureOf(error);
      if (!remember || !failure || !(error instanceof FinchError)) throw error;
      const attempted = { fingerprint: NO_IDENTITY, host: registry.host };
      const before = await this.#failedBefore({ ...attempted, begun });
      if (before?.hash === failure.hash) throw asRepeated(error);
      await this.#rememberFailure(attempted, error);
      throw error;
    }
  }

  /**
   * A token that is remembered, has not ended and was not refused; it may be old. The file has the newest.
   * @throws FinchError `AWS_IDENTITY` when who gives the keys does not
   */
  async #remembered(asker: Asker): Promise<RememberedToken | undefined> {
    const now = this.#now();
    const mayServe = (found: RememberedToken | undefined) =>
      found !== undefined && isUsable(found, now) && !this.#refused.has(found.token.secret);
    const { registry } = asker;
    const { fingerprint, name, ends } = await this.#keyOf(asker);
    const named = this.#own.get(nameOf({ registry, fingerprint }));
    const own = name === undefined || named?.keyHash === name.hash ? named : undefined;
    if (own !== undefined && mayServe(own) && isYoung(own, now)) return own;
    const found = name && (await this.#cache?.get(registry, name));
    if (found !== undefined) hide(found.token);
    const shared = found && { ...found, keysEnd: ends };
    return [shared, own].find(mayServe);
  }

  /**
   * The key of an identity, as far as it is known without asking AWS: of a role the one of before; of what gives keys on
   * this machine only the one of now, which may be somebody else's.
   * @throws FinchError as `AwsIdentity.knownKey`
   */
  async #keyOf({ identity, fingerprint: place, begun, signal }: Asker): Promise<KnownKey> {
    const attempted = { fingerprint: place, host: KEYS };
    const failed = await this.#failedBefore({ ...attempted, begun });
    if (failed) throw repeatedError(failed, 'AWS');
    const known = await identity.knownKey({ signal }).catch(async (error: unknown) => {
      await this.#rememberFailure(attempted, error, signal);
      throw error;
    });
    const fingerprint = await identity.fingerprint(known);
    if (known.accessKeyId !== undefined) {
      return { fingerprint, name: keyNameOf(known.accessKeyId) };
    }
    const last = await this.#state?.lastKey(fingerprint);
    return { fingerprint, ...(last && { name: { hash: last.hash }, ends: last.ends }) };
  }

  async #renew(asker: Asker, { isUrgent }: { readonly isUrgent: boolean }): Promise<EcrToken> {
    const work = async () => {
      // Another process may have asked while this one waited for the lock.
      const known = await this.#remembered(asker);
      if (known !== undefined && isYoung(known, this.#now())) return known.token;
      const answer = await this.#ask(asker, { isUrgent: known === undefined });
      if ('token' in answer || !isPassing(answer.error)) return tokenOf(answer);
      if (known === undefined || !isUsable(known, this.#now())) return tokenOf(answer);
      const end = known.token.expires.toISOString();
      const { host } = asker.registry;
      this.#surroundings.trace(`aws: ${host}: no new token; the old one is good until ${end}`);
      return known.token;
    };
    // Who cannot use what another one gets has nothing to wait for.
    if (this.#cache === undefined) return await work();
    const patienceMs = isUrgent ? PATIENCE_MS : RENEWAL_MS;
    return await underLock(nameOf(asker), work, { ...this.#surroundings, patienceMs });
  }

  /** @param options.isUrgent whether nothing else can be used */
  async #ask(asker: Asker, { isUrgent }: { readonly isUrgent: boolean }): Promise<Answer> {
    const { identity, fingerprint, begun, signal } = asker;
    const { host } = asker.registry;
    const before = await this.#failedBefore({ fingerprint, host, begun }, { isUrgent });
    if (before) return { error: repeatedError(before, host) };
    const requested = this.#now();
    const isHurried = !isUrgent && !identity.needsCode;
    const answer = await this.#call(asker, isHurried ? AbortSignal.timeout(RENEWAL_MS) : undefined);
    if ('token' in answer) {
      await this.#quietly(() => this.#keep(asker, { ...answer, requested }));
    } else {
      await this.#rememberFailure({ fingerprint, host }, answer.error, signal);
    }
    return answer;
  }

  async #call({ registry, identity, signal }: Asker, deadline?: AbortSignal): Promise<Answer> {
    const { getToken } = await import('../ecr/get-token.ts');
    const surroundings = this.#surroundings;
    const stop = AbortSignal.any([signal, deadline].filter((each) => each !== undefined));
    try {
      const asked = getToken(registry, identity, { surroundings, signal: stop });
      const outcome = await orAborted(asked, stop);
      if (outcome.ok) {
        const { username, secret, expires } = outcome.value;
        return { token: { username, secret, expires }, signer: outcome.signer };
      }
      const { awsRefusalError } = await import('../call/refusal-error.ts');
      return { error: awsRefusalError(outcome.refusal, { registry: registry.host }) };
    } catch (error) {
      if (signal?.aborted || !deadline?.aborted) return { error };
      return { error: new FinchError('NETWORK', 'AWS takes long to answer') };
    }
  }

  /**
   * How another attempt has failed, if that is an answer to who asks: it has waited for it, asks as a helper
   * time and again, or has something else to use while AWS is out of reach.
   */
  async #failedBefore(
    { fingerprint, host, begun }: Attempted & Pick<Asker, 'begun'>,
    { isUrgent = true }: { readonly isUrgent?: boolean } = {},
  ): Promise<Failure | undefined> {
    const failure = await this.#state?.failure(fingerprint, host);
    if (failure === undefined) return undefined;
    const since = this.#surroundings.isHelper ? this.#now() - REPEAT_MS : begun;
    return failure.at > since || (!isUrgent && failure.isPassing) ? failure : undefined;
  }

  /** That somebody gave up is no failure. */
  async #rememberFailure(
    { fingerprint, host }: Attempted,
    error: unknown,
    signal?: AbortSignal,
  ): Promise<void> {
    const failure = signal?.aborted ? undefined : failureOf(error);
    if (failure === undefined) return;
    await this.#quietly(() => this.#state?.rememberFailure(fingerprint, host, failure));
  }

  async #keep(
    { registry, identity }: Asker,
    { token, signer, requested }: NewToken & Pick<RememberedToken, 'requested'>,
  ): Promise<void> {
    const remembered = { token, requested };
    // By a clock that is wrong by hours it may have ended.
    if (signer === undefined || !isYoung(remembered, requested)) return;
    // Whoever got the keys may have written a file that goes into it.
    const fingerprint = await identity.fingerprint(signer);
    const keysEnd = signer.expires?.getTime();
    const key = keyNameOf(signer.accessKeyId);
    const own = { ...remembered, keysEnd, keyHash: key.hash };
    this.#own.set(nameOf({ registry, fingerprint }), own);
    if (this.#cache === undefined) return;
    await this.#cache.put(registry, key, remembered);
    if (keysEnd === undefined) return;
    await this.#state?.rememberKey(fingerprint, { hash: key.hash, ends: keysEnd });
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

function nameOf({ registry, fingerprint }: Pick<Asker, 'registry' | 'fingerprint'>): string {
  return `${fingerprint} ${registry.host}`;
}

function tokenOf(answer: Answer): EcrToken {
  if ('error' in answer) throw answer.error;
  hide(answer.token);
  return answer.token;
}

function hide({ secret, username }: EcrToken): void {
  hideSecret(secret, { user: username });
}
