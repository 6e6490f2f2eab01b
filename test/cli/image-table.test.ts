import { describe, expect, test } from 'bun:test';
import { formatImages } from '../../src/cli/image-table.ts';
import { FinchError } from '../../src/errors.ts';
import type { ImageRow } from '../../src/images/image-row.ts';
import { parseDigest } from '../../src/oci/digest.ts';

const NOW = new Date('2026-08-20T12:00:00Z');
const SINGLE = parseDigest(`sha256:69b2528740fe${'0'.repeat(52)}`);
const MULTI = parseDigest(`sha256:5874669344b3${'0'.repeat(52)}`);
const ECR = '111222333444.dkr.ecr.eu-west-1.amazonaws.com/hello-finch';
const KIB = 1024;
const MIB = 1024 * 1024;

function row(more: Partial<ImageRow> & { readonly age: number }): ImageRow {
  const { age, ...given } = more;
  return {
    name: 'docker.io/library/hello-finch:latest',
    repository: 'hello-finch',
    tag: 'latest',
    digest: MULTI,
    createdAt: new Date(NOW.getTime() - age),
    platform: 'linux/arm64',
    size: Math.round(1.8 * MIB),
    blobSize: Math.round(1009 * KIB),
    ...given,
  };
}

function twoPlatforms(more: Partial<ImageRow> & { readonly age: number }): readonly ImageRow[] {
  return [row(more), row({ ...more, platform: 'linux/amd64', size: 0, blobSize: MIB })];
}

const single = row({
  age: 15 * 24 * 3_600_000,
  digest: SINGLE,
  blobSize: Math.round(1008.4 * KIB),
});

describe('formatImages() prints the tables of the user guide', () => {
  test('for an image of one platform', () => {
    expect(formatImages([single], { now: NOW })).toBe(
      `REPOSITORY     TAG       IMAGE ID        CREATED        PLATFORM       SIZE       BLOB SIZE
hello-finch    latest    69b2528740fe    2 weeks ago    linux/arm64    1.8 MiB    1008.4 KiB
`,
    );
  });

  test('for an image of two platforms', () => {
    expect(formatImages(twoPlatforms({ age: 3000 }), { now: NOW })).toBe(
      `REPOSITORY     TAG       IMAGE ID        CREATED          PLATFORM       SIZE       BLOB SIZE
hello-finch    latest    5874669344b3    3 seconds ago    linux/arm64    1.8 MiB    1009.0 KiB
hello-finch    latest    5874669344b3    3 seconds ago    linux/amd64    0.0 B      1.0 MiB
`,
    );
  });

  test('for two names of an image of two platforms', () => {
    const rows = [
      ...twoPlatforms({ age: 1000, repository: ECR }),
      ...twoPlatforms({ age: 90_000 }),
    ];
    expect(formatImages(rows, { now: NOW })).toBe(
      `REPOSITORY                                                  TAG       IMAGE ID        CREATED               PLATFORM       SIZE       BLOB SIZE
111222333444.dkr.ecr.eu-west-1.amazonaws.com/hello-finch    latest    5874669344b3    1 second ago          linux/arm64    1.8 MiB    1009.0 KiB
111222333444.dkr.ecr.eu-west-1.amazonaws.com/hello-finch    latest    5874669344b3    1 second ago          linux/amd64    0.0 B      1.0 MiB
hello-finch                                                 latest    5874669344b3    About a minute ago    linux/arm64    1.8 MiB    1009.0 KiB
hello-finch                                                 latest    5874669344b3    About a minute ago    linux/amd64    0.0 B      1.0 MiB
`,
    );
  });
});

