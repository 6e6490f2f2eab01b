import type { Random } from './random.ts';

/** What a mutation may draw from besides the input itself. */
export interface Material {
  readonly random: Random;
  /** Other inputs, to take parts from. */
  readonly seeds: readonly Uint8Array[];
  /** Words that mean something to the target. */
  readonly words: readonly string[];
  /** The most bytes that an input has. */
  readonly maxBytes: number;
}

/** Makes another input of one. Gives back an array of its own. */
export type Mutator = (input: Uint8Array, material: Material) => Uint8Array;

/** Numbers on which parsers stumble, as text. */
export const NUMBERS: readonly string[] = [
  ...['0', '-1', '1', '7', '8', '00', '0x10', '1e308', '1e999', '-0', '0.5', 'NaN', '+1', ' 1'],
  ...['127', '128', '255', '256', '512', '65535', '65536', '2147483647', '2147483648'],
  ...['4294967295', '4294967296', '9007199254740991', '9007199254740992', '18446744073709551616'],
  '9'.repeat(40),
];

/** Text that is dangerous to show, to split or to look up. */
export const NASTY: readonly string[] = [
  ...[
    '\0',
    '\n',
    '\r\n',
    '\t',
    '\x1b[2J',
    '\x1b]0;title\x07',
    '\x7f',
    '\u009b31m',
    '\u202e',
    '\u2028',
  ],
  ...[
    '"',
    "'",
    '\\',
    '`',
    '%',
    '%s',
    '%00',
    '%2e%2e%2f',
    '../',
    '..',
    '/',
    '//',
    '.',
    ':',
    '@',
    '#',
  ],
  ...[
    '?',
    '&',
    '=',
    ',',
    ';',
    '<',
    '>',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '{{',
    '}}',
    '|',
    '*',
    '$',
    '-',
  ],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'null', 'true', '[]', '{}', '""'],
  ...['é', '\u{1f600}', '\ufeff', '\ud800', 'İ', 'ß', 'ﬀ', '\u0301'],
  `sha256:${'0'.repeat(64)}`,
];

const encoder = new TextEncoder();

const EDITS: readonly Mutator[] = [
  flipBits,
  setByte,
  insertBytes,
  removeRange,
  repeatRange,
  moveRange,
  truncate,
  splice,
  insertWord,
  overwriteWithWord,
  changeNumber,
];

/** One edit that knows nothing of the format. */
export function mutateBytes(input: Uint8Array, material: Material): Uint8Array {
  const edited = material.random.pick(EDITS)(input, material);
  return edited.length > material.maxBytes ? edited.slice(0, material.maxBytes) : edited;
}

/** A few edits that know nothing of the format: mostly one. */
export function mutateMore(input: Uint8Array, material: Material): Uint8Array {
  let mutated = mutateBytes(input, material);
  for (let i = 0; i < 8 && !material.random.oneIn(2); i++) mutated = mutateBytes(mutated, material);
  return mutated;
}

/** A text that {@link mutateMore} made of a text; what is no UTF-8 any more is replaced. */
export function mutateText(text: string, material: Material): string {
  return new TextDecoder().decode(mutateMore(encoder.encode(text), material));
}

function flipBits(input: Uint8Array, { random }: Material): Uint8Array {
  const copy = new Uint8Array(input);
  for (let i = random.small(16); i >= 0 && copy.length > 0; i--) {
    const at = random.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  }
  return copy;
}

function setByte(input: Uint8Array, { random }: Material): Uint8Array {
  const copy = new Uint8Array(input);
  const value = random.oneIn(2) ? random.pick([0, 1, 9, 10, 13, 32, 127, 128, 255]) : random.next();
  if (copy.length > 0) copy[random.below(copy.length)] = value & 0xff;
  return copy;
}

function insertBytes(input: Uint8Array, { random }: Material): Uint8Array {
  const made = Uint8Array.from({ length: 1 + random.small(64) }, () => random.next() & 0xff);
  return replaced(input, random.below(input.length + 1), 0, made);
}

function removeRange(input: Uint8Array, { random }: Material): Uint8Array {
  const at = random.below(input.length);
  return replaced(input, at, 1 + random.small(input.length), new Uint8Array());
}

/** Mostly twice; sometimes so often that depth or number becomes the problem. */
function repeatRange(input: Uint8Array, { random, maxBytes }: Material): Uint8Array {
  const at = random.below(input.length);
  const part = input.slice(at, at + 1 + random.small(input.length));
  const times = random.oneIn(4) ? random.small(20_000) : 1;
  const most = Math.max(1, Math.floor((maxBytes - input.length) / Math.max(1, part.length)));
  const many = new Uint8Array(part.length * Math.min(times, most));
  for (let to = 0; to < many.length; to++) many[to] = part[to % part.length] ?? 0;
  return replaced(input, at, 0, many);
}

function moveRange(input: Uint8Array, { random }: Material): Uint8Array {
  const at = random.below(input.length);
  const part = input.slice(at, at + 1 + random.small(input.length));
  const rest = replaced(input, at, part.length, new Uint8Array());
  return replaced(rest, random.below(rest.length + 1), 0, part);
}

function truncate(input: Uint8Array, { random }: Material): Uint8Array {
  return input.slice(0, random.below(input.length + 1));
}

/** The beginning of this input and the end of another. */
function splice(input: Uint8Array, { random, seeds }: Material): Uint8Array {
  const other = random.pick(seeds);
  const tail = other.slice(random.below(other.length));
  return Buffer.concat([input.slice(0, random.below(input.length + 1)), tail]);
}

function insertWord(input: Uint8Array, material: Material): Uint8Array {
  const { random } = material;
  return replaced(input, random.below(input.length + 1), 0, word(material));
}

function overwriteWithWord(input: Uint8Array, material: Material): Uint8Array {
  const made = word(material);
  return replaced(input, material.random.below(input.length), made.length, made);
}

function changeNumber(input: Uint8Array, material: Material): Uint8Array {
  const text = Buffer.from(input).toString('latin1');
  const numbers = [...text.matchAll(/-?\d+/g)];
  const { random } = material;
  const found = numbers.length === 0 ? undefined : random.pick(numbers);
  if (found === undefined) return flipBits(input, material);
  return replaced(input, found.index, found[0].length, encoder.encode(random.pick(NUMBERS)));
}

function word({ random, words }: Material): Uint8Array {
  const list = words.length > 0 && random.oneIn(2) ? words : random.oneIn(4) ? NUMBERS : NASTY;
  return encoder.encode(random.pick(list));
}

function replaced(input: Uint8Array, at: number, length: number, by: Uint8Array): Uint8Array {
  return Buffer.concat([input.subarray(0, at), by, input.subarray(at + length)]);
}
