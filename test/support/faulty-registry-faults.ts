/** One request that a faulty registry got. */
export interface SeenExchange {
  /** From 1, in the order in which connections were opened. */
  readonly connection: number;
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  /** As it was sent, with its `?`; empty where there is none. */
  readonly query: string;
  /** `METHOD path?query`. */
  readonly line: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds between the start of the registry and the request's first byte. */
  readonly at: number;
  /** Bytes of the body that were read. */
  bodyBytes: number;
  /** What it was answered with; 0 when it got no answer. */
  status: number;
}

/** An answer of a faulty registry. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** Whether the connection ends with it, which its headers say. */
  readonly close?: boolean;
}

/** How a connection ends: an RST, or a FIN. */
export type Ending = 'reset' | 'close';

/** Which requests a fault is about. */
interface When {
  /** What the request's line begins with, or a pattern of it. */
  readonly on: string | RegExp;
  /** Which of those that match, from 1. Default: all. */
  readonly nth?: number | readonly number[];
  /** After how many bytes of the body it happens. Default: when all of it is read, but not kept. */
  readonly after?: number;
}

/** What goes wrong. Several faults of one request are all done; of those that end it, the first. */
export type Fault = When &
  (
    | { readonly does: 'cut'; readonly by?: Ending }
    /** Reads no further and never answers; the connection stays open. */
    | { readonly does: 'stall' }
    /** Answers this instead; with `after` while the client still writes, as Go's servers do. */
    | { readonly does: 'reply'; readonly with: Reply | ((seen: SeenExchange) => Reply) }
    /** Does what was asked, and ends the connection instead of an answer. */
    | { readonly does: 'lose'; readonly by?: Ending }
    /** Does what was asked, and says something else. */
    | { readonly does: 'alter'; readonly to: (reply: Reply, seen: SeenExchange) => Reply }
    /** Sends this before the answer. */
    | { readonly does: 'noise'; readonly bytes: string }
    /** Sends the answer a byte at a time, with so many milliseconds in between. */
    | { readonly does: 'trickle'; readonly ms: number }
    /** Answers so many milliseconds later. */
    | { readonly does: 'wait'; readonly ms: number }
    /** Answers with a body that has no end. */
    | { readonly does: 'endless' }
    /** Answers, keeps the connection, and resets it when the next request comes on it. */
    | { readonly does: 'ambush' }
  );

/** The faults of a registry, which count the requests that they are about. */
export class Faults {
  readonly #faults: { readonly fault: Fault; seen: number }[];

  constructor(faults: readonly Fault[]) {
    this.#faults = faults.map((fault) => ({ fault, seen: 0 }));
  }

  /** Another one from now on. */
  add(fault: Fault): void {
    this.#faults.push({ fault, seen: 0 });
  }

  /** No more faults. */
  clear(): void {
    this.#faults.length = 0;
  }

  /** Those of a request. */
  of(line: string): readonly Fault[] {
    return this.#faults
      .filter(({ fault: { on } }) => (typeof on === 'string' ? line.startsWith(on) : on.test(line)))
      .filter((entry) => isDue(entry.fault, ++entry.seen))
      .map(({ fault }) => fault);
  }
}

function isDue({ nth }: Fault, count: number): boolean {
  return nth === undefined || (typeof nth === 'number' ? nth === count : nth.includes(count));
}

/** An error as registries say it. */
export function refusal(status: number, code: string, message = code.toLowerCase()): Reply {
  const headers = { 'content-type': 'application/json' };
  return { status, headers, body: JSON.stringify({ errors: [{ code, message }] }) };
}
