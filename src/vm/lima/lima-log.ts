import { redactText } from '../../http/redact.ts';
import { excerpt } from '../../text.ts';

/** A line of Lima's log. */
export interface LimaLine {
  /** `info`, `warning`, `error`, `fatal`; undefined for a line that is no line of a log. */
  readonly level: string | undefined;
  readonly message: string;
}

/** The pairs of logrus' text: `time="…" level=info msg="…"`. https://pkg.go.dev/github.com/sirupsen/logrus@v1.9.3#TextFormatter */
const LINE = /^time="[^"]*" level=(\w+) msg=("(?:[^"\\]|\\.)*"|\S*)/;

/** What a line of Lima's log says: one of `limactl`, one of a host agent's, which is JSON, or a Go program's last. */
export function parseLimaLine(line: string): LimaLine {
  const [, level, value = ''] = LINE.exec(line) ?? [];
  if (level === undefined) return parseJsonLine(line) ?? { level: levelOf(line), message: line };
  return { level, message: value.startsWith('"') ? unquoteGo(value) : value };
}

/** Behind such a line is only where in the program it ended. */
function levelOf(line: string): string | undefined {
  return /^(?:panic|fatal error): /.test(line) ? 'fatal' : undefined;
}

function parseJsonLine(line: string): LimaLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { level, msg }: { level?: unknown; msg?: unknown } = JSON.parse(line);
    return typeof level === 'string' && typeof msg === 'string'
      ? { level, message: msg }
      : undefined;
  } catch {
    return undefined;
  }
}

/** What is between the quotes of a Go string, which are much as those of JSON; what differs stays as it is. */
export function unquoteGo(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}

/**
 * The words at which a stage begins, and the stage.
 * https://github.com/lima-vm/lima/blob/v2.1.3/pkg/hostagent/requirements.go
 */
const STAGES: readonly (readonly [RegExp, string])[] = [
  [/^Attempting to download the (?:image|kernel|initrd)/, 'getting the disk image'],
  [/^Attempting to download the nerdctl archive/, 'getting containerd and nerdctl'],
  [/^Converting /, 'converting the disk image'],
  [/^\[hostagent\] Starting /, 'booting'],
  [/^(?:\[VZ\]|\[hostagent\] \[VZ\]) /, 'booting'],
  [/requirement \d+ of \d+: "ssh"/, 'waiting for ssh'],
  [/requirement \d+ of \d+: "user session/, 'waiting for the user session'],
  [/requirement \d+ of \d+: "(?:sshfs|fuse)/, 'waiting for shared folders'],
  [/requirement \d+ of \d+: "(?:containerd|systemd)/, 'waiting for containerd'],
  [/requirement \d+ of \d+: "boot scripts/, 'waiting for the set-up to finish'],
];

/** The stage that begins with a line of Lima's log; undefined where none does. */
export function stageOf(line: string): string | undefined {
  const { message } = parseLimaLine(line);
  if (/satisfied/.test(message)) return undefined;
  return STAGES.find(([pattern]) => pattern.test(message))?.[1];
}

/** Takes lines of Lima's log, and tells each stage once. */
export function stageTeller(tell: (stage: string) => void): (line: string) => void {
  const told = new Set<string>();
  return (line) => {
    const stage = stageOf(line);
    if (stage === undefined || told.has(stage)) return;
    told.add(stage);
    tell(stage);
  };
}

/** How many lines are shown of what Lima said before it failed. */
const TAIL_LINES = 10;

/** The end of a log, a line each, without times and what is only for debugging, safe to show, and without secrets. */
export function logTail(text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const told = lines.map(parseLimaLine).filter(({ level }) => level !== 'debug');
  return told.slice(-TAIL_LINES).map(({ message }) => excerpt(redactText(message)));
}

/** The last thing that Lima called an error: the most exact that it says of a failure. Undefined when it says none. */
export function lastError(text: string): string | undefined {
  const errors = text
    .split('\n')
    .map(parseLimaLine)
    .filter(({ level }) => level === 'fatal' || level === 'error');
  const message = errors.at(-1)?.message;
  return message === undefined ? undefined : excerpt(redactText(message));
}
