import type { AbortOptions } from '../content.ts';
import type { Platform } from '../oci/platform.ts';

/** A stream that text is written to. */
export interface Output {
  readonly isTerminal: boolean;
  /** Width in columns; 80 when it is no terminal. */
  readonly columns: number;
  write(text: string): void;
}

/** What surrounds the program. Everything that tests replace is here. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `FINCH_HOME`, else `~/.finch`. An absolute path; the folder need not exist. */
  readonly home: string;
  /** What images run on here: Linux, in a virtual machine where need be, with this machine's architecture. */
  readonly platform: Platform;
  now(): Date;
  readonly stdin: {
    readonly isTerminal: boolean;
    /** What comes on stdin. Ends at once with the signal's reason when it fires. */
    stream(options?: AbortOptions): AsyncIterable<Uint8Array>;
  };
  readonly stdout: Output;
  readonly stderr: Output;
}
