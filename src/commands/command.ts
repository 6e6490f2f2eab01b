import type { App } from '../app.ts';
import type { ListedLogin } from '../credentials/logins.ts';
import type { ImageRow } from '../images/image-row.ts';

/** A flag of a command. */
export interface Flag {
  /** Long name, without the hyphens. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** What stands for its value in the help; a flag without one is on or off. */
  readonly value?: string;
  readonly summary: string;
}

/** What the user typed behind the name of a command. */
export interface Invocation {
  readonly args: readonly string[];
  /** All of it, flags too, as the user typed it. */
  readonly words: readonly string[];
  /** Whether a flag without value was given. */
  on(flag: string): boolean;
  /** The last value of a flag. */
  text(flag: string): string | undefined;
  /** All values of a flag that may be repeated; each may hold several, with commas between. */
  list(flag: string): readonly string[];
  /** Fires when the user interrupts. */
  readonly signal: AbortSignal;
}

/** How `finch images` shows its rows. */
interface ImageListView {
  readonly quiet: boolean;
  readonly noTrunc: boolean;
  readonly digests: boolean;
  readonly names: boolean;
  readonly format?: string;
}

/** What stands on stdout. */
type Shown =
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  /** `value` by the user's `--format`, or `lines` without one. */
  | {
      readonly kind: 'value';
      readonly value: object;
      readonly format: string | undefined;
      readonly lines: readonly string[];
    }
  /** A table, or rows by the user's `--format`; `headers` has its columns in their order. */
  | {
      readonly kind: 'rows';
      readonly rows: readonly Readonly<Record<string, string>>[];
      readonly headers: Readonly<Record<string, string>>;
      readonly format: string | undefined;
    };

/** The shells that can complete the words of commands. */
export const completedShells = ['bash', 'fish', 'zsh'] as const;
/** One of {@link completedShells}. */
export type CompletedShell = (typeof completedShells)[number];

/** What a command leaves on stdout. */
export type Result =
  | Shown
  /** The help of the command itself. */
  | { readonly kind: 'help' }
  /** The script by which a shell completes the words of commands. */
  | { readonly kind: 'completion'; readonly shell: CompletedShell }
  /** What is shown before the error that it all ends with; an `AggregateError` for several. */
  | { readonly kind: 'faulty'; readonly shown: Shown; readonly fault: Error }
  | { readonly kind: 'images'; readonly rows: readonly ImageRow[]; readonly view: ImageListView }
  | {
      readonly kind: 'logins';
      readonly rows: readonly ListedLogin[];
      readonly format: string | undefined;
    };

/** One thing that finch does. */
export interface Command {
  /** Arguments as the help shows them: `SOURCE TARGET`, `[NAME…]`. */
  readonly usage: string;
  /** How many arguments it takes. */
  readonly arity: { readonly min: number; readonly max: number };
  readonly flags: readonly Flag[];
  /** What more there is to know, in whole sentences. */
  readonly about?: string;
  /** Command lines that work, with what they do. */
  readonly examples: readonly { readonly line: string; readonly what: string }[];
  run(app: App, invocation: Invocation): Promise<Result>;
}

/** The result of a command that is silent when all is well. */
export const silence: Result = { kind: 'lines', lines: [] };
