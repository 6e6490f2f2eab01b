import { finchBinary, finchEnvironment } from './finch.ts';

/** What is typed as soon as a text is on the screen. */
export interface Answer {
  readonly when: string;
  readonly type: string;
}

/** The bit of `localFlags` that makes a terminal echo, on Linux and macOS. */
const ECHO = 0x8;

/** What a run on a terminal showed and how it ended. */
export interface TerminalRun {
  /** Everything that was on the screen, with `\r\n` at the end of lines. */
  readonly screen: string;
  readonly exitCode: number;
  /** Whether the terminal echoed at the moment of each answer. */
  readonly echoed: readonly boolean[];
  /** Whether the terminal echoed when finch had ended. */
  readonly echoesAfter: boolean;
}

/** Runs finch on a terminal of its own and answers what it asks. */
export async function finchOnTerminal(
  args: readonly string[],
  options: {
    readonly home: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly answers?: readonly Answer[];
    /** Where a shell sends stdout and stderr: `>out 2>err`. Default: to the terminal. */
    readonly redirect?: string;
    readonly cwd?: string;
    /** The beginning of a command line that runs the rest of it. Default: none. */
    readonly under?: readonly string[];
  },
): Promise<TerminalRun> {
  const decoder = new TextDecoder();
  const answers = [...(options.answers ?? [])];
  const echoed: boolean[] = [];
  let screen = '';
  let from = 0;
  const { redirect, cwd, under = [] } = options;
  const shell = redirect === undefined ? [] : ['sh', '-c', `exec "$0" "$@" ${redirect}`];
  const child = Bun.spawn([...shell, ...under, finchBinary, ...args], {
    ...(cwd !== undefined && { cwd }),
    env: { ...finchEnvironment(options.home, options.env), TERM: 'xterm' },
    terminal: {
      cols: 160,
      rows: 24,
      data(terminal, bytes) {
        screen += decoder.decode(bytes, { stream: true });
        const [answer] = answers;
        const at = answer === undefined ? -1 : screen.indexOf(answer.when, from);
        if (answer === undefined || at === -1) return;
        answers.shift();
        from = at + answer.when.length;
        echoed.push((terminal.localFlags & ECHO) !== 0);
        terminal.write(answer.type);
      },
    },
  });
  const exitCode = await child.exited;
  const echoesAfter = ((child.terminal?.localFlags ?? 0) & ECHO) !== 0;
  child.terminal?.close();
  return { screen, exitCode, echoed, echoesAfter };
}
