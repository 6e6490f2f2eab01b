import { describe, expect, test } from 'bun:test';
import { dirname, join, normalize } from 'node:path';

/**
 * The parts of `src`, highest first. A part imports from the floors below its own, never from its own
 * floor and never from above. A name without `.ts` is a folder.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['main.ts'],
  ['cli'],
  ['commands'],
  ['app.ts'],
  ['engine', 'bundle'],
  ['bridge'],
  ['archives', 'server', 'images', 'setup'],
  ['copy'],
  ['registry', 'store', 'credentials', 'vm'],
  ['aws'],
  ['http', 'config'],
  ['host', 'streams'],
  ['content.ts'],
  ['oci'],
  ['errors.ts', 'humanize.ts', 'text.ts', 'version.ts'],
];

/** Sideways imports that are allowed when they are of types only. */
const TYPES_ONLY = [{ from: 'registry', to: 'credentials' }];

/** Who alone may import a package, or end the program. */
const ONLY = {
  undici: (path: string) => path === 'http/transport.ts',
  cac: (path: string) => path.startsWith('cli/'),
  'process.exit': (path: string) => path === 'main.ts',
};

const MAX_LINES = 300;

interface Import {
  /** As written, for example `../oci/digest.ts` or `undici`. */
  readonly specifier: string;
  readonly typesOnly: boolean;
}

interface Source {
  /** Below `src`, for example `oci/digest.ts`. */
  readonly path: string;
  readonly lines: readonly string[];
  readonly imports: readonly Import[];
}

const sourceFolder = join(import.meta.dir, '../src');
const sources = await readSources();