describe('formatImages()', () => {
  test('prints only the header when there are no images', () => {
    const header = 'REPOSITORY    TAG    IMAGE ID    CREATED    PLATFORM    SIZE    BLOB SIZE\n';
    expect(formatImages([], { now: NOW })).toBe(header);
    expect(formatImages([], { now: NOW, format: 'table' })).toBe(header);
    expect(formatImages([], { now: NOW, quiet: true })).toBe('');
    expect(formatImages([], { now: NOW, format: 'json' })).toBe('');
  });

  test('shows whole names, digests and ids when asked', () => {
    const view = { now: NOW, names: true, digests: true, noTrunc: true };
    const [header, line] = formatImages([single], view).split('\n');
    expect(header?.split(/ {2,}/)).toEqual(
      'NAME,DIGEST,IMAGE ID,CREATED,PLATFORM,SIZE,BLOB SIZE'.split(','),
    );
    expect(line?.split(/ {4,}/)).toEqual([
      'docker.io/library/hello-finch:latest',
      SINGLE,
      SINGLE,
      '2 weeks ago',
      'linux/arm64',
      '1.8 MiB',
      '1008.4 KiB',
    ]);
  });

  test('takes wide for the table with digests', () => {
    expect(formatImages([single], { now: NOW, format: 'wide' })).toBe(
      formatImages([single], { now: NOW, digests: true }),
    );
  });

  test('prints one id a row when quiet', () => {
    const rows = twoPlatforms({ age: 1 });
    expect(formatImages(rows, { now: NOW, quiet: true })).toBe('5874669344b3\n5874669344b3\n');
    expect(formatImages([single], { now: NOW, quiet: true, noTrunc: true })).toBe(`${SINGLE}\n`);
  });

  test('prints one JSON object a row, its fields in the order of finch', () => {
    expect(formatImages([single], { now: NOW, format: 'json', timeZone: 'Asia/Tokyo' })).toBe(
      `{"CreatedAt":"2026-08-05 21:00:00 +0900 JST","CreatedSince":"2 weeks ago",` +
        `"Digest":"${SINGLE}","ID":"69b2528740fe","Repository":"hello-finch","Tag":"latest",` +
        `"Name":"docker.io/library/hello-finch:latest","Size":"1.8 MiB",` +
        `"BlobSize":"1008.4 KiB","Platform":"linux/arm64"}\n`,
    );
  });

  test('does not escape HTML in JSON', () => {
    const untagged = { ...single, tag: '<none>' };
    expect(formatImages([untagged], { now: NOW, format: 'json' })).toContain('"Tag":"<none>"');
  });

  test('renders a template for each row', () => {
    const view = { now: NOW, format: '{{.Repository}}:{{.Tag}}\\t{{.Platform}}' };
    expect(formatImages(twoPlatforms({ age: 1 }), view)).toBe(
      'hello-finch:latest\tlinux/arm64\nhello-finch:latest\tlinux/amd64\n',
    );
  });

  test('renders table and a template as aligned columns with a header', () => {
    const format = 'table {{.ID}}\\t{{.Repository | upper}}\\t{{json .Platform}}';
    expect(formatImages([single], { now: NOW, format })).toBe(
      'IMAGE ID        REPOSITORY     PLATFORM\n69b2528740fe    HELLO-FINCH    "linux/arm64"\n',
    );
  });

  test('refuses raw, and a format together with quiet', () => {
    const message = (view: { format: string; quiet?: boolean }) => {
      try {
        return formatImages([single], { now: NOW, ...view });
      } catch (error) {
        return error instanceof FinchError ? `${error.code} ${error.message}` : error;
      }
    };
    expect(message({ format: 'raw' })).toBe('USAGE unsupported format: "raw"');
    expect(message({ format: 'json', quiet: true })).toBe(
      'USAGE format and quiet must not be specified together',
    );
    expect(message({ format: '{{.Foo}}' })).toStartWith('TEMPLATE_INVALID ');
  });

  test('shows no control characters of an image', () => {
    const hostile = { ...single, platform: 'linux/\x1b[31marm64\n\u202eX' };
    const table = formatImages([hostile], { now: NOW });
    expect(table).toContain('linux/ [31marm64 X');
    expect(table.split('\n').length).toBe(3);
  });
});
