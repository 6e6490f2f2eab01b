import { formatTable } from './table.ts';
import { parseTemplate, type Template } from './template/evaluate.ts';
import { formatJson } from './template/value.ts';

/** One row: the fields that a template sees, in the order of `json`. */
export type Row<Field extends string> = Readonly<Record<Field, string>>;

/** How {@link formatRows} shows its rows. */
export interface RowsView<Field extends string> {
  /** What stands above each field in a table. */
  readonly headers: Row<Field>;
  /** The fields of the table that nobody asked to be another. */
  readonly columns: readonly Field[];
  /** `json`, `table`, a Go template, or `table` and a Go template. Default: `table`. */
  readonly format?: string | undefined;
}

/**
 * Rows as text, each line with its line feed. A table without rows is its header.
 * @throws FinchError `TEMPLATE_INVALID` when the template is none
 */
export function formatRows<Field extends string>(
  rows: readonly Row<Field>[],
  { headers, columns, format = '' }: RowsView<Field>,
): string {
  if (format === 'json') return lines(rows.map(formatJson));
  if (format === '' || format === 'table') {
    return formatTable([headers, ...rows].map((row) => columns.map((field) => row[field])));
  }
  const template = parseTemplate(format.replace(/^table */, ''), { escapes: true });
  if (format.startsWith('table')) return templateTable([headers, rows], template);
  return lines(rows.map((row) => template.render(row)));
}

/** Texts as lines, each with its line feed. */
export function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}

/** docker's `table TEMPLATE`: the template makes the cells of a row, with tabs between them. */
function templateTable(
  [headers, rows]: readonly [object, readonly object[]],
  template: Template,
): string {
  const header = template.render(headers, { header: true });
  const text = [header, ...rows.map((row) => template.render(row))].join('\n');
  return formatTable(text.split('\n').map((line) => line.split('\t')));
}
