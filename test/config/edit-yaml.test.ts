import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Document, parse } from 'yaml';
import { editYaml } from '../../src/config/edit-yaml.ts';
import type { YamlEdit } from '../../src/config/yaml-splice.ts';

const HOST = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const helper: YamlEdit = { path: ['creds_helpers'], item: 'ecr-login', isThere: true };
const profile: YamlEdit = { path: ['ecr', 'registries', HOST, 'profile'], value: 'dev' };

const edit = (text: string, ...edits: readonly YamlEdit[]) => editYaml(text, edits, 'finch.yaml');

describe('editYaml() adds a list item', () => {
  test.each([
    ['to nothing', '', 'creds_helpers:\n  - ecr-login\n'],
    [
      'behind a byte order mark',
      '\ufeffcpus: 3\n',
      '\ufeffcpus: 3\ncreds_helpers:\n  - ecr-login\n',
    ],
    ['to a comment', '# mine\n', '# mine\ncreds_helpers:\n  - ecr-login\n'],
    ['behind ---', '---\n# mine\n', '---\n# mine\ncreds_helpers:\n  - ecr-login\n'],
    [
      'behind other keys',
      'cpus: 3 # three\nmemory: 4GiB\n\n# end\n',
      'cpus: 3 # three\nmemory: 4GiB\ncreds_helpers:\n  - ecr-login\n\n# end\n',
    ],
    ['without a final line end', 'cpus: 3', 'cpus: 3\ncreds_helpers:\n  - ecr-login'],
    [
      'with the line ends of Windows',
      'cpus: 3\r\ncreds_helpers:\r\n- a\r\nmemory: 4GiB\r\n',
      'cpus: 3\r\ncreds_helpers:\r\n- a\r\n- ecr-login\r\nmemory: 4GiB\r\n',
    ],
    [
      'to an empty key',
      'creds_helpers: # none\ncpus: 3\n',
      'creds_helpers: # none\n  - ecr-login\ncpus: 3\n',
    ],
    ['to an empty key at the end', 'creds_helpers:', 'creds_helpers:\n  - ecr-login'],
    ['to null', 'creds_helpers: ~ # none\n', 'creds_helpers: [ecr-login] # none\n'],
    ['to an empty list', 'creds_helpers: []', 'creds_helpers: [ecr-login]'],
    [
      'to a flow list',
      'creds_helpers: [a, "b"] # two\n',
      'creds_helpers: [a, "b", ecr-login] # two\n',
    ],
    [
      'to a flow list over lines',
      'creds_helpers: [\n    a, # one\n    b, # two\n  ]\n',
      'creds_helpers: [\n    a, # one\n    b, ecr-login, # two\n  ]\n',
    ],
    [
      'to an indented list with comments',
      'creds_helpers:\n    - a   # one\n    # tail\ncpus: 3\n',
      'creds_helpers:\n    - a   # one\n    - ecr-login\n    # tail\ncpus: 3\n',
    ],
    [
      'with the indentation of other lists',
      'snapshotters:\n- soci\nx: &a {b: 1}\n',
      'snapshotters:\n- soci\nx: &a {b: 1}\ncreds_helpers:\n- ecr-login\n',
    ],
    [
      'behind a block of text',
      'note: |+\n  a\n\n  b\n\n',
      'note: |+\n  a\n\n  b\n\ncreds_helpers:\n  - ecr-login\n',
    ],
    ['to a flow map', '{cpus: 3}\n', '{cpus: 3, creds_helpers: [ecr-login]}\n'],
    ['to an empty flow map', '{}\n', '{creds_helpers: [ecr-login]}\n'],
  ])('%s', (_, before, after) => {
    expect(edit(before, helper)).toBe(after);
    expect(edit(after, helper)).toBe(after);
  });

  test('below a key beside one that is empty', () => {
    expect(edit('creds_helpers:\n:\n    - a\n', helper)).toBe(
      'creds_helpers:\n  - ecr-login\n:\n    - a\n',
    );
  });

  test('that is an alias, in that place alone', () => {
    const before = 'base: &b [a] # base\ncreds_helpers: *b\nother: *b\n';
    const after = edit(before, helper);
    expect(parse(after)).toEqual({ base: ['a'], creds_helpers: ['a', 'ecr-login'], other: ['a'] });
    expect(after).toContain('# base');
  });

  test('only where nothing else changes with it', () => {
    const before = 'creds_helpers: &b [a]\nother: *b\n';
    expect(parse(edit(before, { ...helper, item: 'a' }))).toEqual(parse(before));
    expect(() => edit(before, helper)).toThrow(
      'finch.yaml:1:19: creds_helpers cannot be changed here without changing something else',
    );
  });
});

describe('editYaml() sets a text', () => {
  test.each([
    ['in an empty file', '', `ecr:\n  registries:\n    ${HOST}:\n      profile: dev\n`],
    [
      'in the place of another',
      `ecr:\n  registries:\n    "${HOST}": # team\n      profile: 'old'   # mine\n`,
      `ecr:\n  registries:\n    "${HOST}": # team\n      profile: 'dev'   # mine\n`,
    ],
    [
      'below a key that is there',
      `ecr:\n    registries:\n        a:\n            profile: x\n\ncpus: 3\n`,
      `ecr:\n    registries:\n        a:\n            profile: x\n        ${HOST}:\n            profile: dev\n\ncpus: 3\n`,
    ],
    [
      'in a flow map',
      `ecr: {registries: {a: {profile: x}}}\n`,
      `ecr: {registries: {a: {profile: x}, ${HOST}: {profile: dev}}}\n`,
    ],
  ])('%s', (_, before, after) => {
    expect(edit(before, profile)).toBe(after);
  });

  test('in quotes where it would be something else without', () => {
    const after = edit('', { ...profile, value: '0123' });
    expect(after).toContain('profile: "0123"');
  });
});

