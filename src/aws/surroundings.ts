import type { AbortOptions } from '../content.ts';
import type { Transport } from '../http/transport.ts';

/** The variables of a process's environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What everything that asks AWS needs to know of the world around it. */
export interface AwsSurroundings {
  readonly env: Environment;
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
  /** Whether a program asks, which does so again, by other names, at once when there is no answer. */
  readonly isHelper?: boolean;
  /** Asks the user for the code of an MFA device; missing where nobody can be asked. */
  readonly askCode?: (question: string, options: AbortOptions) => Promise<string>;
}
