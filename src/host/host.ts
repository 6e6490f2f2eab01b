import type { AbortOptions, ByteStream } from '../content.ts';
import type { Platform } from '../oci/platform.ts';

/** A stream that text is written to. */
export interface Output {
  readonly isTerminal: boolean;
  /** Width in columns; 80 when it is no terminal. */
  readonly columns: number;
  write(text: string): void;
}

/** An {@link Output} that also takes what is no text. */
export interface BinaryOutput extends Output {
  /**
   * Writes a stream to its end, as fast as the reader takes it. Ends at once when the signal fires.
   * @throws FinchError `IO`, also when the reader has gone; what the stream throws
   */
  send(bytes: ByteStream, options: AbortOptions): Promise<void>;
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
  readonly stdout: BinaryOutput;
  readonly stderr: Output;
}
