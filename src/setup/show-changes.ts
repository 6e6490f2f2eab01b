import { finchYamlPath } from '../config/finch-yaml.ts';
import { redactText } from '../http/redact.ts';
import { printable } from '../text.ts';
import type { FileChange } from './change-files.ts';
import { jsonFormat, yamlFormat } from './config-files.ts';
import { textDiff } from './text-diff.ts';

/** Shows how the files of setup change, line by line, without what may be secret in them. */
export function showChanges(
  changes: readonly FileChange[],
  { home, show }: { readonly home: string; readonly show: (line: string) => void },
): void {
  for (const { path, before, after } of changes) {
    const { view } = path === finchYamlPath(home) ? yamlFormat : jsonFormat;
    show(`--- ${before === undefined ? '/dev/null' : path}`);
    show(`+++ ${after === undefined ? '/dev/null' : path}`);
    for (const line of textDiff(view(before ?? ''), view(after ?? ''))) {
      show(redactText(line.slice(0, 1) + indented(line.slice(1))));
    }
  }
}

/** Safe to show; the white space at its beginning says what belongs to what. */
function indented(line: string): string {
  const [space = ''] = /^[ \t]*/.exec(line) ?? [];
  return space + printable(line);
}
