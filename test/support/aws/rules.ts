/** What holds for everybody, as a test sets it. By default nothing does. */
export interface AwsRules {
  /** How many calls of the API an account may make in a second, by the clock of the stand-in. */
  callsPerSecond?: number | undefined;
  /** How many repositories an account may have in a region. */
  repositoryQuota?: number | undefined;
  /** The regions that no account has enabled: keys are not known there. */
  disabledRegions: readonly string[];
  /** Whether the network answers everything that goes through the proxy with a page to log in. */
  isCaptive: boolean;
}

/** The rules before a test sets any. */
export const NO_RULES: AwsRules = {
  ...{ callsPerSecond: undefined, repositoryQuota: undefined },
  ...{ disabledRegions: [], isCaptive: false },
};

/** What a network says to those who have not logged in to it. */
export const LOGIN_PAGE = '<!doctype html><html><body>Log in to the network</body></html>\n';

/** Counts the calls of each account within the last second. */
export class CallRate {
  readonly #calls = new Map<string, readonly number[]>();

  /** Counts a call, and says whether it is one too many. Those that are refused do not count. */
  isTooMuch(account: string, { limit, now }: { readonly limit: number; readonly now: number }) {
    const recent = (this.#calls.get(account) ?? []).filter((at) => at > now - 1000);
    if (recent.length >= limit) return true;
    this.#calls.set(account, [...recent, now]);
    return false;
  }
}
