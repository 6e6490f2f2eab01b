/** One way in that a server offers in `WWW-Authenticate`. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By lower-case name; of a repeated name the first value. */
  readonly params: Readonly<Record<string, string>>;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const EQUALS = /[ \t]*=[ \t]*/y;
const QUOTED = /"((?:[^"\\]|\\[\s\S])*)(?:"|$)/y;
const BARE_VALUE = /[^,\s]*/y;
const GAP = /[ \t,]*/y;
const SPACE = /[ \t]*/y;
const TO_NEXT_COMMA = /(?:"(?:[^"\\]|\\[\s\S])*(?:"|$)|[^,"])*/y;

/**
 * The challenges of a `WWW-Authenticate` header, in its order, of however many were joined in it.
 * Never throws: what cannot be understood is skipped.
 * https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const scanner = new Scanner(header);
  const challenges: { scheme: string; params: Record<string, string> }[] = [];
  for (scanner.take(GAP); !scanner.atEnd; scanner.take(GAP)) {
    const word = scanner.take(TOKEN);
    if (word === undefined) {
      scanner.skipItem();
      continue;
    }
    const current = challenges.at(-1);
    if (current !== undefined && scanner.take(EQUALS) !== undefined) {
      const name = word.toLowerCase();
      const value = scanner.takeValue();
      if (!Object.hasOwn(current.params, name)) define(current.params, name, value);
      continue;
    }
    challenges.push({ scheme: word.toLowerCase(), params: {} });
    scanner.take(SPACE);
    scanner.take(TOKEN68);
  }
  return challenges;
}

/** Plain assignment would lose a parameter that is called `__proto__`. */
function define(params: Record<string, string>, name: string, value: string): void {
  Object.defineProperty(params, name, { value, enumerable: true });
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** What `pattern` matches right here, or its first group. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match[1] ?? match[0];
  }

  takeValue(): string {
    const quoted = this.take(QUOTED);
    return quoted === undefined
      ? (this.take(BARE_VALUE) ?? '')
      : quoted.replace(/\\([\s\S])/g, '$1');
  }

  /** Goes to the next comma outside quotes, and by one character at least. */
  skipItem(): void {
    const before = this.#at;
    this.take(TO_NEXT_COMMA);
    if (this.#at === before) this.#at += 1;
  }
}
