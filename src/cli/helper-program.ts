import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import type { HelperFailure } from '../credentials/helper-failure.ts';
import type { HelperAction } from '../credentials/serve-helper.ts';
import type { FinchError } from '../errors.ts';

/** From what a {@link HelperProgram} answers. */
export interface HelperContext extends AbortOptions {
  readonly app: App;
  /** What the caller writes. */
  readonly stdin: AsyncIterable<Uint8Array>;
}

/** What finch is when it is called by the name of a credential helper. */
export interface HelperProgram {
  /** What says which program this is, by the word that asks for it. */
  readonly about: Readonly<Record<'version' | '-v', readonly string[]>>;
  /** What is said of a flag that the program does not have, with exit status 2; default: as of any unknown action. */
  flagFault?(flag: string): string;
  /**
   * Answers one request.
   * @returns the lines for stdout
   */
  answer(action: HelperAction, context: HelperContext): Promise<readonly string[]>;
  /** What an error says; `reports` are the lines about what could not be asked, and of FINCH_DEBUG. */
  explain(error: FinchError, reports: readonly string[]): HelperFailure;
  /** Whether what there is to report is also said when all went well. */
  isHeard(action: HelperAction): boolean;
}