describe('editYaml() removes', () => {
  test.each([
    ['an item', 'creds_helpers:\n  - a\n  - ecr-login\n# end\n', 'creds_helpers:\n  - a\n# end\n'],
    ['the last item with its key', 'cpus: 3\ncreds_helpers:\n  - ecr-login\n', 'cpus: 3\n'],
    ['the only key', 'creds_helpers:\n  - ecr-login\n', ''],
    ['an item of a flow list', 'creds_helpers: [ecr-login, a]', 'creds_helpers: [a]'],
    ['the last item of a flow list', 'creds_helpers: [a, ecr-login ]', 'creds_helpers: [a ]'],
    ['nothing that is not there', 'creds_helpers: []\n', 'creds_helpers: []\n'],
  ])('%s', (_, before, after) => {
    expect(edit(before, { ...helper, isThere: false })).toBe(after);
  });

  test('a value with the maps that are empty without it', () => {
    const before = `a: 1\necr:\n  # ours\n  registries:\n    ${HOST}:\n      profile: dev\nb: 2\n`;
    expect(edit(before, { ...profile, value: undefined })).toBe('a: 1\nb: 2\n');
    const two = before.replace('      profile', '      role_arn: x\n      profile');
    expect(edit(two, { ...profile, value: undefined })).toBe(
      two.replace('      profile: dev\n', ''),
    );
  });
});

test('editYaml() refuses a place in which there is something else', () => {
  expect(() => edit('a: 1\necr: text\n', profile)).toThrow(
    `finch.yaml:2:6: there is no place for ecr.registries.${HOST}.profile`,
  );
});

/** Documents as people write them: block and flow style, comments, anchors, indentation, line ends. */
const documents = fc
  .record({
    value: fc.dictionary(
      fc.constantFrom('cpus', 'memory', 'mounts', 'x', 'y: z', '*', '#', 'long key'),
      fc.letrec((tie) => ({
        leaf: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
        any: fc.oneof(
          { depthSize: 'small', maxDepth: 3 },
          tie('leaf'),
          fc.array(tie('any'), { maxLength: 3 }),
          fc.dictionary(fc.constantFrom('a', 'b', 'c d'), tie('any'), { maxKeys: 3 }),
        ),
      })).any,
    ),
    helpers: fc.option(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }), { nil: null }),
    hasHelpers: fc.boolean(),
    registries: fc.dictionary(
      fc.constantFrom('a', 'b*', HOST),
      fc.record({ profile: fc.constant('p') }),
    ),
    hasRegistries: fc.boolean(),
    indent: fc.integer({ min: 1, max: 8 }),
    indentSeq: fc.boolean(),
    flow: fc.boolean(),
    comments: fc.array(fc.nat(30), { maxLength: 6 }),
    crlf: fc.boolean(),
    open: fc.boolean(),
  })
  .map((parts) => {
    const { value, helpers, hasHelpers, registries, hasRegistries, indent, indentSeq } = parts;
    const document = new Document({
      ...(hasHelpers && { creds_helpers: helpers }),
      ...value,
      ...(hasRegistries && { ecr: { registries } }),
    });
    const options = { indent, indentSeq, collectionStyle: parts.flow ? 'flow' : 'any' } as const;
    const lines = document.toString({ lineWidth: 0, ...options }).split('\n');
    // A comment at the end of a line may be a part of a text there; then it is no comment, and stays too.
    for (const at of parts.comments) if (lines[at]) lines[at] += ` # note ${at}`;
    const text = lines.join(parts.crlf ? '\r\n' : '\n');
    return parts.open ? text.trimEnd() : text;
  })
  .filter((text) => {
    try {
      const value: unknown = parse(text);
      return typeof value === 'object';
    } catch {
      return false;
    }
  });

describe('editYaml(), for any document', () => {
  test('changes what it is told to, and not one character else', () => {
    fc.assert(
      fc.property(documents, (text) => {
        for (const change of [helper, profile]) {
          const after = edit(text, change);
          const before = (parse(text) ?? {}) as Record<string, unknown>;
          const { [change.path[0] ?? '']: now, ...others } = parse(after);
          const { [change.path[0] ?? '']: _, ...othersBefore } = before;
          expect(others).toEqual(othersBefore);
          if (change === helper) expect(now).toContain('ecr-login');
          else expect(now.registries[HOST].profile).toBe('dev');
          const marks = (source: string) => source.match(/# note \d+/g) ?? [];
          expect(marks(after)).toEqual(marks(text));
        }
      }),
      { numRuns: 100 },
    );
  });

  test('takes back what it has added', () => {
    fc.assert(
      fc.property(documents, (text) => {
        const after = edit(text, helper);
        const back = edit(after, { ...helper, isThere: false });
        const { creds_helpers: _, ...rest } = parse(back) ?? {};
        const { creds_helpers: __, ...before } = parse(text) ?? {};
        expect(rest).toEqual(before);
      }),
      { numRuns: 100 },
    );
  });
});
