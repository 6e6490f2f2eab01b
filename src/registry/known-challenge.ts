import { type Challenge, parseChallenges } from '../http/challenge.ts';
import { isLoopback } from '../http/loopback.ts';
import { redactText } from '../http/redact.ts';
import type { Endpoint } from './endpoint.ts';
import type { RegistryMemory } from './memory/registry-memory.ts';

/** The part of finch's memory that knows how hosts want to be asked. */
export type ChallengeMemory = Pick<RegistryMemory, 'traits' | 'learn'>;

/**
 * How a host wanted to be asked, in this process or an earlier one, so that the first request can say who the user
 * is. Only what came over TLS or from this machine is remembered and believed: a login goes out on the strength of
 * it. It is no more than what the host itself would say, and is judged in the same way.
 */
export class KnownChallenge {
  readonly #endpoint: Endpoint;
  readonly #memory: ChallengeMemory | undefined;

  constructor(endpoint: Endpoint, memory: ChallengeMemory | undefined) {
    this.#endpoint = endpoint;
    this.#memory = memory;
  }

  /** What the host wanted, without scopes, which are those of another repository. */
  get(): Challenge | undefined {
    if (!this.#isSafe()) return undefined;
    const { host } = this.#endpoint;
    const { challenge = '' } = this.#memory?.traits(host) ?? {};
    const [wanted] = parseChallenges(challenge);
    return wanted && isOf(host, wanted) ? wanted : undefined;
  }

  /** Remembers what the host wants now; undefined: nothing that is known. */
  set(challenge: Challenge | undefined): void {
    if (this.#memory === undefined || !this.#isSafe()) return;
    const { host } = this.#endpoint;
    const wanted = challenge === undefined ? '' : write(challenge);
    // A careless host may repeat a login in it.
    const text = redactText(wanted) === wanted ? wanted : '';
    const before = this.#memory.traits(host).challenge ?? '';
    if (text !== before) this.#memory.learn(host, { challenge: text });
  }

  #isSafe(): boolean {
    const { host, usesTls } = this.#endpoint;
    const isChecked = usesTls && !this.#endpoint.skipsVerification(this.#endpoint.url(''));
    return isChecked || isLoopback(host);
  }
}

/** Whether a login can go where a challenge wants it before the host says so anew: nobody else can listen there. */
function isOf(host: string, { params }: Challenge): boolean {
  const realm = URL.parse(params['realm'] ?? '');
  return realm?.protocol !== 'http:' || realm.host === host;
}

/** A challenge as a header has it, with what is needed of it. */
function write({ scheme, params }: Challenge): string {
  const kept = ['realm', 'service'].flatMap((name) => {
    const value = params[name];
    return value === undefined ? [] : `${name}="${value.replace(/["\\]/g, '\\$&')}"`;
  });
  return `${scheme} ${scheme === 'basic' ? '' : kept.join(',')}`.trim();
}
