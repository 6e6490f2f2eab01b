/** Spaces between the widest cell of a column and the next column. */
const GUTTER = 4;

/**
 * Rows as lines of aligned columns, each line with its line feed, laid out as Go's tabwriter does with
 * minimum width 4 and padding 4: the last cell of a row is not padded, nothing is wrapped or cut. A
 * column ends where a row has no further cell, so that rows of different lengths may follow each other.
 * Characters count as one column each.
 * https://pkg.go.dev/text/tabwriter@go1.26.0
 */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const padded = rows.map((row) => [...row]);
  const columns = rows.reduce((most, row) => Math.max(most, row.length - 1), 0);
  for (let column = 0; column < columns; column++) {
    for (let from = 0; from < rows.length; from++) {
      let to = from;
      let width = 0;
      for (; isPadded(rows[to], column); to++) {
        width = Math.max(width, [...(rows[to]?.[column] ?? '')].length + GUTTER);
      }
      for (const row of padded.slice(from, to)) {
        const cell = row[column] ?? '';
        row[column] = cell + ' '.repeat(width - [...cell].length);
      }
      from = to;
    }
  }
  return padded.map((row) => `${row.join('')}\n`).join('');
}

/** Whether the row has a cell in this column with another behind it. */
function isPadded(row: readonly string[] | undefined, column: number): boolean {
  return row !== undefined && column < row.length - 1;
}
