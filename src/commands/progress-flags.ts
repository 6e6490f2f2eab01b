import type { App, ProgressMode } from '../app.ts';
import { FinchError } from '../errors.ts';
import { quote } from '../text.ts';
import type { Flag, Invocation } from './command.ts';

const MODES: readonly ProgressMode[] = ['auto', 'plain', 'json', 'none'];

/** For commands that show a copy: {@link showProgress} reads it. */
export const progressFlag: Flag = {
  name: 'progress',
  value: 'auto|plain|json|none',
  summary: 'bars on a terminal and lines elsewhere, lines, one JSON object a line, or nothing',
};

/**
 * Has copies shown as `--progress` and `--quiet` say; the first thing that a command does which has them.
 * @throws FinchError `USAGE` for a `--progress` that there is not
 */
export function showProgress({ talk }: Pick<App, 'talk'>, invocation: Invocation): void {
  const wanted = invocation.text('progress');
  const mode = MODES.find((one) => one === (wanted ?? 'auto'));
  if (mode === undefined) {
    throw new FinchError('USAGE', `there is no --progress ${quote(wanted ?? '')}`, {
      hint: `choose one of ${MODES.join(', ')}`,
    });
  }
  const isQuiet = invocation.on('quiet') && mode !== 'json';
  talk.showAs(isQuiet ? 'none' : mode);
}
