/** A row of `finch image list` as its cells stand below their headers. */
export type Row = Readonly<Record<string, string>>;

/**
 * Reads a table by the places of its headers. Columns have at least four spaces between them, and a cell
 * begins right below its header.
 */
export function readTable(text: string): readonly Row[] {
  const [header = '', ...lines] = text.trimEnd().split('\n');
  const columns = [...header.matchAll(/\S+(?: \S+)*/g)].map(({ 0: name, index }) => ({
    name,
    index,
  }));
  return lines.map((line) =>
    Object.fromEntries(
      columns.map(({ name, index }, i) => {
        const end = columns[i + 1]?.index ?? Number.POSITIVE_INFINITY;
        const cell = line.slice(index, end);
        const isLast = i === columns.length - 1;
        if (!isLast && !/\S {4,}$/.test(cell)) throw new Error(`no gutter behind ${cell}`);
        return [name, cell.trimEnd()];
      }),
    ),
  );
}

/**
 * A table without its column CREATED. Throws unless every row there says a time of less than a minute, and
 * the gutter behind the longest is four spaces wide.
 */
export function withoutAges(text: string): string {
  const lines = text.trimEnd().split('\n');
  const [start, end] = ['CREATED', 'PLATFORM'].map((name) => lines[0]?.indexOf(name) ?? -1) as [
    number,
    number,
  ];
  const cells = lines.slice(1).map((line) => line.slice(start, end));
  const wrong = cells.filter((cell) => !/^(?:Less than a|\d+) seconds? ago {4,}$/.test(cell));
  if (wrong.length > 0) throw new Error(`not the age of something new: ${wrong.join(', ')}`);
  const gutter = Math.min(...cells.map((cell) => cell.length - cell.trimEnd().length));
  if (gutter !== 4) throw new Error(`CREATED is followed by ${gutter} spaces:\n${text}`);
  return lines.map((line) => `${line.slice(0, start)}${line.slice(end)}\n`).join('');
}
