import { isJsonObject } from '../oci/json.ts';
import { quote } from '../text.ts';
import { type ObjectText, objectAt } from './json-members.ts';

/** One change of a JSON document. */
export interface JsonEdit {
  /** The keys that lead to the member, from the root. */
  readonly path: readonly string[];
  /** What the member is from now on; undefined removes it, and in an object it leaves a member out. */
  readonly value: unknown;
}

/** The white space in an object, as its owner, or the program that wrote it, likes it. */
interface Layout {
  /** Behind the opening brace. */
  readonly open: string;
  /** Behind a comma. */
  readonly next: string;
  /** Before the closing brace. */
  readonly close: string;
  /** The colon with the space around it. */
  readonly colon: string;
}

/** A piece of the text that is replaced. */
interface Change {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** An object that an edit is at work in. */
interface Place {
  readonly text: string;
  /** By how much each level of the document is indented more than the one around it. */
  readonly unit: string;
  readonly object: ObjectText;
  /** How the object would be laid out if it has no members yet. */
  readonly layout: Layout;
}

/**
 * A JSON text with some members set or removed, in which every other byte is as it was: white space,
 * line ends, order, the spelling of numbers and of keys. What is new comes last in its object and
 * looks like its neighbours. Objects on the way that are missing, or `null`, are made; an object whose
 * last member goes is `{}`.
 *
 * Of a key that is there twice parsers see the last one, or merge both. So a member is set in the last
 * one and removed from the others: afterwards the path leads to one member, or to none. All else in the
 * others stays.
 * @param text a JSON object that a parser has accepted, perhaps behind a byte order mark
 * @throws TypeError when a path leads through something that is no object
 */
export function applyEdits(text: string, edits: readonly JsonEdit[]): string {
  return edits.reduce(applyEdit, text);
}

function applyEdit(text: string, { path, value }: JsonEdit): string {
  const object = objectAt(text, 0);
  if (object === undefined) throw new TypeError('the document is not an object');
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const unit = /\n([ \t]*)$/.exec(object.members[0]?.lead ?? '\n  ')?.[1] ?? '  ';
  const indented = newline + unit;
  const layout = { open: indented, next: indented, close: newline, colon: ': ' };
  const all = changes({ text, unit, object, layout }, path, value);
  let at = 0;
  const pieces = all
    .toSorted((a, b) => a.start - b.start)
    .map((change) => {
      const kept = text.slice(at, change.start);
      at = change.end;
      return kept + change.text;
    });
  return pieces.join('') + text.slice(at);
}

/** What to replace in an object so that the path leads to the value. None of the pieces overlap. */
function changes(place: Place, path: readonly string[], value: unknown): readonly Change[] {
  const [key = '', ...rest] = path;
  const same = place.object.members.filter((member) => member.key === key);
  if (rest.length === 0 && value === undefined) return removals(place.object, new Set(same));
  const shadowed = same.slice(0, -1);
  const member = same.at(-1);
  const others =
    rest.length === 0
      ? removals(place.object, new Set(shadowed))
      : shadowed.flatMap(({ value: at }) => removalsBelow(place, at, rest));
  if (member === undefined) {
    return value === undefined ? others : [insertion(place, key, nest(rest, value))];
  }
  if (rest.length > 0) {
    const inner = objectAt(place.text, member.value);
    if (inner !== undefined) {
      const layout = innerLayout(place);
      return [...others, ...changes({ ...place, object: inner, layout }, rest, value)];
    }
    if (value === undefined) return others;
    if (place.text.slice(member.value, member.end) !== 'null') {
      throw new TypeError(`${quote(key)} is not an object`);
    }
  }
  const text = write(nest(rest, value), innerLayout(place), place.unit);
  return [...others, { start: member.value, end: member.end, text }];
}

function removalsBelow(place: Place, at: number, path: readonly string[]): readonly Change[] {
  const object = objectAt(place.text, at);
  return object === undefined ? [] : changes({ ...place, object }, path, undefined);
}

/** The value inside of new objects, one for each key. */
function nest(keys: readonly string[], value: unknown): unknown {
  return keys.reduceRight((inner, key) => ({ [key]: inner }), value);
}

/** Takes members out, each with the comma that it no longer needs. */
function removals(
  { start, end, members }: ObjectText,
  gone: ReadonlySet<ObjectText['members'][number]>,
): readonly Change[] {
  if (gone.size === 0) return [];
  if (gone.size === members.length) return [{ start: start + 1, end: end - 1, text: '' }];
  const firstKept = members.findIndex((member) => !gone.has(member));
  return members.flatMap((member, i) => {
    if (!gone.has(member)) return [];
    const from = i < firstKept ? member.start : (members[i - 1]?.end ?? start + 1);
    const to = i < firstKept ? (members[i + 1]?.start ?? end - 1) : member.end;
    return [{ start: from, end: to, text: '' }];
  });
}

function insertion(place: Place, key: string, value: unknown): Change {
  const { object, unit } = place;
  const own = layoutOf(place);
  const member = JSON.stringify(key) + own.colon + write(value, innerLayout(place), unit);
  const last = object.members.at(-1);
  return last === undefined
    ? { start: object.start + 1, end: object.end - 1, text: own.open + member + own.close }
    : { start: last.end, end: last.end, text: `,${own.next}${member}` };
}

/** How the members of an object are laid out: as the last of them is. */
function layoutOf({ text, object, layout }: Place): Layout {
  const [first] = object.members;
  const last = object.members.at(-1);
  if (first === undefined || last === undefined) return layout;
  const colon = last.colon.includes('\n') ? ': ' : last.colon;
  // What stands alone in its line has no comma in front that would show the space behind commas.
  const space = first === last && last.lead === '' ? (/ $/.exec(colon)?.[0] ?? '') : last.lead;
  const close = text.slice(last.end, object.end - 1);
  return {
    open: lineStart(first.lead) ?? first.lead,
    next: lineStart(last.lead) ?? space,
    close: lineStart(close) ?? close,
    colon,
  };
}

/** How an object that is the value of a member is laid out: as its neighbours are, else one level deeper. */
function innerLayout({ text, unit, object, layout }: Place): Layout {
  for (const { value } of object.members.toReversed()) {
    const neighbour = objectAt(text, value);
    if (neighbour !== undefined && neighbour.members.length > 0) {
      return layoutOf({ text, unit, object: neighbour, layout });
    }
  }
  return deeper(layoutOf({ text, unit, object, layout }), unit);
}

function deeper({ open, next, close, colon }: Layout, unit: string): Layout {
  const line = lineStart(next);
  if (line === undefined) return { open, next, close, colon };
  return { open: line + unit, next: line + unit, close: line, colon };
}

/** The line break before a key, and its indentation; undefined when it follows in the same line. */
function lineStart(lead: string): string | undefined {
  return /\r?\n[ \t]*$/.exec(lead)?.[0];
}

function write(value: unknown, layout: Layout, unit: string): string {
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(
      ([key, item]) => JSON.stringify(key) + layout.colon + write(item, deeper(layout, unit), unit),
    );
  if (members.length === 0) return '{}';
  return `{${layout.open}${members.join(`,${layout.next}`)}${layout.close}}`;
}
