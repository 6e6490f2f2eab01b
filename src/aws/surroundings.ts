import type { AbortOptions } from '../content.ts';
import type { Transport } from '../http/transport.ts';

/** What everything that asks AWS needs to know of the world around it. */
export interface AwsSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** finch's own folder, for what it remembers from one run to the next; undefined where there is no home. */
  readonly home: string | undefined;
  readonly transport: Transport;
  /** What requests say they come from. */
  readonly userAgent: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Takes a line about what is done below. */
  readonly trace: (line: string) => void;
  /** Takes a line for the user about what does not stop anything. */
  readonly report: (line: string) => void;
  /** Asks the user for the code of an MFA device; missing where nobody can be asked. */
  readonly askCode?: (question: string, options: AbortOptions) => Promise<string>;
}
