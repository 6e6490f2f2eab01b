import { FinchError, hasCode } from '../errors.ts';
import type { Repository } from './repository.ts';
import type { Capability, Site } from './site.ts';

/** One way to a repository. */
export interface Way {
  readonly site: Site;
  readonly repository: Repository;
}

/** Failures of one host that need not be another's. All others end the work. */
const OF_THE_HOST = [
  ...(['NETWORK', 'UNAUTHENTICATED', 'DENIED', 'REMOTE_NOT_FOUND', 'REGISTRY'] as const),
  ...(['CONTENT_MISMATCH', 'DOCUMENT_INVALID', 'AWS', 'AWS_IDENTITY'] as const),
];

/** Failures that a host will not get over while the command runs. */
const FOR_GOOD = [
  ...(['NETWORK', 'UNAUTHENTICATED', 'DENIED', 'CONTENT_MISMATCH', 'AWS', 'AWS_IDENTITY'] as const),
];

/** The hosts of a repository in the order in which they are asked, without those that were given up. */
export class HostList {
  readonly #ways: readonly Way[];
  readonly #trace: (line: string) => void;
  readonly #givenUp = new Set<Way>();

  constructor(ways: readonly Way[], trace: (line: string) => void = () => {}) {
    this.#ways = ways;
    this.#trace = trace;
  }

  /**
   * The first answer of a host that has the capabilities.
   * @returns undefined when the last of them has none
   * @throws FinchError of the last of them, or at once what is no failure of a host; `CONFIG_INVALID`
   * when there is no such host
   */
  async first<T>(
    needed: readonly Capability[],
    ask: (way: Way) => Promise<T | undefined>,
  ): Promise<{ readonly way: Way; readonly answer: T } | undefined> {
    const failed: FinchError[] = [];
    let last: FinchError | undefined;
    for (const way of this.#able(needed)) {
      last = undefined;
      try {
        const answer = await ask(way);
        if (answer !== undefined) return { way, answer };
        this.#trace(`${way.site.name} does not have it`);
      } catch (error) {
        if (!hasCode(error, ...OF_THE_HOST)) throw error;
        this.leave(way, error);
        last = error;
        failed.push(error);
      }
    }
    if (last !== undefined) throw withEarlier(last, failed.slice(0, -1));
    return undefined;
  }

  /**
   * Notes that a host failed, so that it is not asked again if that would be in vain.
   * @returns whether another host can be asked in its place
   */
  leave(way: Way, error: unknown): boolean {
    if (!hasCode(error, ...OF_THE_HOST)) return false;
    this.#trace(`${way.site.name} failed: ${error.message}`);
    const hasOther = this.hasOther(way, ['pull']);
    if (hasCode(error, ...FOR_GOOD)) this.#givenUp.add(way);
    return hasOther;
  }

  /** Whether a host, another than this one, has the capabilities and was not given up. */
  hasOther(way: Way | undefined, needed: readonly Capability[]): boolean {
    return this.#able(needed).some((one) => one !== way && !this.#givenUp.has(one));
  }

  /** The last is asked in any case: its failure is the one that counts. */
  #able(needed: readonly Capability[]): readonly Way[] {
    const able = this.#ways.filter(({ site }) =>
      needed.every((one) => site.capabilities.includes(one)),
    );
    const last = able.at(-1);
    if (last !== undefined) return able.filter((way) => way === last || !this.#givenUp.has(way));
    throw new FinchError('CONFIG_INVALID', `no host may do this: ${needed.join(' and ')}`, {
      hint: 'add it to the capabilities of a host in hosts.toml',
    });
  }
}

/** The error of the last host, with what was wrong with those before it. */
function withEarlier(last: FinchError, earlier: readonly FinchError[]): FinchError {
  const told = new Set(earlier.filter((one) => !hasCode(one, 'REMOTE_NOT_FOUND')).map(messageOf));
  told.delete(last.message);
  if (told.size === 0) return last;
  return new FinchError(last.code, `${last.message}; before that: ${[...told].join('; ')}`, {
    cause: last,
    ...(last.hint !== undefined && { hint: last.hint }),
  });
}

function messageOf({ message }: FinchError): string {
  return message;
}