describe('the architecture', () => {
  test('every part of src stands on a floor', () => {
    const parts = [...new Set(sources.map(({ path }) => partOf(path)))];
    expect(parts.filter((part) => floorOf(part) === -1)).toEqual([]);
  });

  test('imports go to lower floors only', () => {
    const wrong = sources.flatMap(({ path, imports }) =>
      imports.flatMap(({ specifier, typesOnly }) => {
        const to = target(path, specifier);
        const why = to === undefined ? undefined : brokenRule(partOf(path), partOf(to), typesOnly);
        return why === undefined ? [] : [`${path} imports ${to}: ${why}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('no import leads back to where it began', () => {
    expect(cycles()).toEqual([]);
  });

  test('no file only passes on what others export', () => {
    const barrels = sources.filter(({ lines }) => {
      const statements = lines
        .join('\n')
        .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
        .trim();
      return statements
        .split(';')
        .filter((statement) => statement.trim() !== '')
        .every((statement) => /^\s*(import|export)\s[^(=]*\sfrom\s/.test(statement));
    });
    expect(barrels.map(({ path }) => path)).toEqual([]);
  });

  test('exports have names', () => {
    expect(linesLike(/^export default\b|\bas default\b/)).toEqual([]);
  });

  test('every export says above it what it promises', () => {
    const silent = sources.flatMap(({ path, lines }) =>
      lines.flatMap((line, i) => {
        const name = /^export (?:declare |abstract |async )*[\w*]+ (\w+)/.exec(line)?.[1];
        if (name === undefined || hasDocComment(lines, i)) return [];
        const overloads = new RegExp(`^export .*\\b${name}\\b`);
        const isOverload = lines.slice(0, i).some((earlier) => overloads.test(earlier));
        return isOverload ? [] : [`${path}:${i + 1} exports ${name} without a doc comment`];
      }),
    );
    expect(silent).toEqual([]);
  });

  test(`no file has more than ${MAX_LINES} lines`, () => {
    const long = sources.filter(({ lines }) => lines.length - 1 > MAX_LINES);
    expect(long.map(({ path, lines }) => `${path} has ${lines.length - 1}`)).toEqual([]);
  });

  test('files and folders have kebab-case names', () => {
    const form = /^(?:[a-z0-9]+(?:-[a-z0-9]+)*\/)*[a-z0-9]+(?:-[a-z0-9]+)*\.ts$/;
    expect(sources.map(({ path }) => path).filter((path) => !form.test(path))).toEqual([]);
  });

  test('relative imports name the file, and stay in src', () => {
    const wrong = sources.flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .filter(({ specifier }) => {
          const to = normalize(join(dirname(path), specifier));
          return !specifier.endsWith('.ts') || to.startsWith('..');
        })
        .map(({ specifier }) => `${path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test.each(['undici', 'cac'] as const)('%s is imported in its one place', (name) => {
    const users = sources.filter(({ imports }) =>
      imports.some(({ specifier }) => specifier === name || specifier.startsWith(`${name}/`)),
    );
    expect(users.map(({ path }) => path).filter((path) => !ONLY[name](path))).toEqual([]);
  });

  test('only main.ts ends the program', () => {
    expect(linesLike(/\bprocess\.exit\s*\(/, ONLY['process.exit'])).toEqual([]);
  });
});

describe('the architecture test', () => {
  test('names the rule that an import breaks', () => {
    expect(brokenRule('store', 'oci', false)).toBeUndefined();
    expect(brokenRule('store', 'store', false)).toBeUndefined();
    expect(brokenRule('oci', 'store', false)).toBe('oci stands below store');
    expect(brokenRule('store', 'registry', false)).toBe('store and registry share a floor');
    expect(brokenRule('registry', 'credentials', true)).toBeUndefined();
    expect(brokenRule('registry', 'credentials', false)).toBe(
      'registry and credentials share a floor',
    );
  });

  test('sees every form of import', () => {
    const code = [
      `import { a } from './a.ts';`,
      `import type { B } from './b.ts';`,
      `import {\n  type C,\n  d,\n} from './c.ts';`,
      `import { type E, type F } from './e.ts';`,
      `import './g.ts';`,
      `export { h } from './h.ts';`,
      `const i = await import('./i.ts');`,
      `type J = import('./j.ts').J;`,
    ].join('\n');
    expect(importsOf(code).toSorted((a, b) => (a.specifier < b.specifier ? -1 : 1))).toEqual([
      { specifier: './a.ts', typesOnly: false },
      { specifier: './b.ts', typesOnly: true },
      { specifier: './c.ts', typesOnly: false },
      { specifier: './e.ts', typesOnly: true },
      { specifier: './g.ts', typesOnly: false },
      { specifier: './h.ts', typesOnly: false },
      { specifier: './i.ts', typesOnly: false },
      { specifier: './j.ts', typesOnly: false },
    ]);
  });
});

async function readSources(): Promise<readonly Source[]> {
  const paths = await Array.fromAsync(new Bun.Glob('**/*.ts').scan(sourceFolder));
  return Promise.all(
    paths.sort().map(async (path) => {
      const text = await Bun.file(join(sourceFolder, path)).text();
      return { path, lines: text.split('\n'), imports: importsOf(text) };
    }),
  );
}

function importsOf(text: string): readonly Import[] {
  const statements = text.matchAll(/^(?:import|export)\s([^;'"=(]*?\sfrom\s)?['"]([^'"]+)['"]/gm);
  const calls = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g);
  return [
    ...[...statements].map(([, clause = '', specifier = '']) => ({
      specifier,
      typesOnly: isTypesOnly(clause),
    })),
    ...[...calls].map(([, specifier = '']) => ({ specifier, typesOnly: false })),
  ];
}

function isTypesOnly(clause: string): boolean {
  if (/^type\s/.test(clause)) return true;
  const names = /^\{([^}]*)\}/
    .exec(clause)?.[1]
    ?.split(',')
    .filter((name) => name.trim() !== '');
  return names?.every((name) => /^\s*type\s/.test(name)) ?? false;
}

/** The floor's folder, or the file itself when it lies in `src`. */
function partOf(path: string): string {
  return path.split('/')[0] ?? path;
}

function floorOf(part: string): number {
  return FLOORS.findIndex((floor) => floor.includes(part));
}

function brokenRule(from: string, to: string, typesOnly: boolean): string | undefined {
  const fromFloor = floorOf(from);
  const toFloor = floorOf(to);
  if (from === to || fromFloor < toFloor) return undefined;
  if (fromFloor > toFloor) return `${from} stands below ${to}`;
  const allowed = TYPES_ONLY.some((pair) => pair.from === from && pair.to === to);
  return typesOnly && allowed ? undefined : `${from} and ${to} share a floor`;
}

/** The path below `src` that a relative import of `path` leads to. */
function target(path: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : undefined;
}

/** Each chain of imports that comes back to its first file, once. */
function cycles(): readonly string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const visit = (path: string, chain: readonly string[]) => {
    const at = chain.indexOf(path);
    if (at !== -1) found.push([...chain.slice(at), path].join(' → '));
    if (at !== -1 || done.has(path)) return;
    for (const { specifier } of byPath.get(path)?.imports ?? []) {
      const next = target(path, specifier);
      if (next !== undefined) visit(next, [...chain, path]);
    }
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return found;
}

/** Whether a comment that begins with two asterisks ends right above line `at`. */
function hasDocComment(lines: readonly string[], at: number): boolean {
  if (!lines[at - 1]?.trimEnd().endsWith('*/')) return false;
  const start = lines.slice(0, at).findLast((line) => line.includes('/*'));
  return start?.trimStart().startsWith('/**') === true;
}

/** Where a line matches `pattern`, save in the files that `allowed` names. */
function linesLike(
  pattern: RegExp,
  allowed: (path: string) => boolean = () => false,
): readonly string[] {
  return sources
    .filter(({ path }) => !allowed(path))
    .flatMap(({ path, lines }) =>
      lines.flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1} ${line.trim()}`] : [])),
    );
}
