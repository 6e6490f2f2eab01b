import type { Guard } from '../security/row.ts';

/** One thing that a registry, or a user, does to a client that pushes, and the tests that show that finch bears it. */
export interface Case {
  /** Of the list of cases: 1 to 80. */
  readonly number: number;
  /** What happens, in a sentence. */
  readonly what: string;
  readonly guards: readonly Guard[];
  /** Set when it is the runtime that bears it, so that no piece of finch can be taken away: the test, and why. */
  readonly byRuntime?: { readonly test: Guard['test']; readonly why: string };
}
