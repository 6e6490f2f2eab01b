import type { AbortOptions } from '../content.ts';

/**
 * What state a machine is in. `Running`, `Stopped` and `Nonexistent` are what Finch's users know; a machine that is
 * `Broken` was left half-way by a crash or an interrupt, and `hint` says what to do.
 */
export type MachineStatus = 'Running' | 'Stopped' | 'Nonexistent' | 'Broken';

/** What is known of a machine. */
export interface MachineState {
  readonly status: MachineStatus;
  /** Why it is so, as the end of a sentence; undefined when there is nothing to say. */
  readonly reason: string | undefined;
  /** The next step about that, as a sentence of its own. */
  readonly hint: string | undefined;
  /** More for `--format json`: names as Lima's or containerd's own, such as `CPUs`, `Memory`, `Dir`, `Version`. */
  readonly details: Readonly<Record<string, string | number>>;
}

/** Options of {@link Machine.state}. */
export interface StateOptions extends AbortOptions {
  /** Also the details for which a program has to be asked. Default: false. */
  readonly isDetailed?: boolean;
}

/** Options of what may take minutes. */
export interface ActOptions extends AbortOptions {
  /** Takes a stage that begins, as a line for the user: `waiting for ssh`. */
  readonly onStage: (stage: string) => void;
}

/** Options of ending a machine. */
export interface EndOptions extends ActOptions {
  /** Also when its state says that it cannot be done. */
  readonly force: boolean;
}

/** A program to run on this machine, which runs another one where containers are. */
export interface MachineCommand {
  /** An absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder it is run in. */
  readonly cwd: string;
}

/** Options of {@link Machine.command}. */
export interface CommandOptions {
  /** Variables that the program gets in there. They may be seen by other users of this machine: no secret. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder of this machine in which it works. */
  readonly cwd: string;
}

/** The disk of a virtual machine that holds images and containers, and outlives it. */
export interface MachineDisk {
  /**
   * What there is to know of it, as a table; undefined when there is none.
   * @throws FinchError `VM`
   */
  describe(options?: AbortOptions): Promise<readonly string[] | undefined>;
  /**
   * Makes it larger, which cannot be taken back.
   * @param size in bytes
   * @throws FinchError `VM` for a smaller size, and while the machine runs
   */
  resize(size: number, options?: AbortOptions): Promise<void>;
}

/** Where containers are built and run: a virtual machine of Lima's, or this Linux itself. */
export interface Machine {
  readonly kind: 'lima' | 'native';
  /**
   * @throws FinchError `VM` when whoever runs it does not answer
   */
  state(options?: StateOptions): Promise<MachineState>;
  /** Makes it and starts it. Nothing of a machine whose making failed or was interrupted is left for the next. */
  init(options: ActOptions): Promise<void>;
  start(options: ActOptions): Promise<void>;
  stop(options: EndOptions): Promise<void>;
  /** Removes it. Its images and containers are on a disk of their own, which stays. */
  remove(options: EndOptions): Promise<void>;
  /** How to run `words` in it, as root where it is a virtual one. Nothing is run yet. */
  command(words: readonly string[], options: CommandOptions): MachineCommand;
  /** Left out where it has no disk of its own. */
  readonly disk?: MachineDisk;
  /** The address by which programs in it reach a port of this machine's loopback. */
  readonly hostAddress: string;
  /** Whether it is up, without asking Lima: quick enough to ask again and again. */
  isUp(): Promise<boolean>;
}
