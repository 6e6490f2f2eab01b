import { FinchError } from '../errors.ts';
import { formatAge, formatBytes } from '../humanize.ts';
import type { ImageRow } from '../images/image-row.ts';
import { type Digest, shortId } from '../oci/digest.ts';
import { printable } from '../text.ts';
import { goTimeFormat } from './go-time.ts';
import { formatRows, lines, type Row } from './rows.ts';

/** What the flags of `finch image list` ask for; nothing is the default table. */
export interface ImageView {
  /** Only ids, one line a row. */
  readonly quiet?: boolean;
  /** Ids in full, `sha256:` and 64 digits. */
  readonly noTrunc?: boolean;
  /** A column with the digests. */
  readonly digests?: boolean;
  /** Whole names instead of repository and tag. */
  readonly names?: boolean;
  /** `json`, `table`, `wide`, a Go template, or `table` and a Go template. */
  readonly format?: string;
  /** The moment that ages are counted to. */
  readonly now: Date;
  /** A name of the time zone database, for `CreatedAt`. Default: this machine's zone. */
  readonly timeZone?: string;
}

/** The fields of a row that a template sees, all of them strings, in the order of `json`. */
const HEADERS = {
  CreatedAt: 'CREATED AT',
  CreatedSince: 'CREATED',
  Digest: 'DIGEST',
  ID: 'IMAGE ID',
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Name: 'NAME',
  Size: 'SIZE',
  BlobSize: 'BLOB SIZE',
  Platform: 'PLATFORM',
} as const;

type Field = keyof typeof HEADERS;
type Fields = Row<Field>;

/**
 * What `finch image list` prints, each line with its line feed. A table without rows is its header.
 * @throws FinchError `USAGE` when `format` and `quiet` are both given or the format is `raw`,
 *   `TEMPLATE_INVALID` when the template is none
 */
export function formatImages(rows: readonly ImageRow[], view: ImageView): string {
  const { quiet = false } = view;
  const format = (view.format ?? '').replace(/^ +|(?<! ) +$/g, '');
  if (format === 'raw') {
    throw new FinchError('USAGE', 'unsupported format: "raw"', {
      hint: 'formats are json, table, wide and a Go template such as "{{.Name}}"',
    });
  }
  if (quiet && format !== '') {
    throw new FinchError('USAGE', 'format and quiet must not be specified together', {
      hint: 'use --format "{{.ID}}" instead of --quiet',
    });
  }
  const id = idOf(view);
  if (quiet) return lines(rows.map(({ digest }) => id(digest)));
  return formatRows(rows.map(fieldsOf(view)), {
    headers: HEADERS,
    columns: columnsOf({ ...view, format }),
    format: format === 'wide' ? 'table' : format,
  });
}

function idOf({ noTrunc = false }: ImageView): (digest: Digest) => string {
  return noTrunc ? (digest) => digest : shortId;
}

/** Makes the fields of a row. The time of creation is only worked out when it is asked for. */
function fieldsOf(view: ImageView): (row: ImageRow) => Fields {
  const { now, timeZone } = view;
  const id = idOf(view);
  let goTime: ((moment: Date) => string) | undefined;
  return (row) => ({
    get CreatedAt() {
      goTime ??= goTimeFormat(timeZone);
      return goTime(row.createdAt);
    },
    CreatedSince: `${formatAge(now.getTime() - row.createdAt.getTime())} ago`,
    Digest: row.digest,
    ID: id(row.digest),
    Repository: printable(row.repository),
    Tag: printable(row.tag),
    Name: printable(row.name),
    Size: formatBytes(row.size),
    BlobSize: formatBytes(row.blobSize),
    Platform: printable(row.platform),
  });
}

function columnsOf({ names, digests, format }: ImageView): readonly Field[] {
  return [
    ...(names ? (['Name'] as const) : (['Repository', 'Tag'] as const)),
    ...(digests || format === 'wide' ? (['Digest'] as const) : []),
    ...(['ID', 'CreatedSince', 'Platform', 'Size', 'BlobSize'] as const),
  ];
}
