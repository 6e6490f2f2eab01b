import type { WantedCompression } from '../archives/store-layer.ts';
import { FinchError } from '../errors.ts';
import { type CompressedForm, LEVELS } from '../streams/compressor.ts';
import { quote } from '../text.ts';
import type { Flag, Invocation } from './command.ts';

const FORMS: readonly CompressedForm[] = ['gzip', 'zstd'];

/** For commands that compress layers: {@link wantedCompression} reads them. */
export const compressionFlags: readonly Flag[] = [
  {
    name: 'compression',
    value: 'gzip|zstd',
    summary: 'compress layers so, also those that are compressed otherwise',
  },
  { name: 'compression-level', value: 'N', summary: 'gzip: 1 to 12, zstd: 1 to 19; without it 3' },
];

/**
 * How the user wants layers to be compressed; undefined when no flag says. A level alone is one of gzip's.
 * @throws FinchError `USAGE` for a form or a level that there is not
 */
export function wantedCompression(invocation: Invocation): WantedCompression | undefined {
  const formText = invocation.text('compression');
  const levelText = invocation.text('compression-level');
  if (formText === undefined && levelText === undefined) return undefined;
  const form = FORMS.find((one) => one === (formText ?? 'gzip'));
  if (form === undefined) {
    throw new FinchError('USAGE', `there is no --compression ${quote(formText ?? '')}`, {
      hint: `choose one of ${FORMS.join(', ')}`,
    });
  }
  if (levelText === undefined) return { form };
  const { least, most } = LEVELS[form];
  const level = /^\d{1,2}$/.test(levelText) ? Number(levelText) : Number.NaN;
  if (level >= least && level <= most) return { form, level };
  throw new FinchError('USAGE', `${form} has no --compression-level ${quote(levelText)}`, {
    hint: `choose a whole number from ${least} to ${most}`,
  });
}
