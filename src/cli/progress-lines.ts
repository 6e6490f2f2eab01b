import { CopyLedger, contentKind } from '../copy/ledger.ts';
import type { Output } from '../host/host.ts';
import { formatBytes } from '../humanize.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { shortId } from '../oci/digest.ts';
import { printable } from '../text.ts';
import type { ProgressDisplay, ProgressOptions } from './progress-display.ts';

/** One line for each change, for logs and whoever else is no terminal. */
export function progressLines(output: Output, { verb, now }: ProgressOptions): ProgressDisplay {
  const ledger = new CopyLedger();
  const places = new Set<string>();
  return {
    update(event, place) {
      const { kind, descriptor } = event;
      places.add(place);
      const entry = ledger.update(event, { at: now().getTime(), place });
      const where = places.size > 1 ? `${place} ` : '';
      const say = (text: string) =>
        output.write(`${where}${contentKind(descriptor)} ${shortDigest(descriptor)}: ${text}\n`);
      if (kind === 'started') say(`${verb.active} ${formatBytes(descriptor.size)}`);
      else if (kind === 'exists') say('already exists');
      else if (kind === 'resumed') say(`resumed at ${formatBytes(entry.position)}`);
      else if (kind === 'mounted') say(`mounted from ${printable(event.from)}`);
      else if (kind === 'waiting') say(waitText(event));
      else if (kind === 'done' && entry.state !== 'mounted') say(verb.done);
    },
    close() {},
  };
}

function waitText({ ms, why }: { readonly ms: number; readonly why: string }): string {
  return `waiting ${Math.ceil(ms / 1000)} s: ${printable(why)}`;
}

function shortDigest({ digest }: Descriptor): string {
  return `${digest.slice(0, digest.indexOf(':'))}:${shortId(digest)}`;
}
