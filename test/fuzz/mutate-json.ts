import { type Material, mutateMore, mutateText, NASTY, NUMBERS } from './mutate-bytes.ts';

/** A JSON text as it is written: members in their order, of one key as many as there are, numbers as text. */
export type Tree =
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, Tree])[] }
  | { readonly kind: 'array'; readonly items: readonly Tree[] }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'raw'; readonly text: string };

/** A JSON value as a {@link Tree}. */
export function toTree(value: unknown): Tree {
  if (typeof value === 'string') return { kind: 'string', text: value };
  if (Array.isArray(value)) return { kind: 'array', items: value.map(toTree) };
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([key, item]) => [key, toTree(item)] as const);
    return { kind: 'object', members };
  }
  return { kind: 'raw', text: String(value) };
}

/** The JSON text of a {@link Tree}. */
export function writeTree(tree: Tree): string {
  switch (tree.kind) {
    case 'object':
      return `{${tree.members.map(([key, item]) => `${JSON.stringify(key)}:${writeTree(item)}`).join(',')}}`;
    case 'array':
      return `[${tree.items.map(writeTree).join(',')}]`;
    case 'string':
      return JSON.stringify(tree.text);
    case 'raw':
      return tree.text;
  }
}

/** Changes values, keys and the order of a JSON document, which mostly stays JSON. Other input is changed as bytes. */
export function mutateJson(input: Uint8Array, material: Material): Uint8Array {
  const { random, maxBytes } = material;
  let tree: Tree;
  try {
    tree = toTree(JSON.parse(new TextDecoder().decode(input)));
    do tree = mutateTree(tree, material);
    while (!random.oneIn(3));
  } catch {
    return mutateMore(input, material);
  }
  const written = new TextEncoder().encode(writeTree(tree));
  const short = written.length > maxBytes ? written.slice(0, maxBytes) : written;
  return random.oneIn(8) ? mutateMore(short, material) : short;
}

/** One change somewhere in the tree, at any depth. */
function mutateTree(tree: Tree, material: Material): Tree {
  const { random } = material;
  const goDeeper = !random.oneIn(4);
  if (tree.kind === 'object' && tree.members.length > 0 && goDeeper) {
    const at = random.below(tree.members.length);
    const members = tree.members.map(([key, item], i) =>
      i === at ? ([key, mutateTree(item, material)] as const) : ([key, item] as const),
    );
    return { ...tree, members };
  }
  if (tree.kind === 'array' && tree.items.length > 0 && goDeeper) {
    const at = random.below(tree.items.length);
    return {
      ...tree,
      items: tree.items.map((item, i) => (i === at ? mutateTree(item, material) : item)),
    };
  }
  if (random.oneIn(3)) return anything(material);
  switch (tree.kind) {
    case 'object':
      return {
        ...tree,
        members: changeList(tree.members, material, (member) => changeMember(member, material)),
      };
    case 'array':
      return { ...tree, items: changeList(tree.items, material, () => anything(material)) };
    case 'string':
      return { ...tree, text: mutateText(tree.text, material) };
    case 'raw':
      return { ...tree, text: random.pick(NUMBERS) };
  }
}

/** Drops, doubles, swaps or changes items. */
function changeList<T>(
  items: readonly T[],
  { random, maxBytes }: Material,
  change: (item: T) => T,
): readonly T[] {
  const at = random.below(items.length);
  const item = items[at];
  if (item === undefined) return items;
  switch (random.below(5)) {
    case 0:
      return items.toSpliced(at, 1);
    case 1: {
      // As many as fit into an input, or memory would be full of copies that are cut off.
      const most = maxBytes / (1 + (JSON.stringify(item)?.length ?? 0));
      return [...items, ...Array.from({ length: 1 + random.small(most) }, () => item)];
    }
    case 2:
      return [...items.slice(at), ...items.slice(0, at)];
    case 3:
      return items.toSpliced(at, 0, change(item));
    default:
      return items.with(at, change(item));
  }
}

function changeMember([key, item]: readonly [string, Tree], material: Material) {
  const { random, words } = material;
  if (random.oneIn(3)) return [key, anything(material)] as const;
  const other = words.length > 0 && !random.oneIn(4) ? random.pick(words) : random.pick(NASTY);
  return [random.oneIn(4) ? mutateText(key, material) : other, item] as const;
}

function anything(material: Material): Tree {
  const { random, seeds, words } = material;
  switch (random.below(9)) {
    case 0:
      return {
        kind: 'raw',
        text: random.pick(['null', 'true', 'false', '0', '-1', '{}', '[]', '""']),
      };
    case 1:
      return { kind: 'raw', text: random.pick(NUMBERS) };
    case 2:
      return { kind: 'string', text: random.pick(NASTY).repeat(1 + random.small(3000)) };
    case 3:
      return { kind: 'string', text: random.pick(words.length > 0 ? words : NASTY) };
    case 4:
      return nested(1 + random.small(5000), random.oneIn(2));
    case 5:
      return { kind: 'object', members: [[random.pick(NASTY), { kind: 'raw', text: '1' }]] };
    case 6:
      return { kind: 'array', items: Array.from({ length: random.small(500) }, () => toTree(0)) };
    default:
      try {
        return toTree(JSON.parse(new TextDecoder().decode(random.pick(seeds))));
      } catch {
        return toTree(null);
      }
  }
}

/** Written at once, because a tree this deep would be too deep for its own writer. */
function nested(depth: number, isArray: boolean): Tree {
  const [open, close] = isArray ? ['[', ']'] : ['{"a":', '}'];
  return { kind: 'raw', text: `${open.repeat(depth)}0${close.repeat(depth)}` };
}
