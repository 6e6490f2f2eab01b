import { formatImages } from '../../../src/cli/image-table.ts';
import { parseTemplate } from '../../../src/cli/template/evaluate.ts';
import { printf } from '../../../src/cli/template/printf.ts';
import type { ImageRow } from '../../../src/images/image-row.ts';
import { parseDigest } from '../../../src/oci/digest.ts';
import { attempt, promise } from '../promises.ts';
import { textTarget } from '../target.ts';

const VALUE = {
  Name: 'docker.io/library/alpine:latest',
  Size: 12.5,
  Count: 3,
  Good: true,
  Nothing: null,
  List: ['a', 'b', 3],
  Map: { key: 'value', other: { deep: [1] } },
  When: new Date(0),
};

const row: ImageRow = {
  name: 'docker.io/library/alpine:latest',
  repository: 'alpine',
  tag: 'latest',
  digest: parseDigest(`sha256:${'0'.repeat(64)}`),
  createdAt: new Date(0),
  platform: 'linux/amd64',
  size: 1,
  blobSize: 2,
};

const words = [
  ...[
    '{{.Name}}',
    '{{',
    '}}',
    '{{-',
    '-}}',
    '{{/*',
    '*/}}',
    '{{range .List}}',
    '{{end}}',
    '{{else}}',
  ],
  ...[
    '{{if .Good}}',
    '{{with .Map}}',
    '$x := ',
    '$',
    '.List',
    '.Map.key',
    '| json',
    'printf "%5.2s"',
  ],
  ...[
    'join',
    'split',
    'pad',
    'truncate',
    'index',
    'len',
    'eq',
    'and',
    'or',
    'not',
    'println',
    'title',
  ],
  ...['"', '`', '\\u00ff', '\\x41', '(', ')', 'nil', '%d', '%-09999s', '%q', '%x', '1e9', '0x1F'],
];

/** The templates of `--format`, alone and as the cells of a table. */
export const template = textTarget({
  name: 'template',
  share: 60,
  maxBytes: 8192,
  words,
  seeds: [
    '{{\0.Name}}',
    `a${' '.repeat(2000)}b{{- .Name}}`,
    '{{.Name}}',
    '{{range $i, $e := .List}}{{$i}}={{$e}}{{else}}none{{end}}',
    '{{if and .Good (eq .Count 3)}}{{.Name | upper | printf "%-20s|"}}{{else if .Nothing}}x{{end}}',
    '{{with .Map}}{{.key}}{{index .other "deep" 0}}{{end}}{{/* comment */}}',
    '{{printf "%5d %q %x %t %v" .Count .Name .Name .Good .List}} {{len .Name}}',
    '{{join .List ","}} {{split .Name "/"}} {{pad .Name 2 3}} {{truncate .Name 4}} {{json .}}',
    '{{$x := .Count}}{{$x = 4}}{{print $x 1 "a" true}}{{println .Map}}',
    'table {{.Repository}}\\t{{.Tag}}\\t{{.Size}}\\n',
    '{{- .Name -}} {{`raw`}} {{"\\u00e9\\n"}}',
    'json',
  ],
  run(text) {
    const view = { now: new Date(0), timeZone: 'UTC' };
    for (const format of [text, `table ${text}`]) {
      const printed = attempt(() => formatImages([row, row], { ...view, format }));
      promise((printed ?? '').length < 100 * text.length * text.length + 1e6, 'the table is huge');
    }
    attempt(() => printf(text, ['a', 1, true, [1, 'x'], null]));
    return parseTemplate(text, { escapes: true }).render(VALUE);
  },
});
