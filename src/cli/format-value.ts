import { parseTemplate } from './template/evaluate.ts';
import { formatJson } from './template/value.ts';

/**
 * One line: `value` by a `--format` that is `json` or a Go template.
 * @throws FinchError `TEMPLATE_INVALID`
 */
export function formatValue(value: object, format: string): string {
  if (format === 'json') return `${formatJson(value)}\n`;
  return `${parseTemplate(format, { escapes: true }).render(value)}\n`;
}
