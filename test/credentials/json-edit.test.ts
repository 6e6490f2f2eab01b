import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { applyEdits, type JsonEdit } from '../../src/credentials/json-edit.ts';
import { isJsonObject, type JsonObject } from '../../src/oci/json.ts';

const login = { auth: 'bWU6eA==' };
const set = (...path: string[]): readonly JsonEdit[] => [{ path, value: login }];
const remove = (...path: string[]): readonly JsonEdit[] => [{ path, value: undefined }];

describe('applyEdits() adds a login in the style of', () => {
  test.each([
    [
      'an empty file',
      '{}\n',
      '{\n  "auths": {\n    "b": {\n      "auth": "bWU6eA=="\n    }\n  }\n}\n',
    ],
    [
      'a compact file',
      '{"auths":{"a":{"auth":"x"}}}',
      '{"auths":{"a":{"auth":"x"},"b":{"auth":"bWU6eA=="}}}',
    ],
    [
      'a compact file without logins',
      '{"x":1,"auths":{}}',
      '{"x":1,"auths":{"b":{"auth":"bWU6eA=="}}}',
    ],
    ['a compact file without auths', '{"x":1}\n', '{"x":1,"auths":{"b":{"auth":"bWU6eA=="}}}\n'],
    ['a line with spaces', '{"x": 1}', '{"x": 1, "auths": {"b": {"auth": "bWU6eA=="}}}'],
    [
      'a line with spaces in braces',
      '{ "auths": { "a": {} } }',
      '{ "auths": { "a": {}, "b": { "auth": "bWU6eA==" } } }',
    ],
    [
      'docker, with tabs',
      '{\n\t"auths": {}\n}',
      '{\n\t"auths": {\n\t\t"b": {\n\t\t\t"auth": "bWU6eA=="\n\t\t}\n\t}\n}',
    ],
    [
      'Go, with null',
      '{\n\t"auths": null,\n\t"x": 1\n}',
      '{\n\t"auths": {\n\t\t"b": {\n\t\t\t"auth": "bWU6eA=="\n\t\t}\n\t},\n\t"x": 1\n}',
    ],
    [
      'Windows',
      '{\r\n  "x": 1\r\n}\r\n',
      '{\r\n  "x": 1,\r\n  "auths": {\r\n    "b": {\r\n      "auth": "bWU6eA=="\r\n    }\r\n  }\r\n}\r\n',
    ],
    [
      'Notepad, with a byte order mark',
      '\ufeff{"auths":{}}',
      '\ufeff{"auths":{"b":{"auth":"bWU6eA=="}}}',
    ],
    [
      'lines without indentation',
      '{\n"auths": {\n"a": {}\n}\n}',
      '{\n"auths": {\n"a": {},\n"b": {\n"auth": "bWU6eA=="\n}\n}\n}',
    ],
    [
      'entries in one line each',
      '{\n  "auths": {\n    "a": { "auth": "x" }\n  }\n}\n',
      '{\n  "auths": {\n    "a": { "auth": "x" },\n    "b": { "auth": "bWU6eA==" }\n  }\n}\n',
    ],
    [
      'blank lines and odd spacing',
      '{\n\n  "auths" :\n  {\n    "a" : { "auth":"x" } ,\n\n\n    "c" : {"auth" :  "y"}\n\n  }  \n}\n\n',
      '{\n\n  "auths" :\n  {\n    "a" : { "auth":"x" } ,\n\n\n    "c" : {"auth" :  "y"},\n    "b" : {"auth" :  "bWU6eA=="}\n\n  }  \n}\n\n',
    ],
  ])('%s', (_, before, after) => {
    expect(applyEdits(before, set('auths', 'b'))).toBe(after);
  });
});

describe('applyEdits()', () => {
  test('replaces a value where it stands', () => {
    const text = '{ "auths": { "b" :\t{"auth": "old"} , "a":1.0 } }';
    expect(applyEdits(text, [{ path: ['auths', 'b', 'auth'], value: 'new' }])).toBe(
      '{ "auths": { "b" :\t{"auth": "new"} , "a":1.0 } }',
    );
  });

  test.each([
    ['{"auths":{"b":{}}}', '{"auths":{}}'],
    ['{"auths":{\n  "b":{}\n}}', '{"auths":{}}'],
    ['{"auths":{"b":{},"a":1}}', '{"auths":{"a":1}}'],
    ['{"auths":{ "b":{} , "a":1 }}', '{"auths":{ "a":1 }}'],
    ['{"auths":{ "a":1 , "b":{} }}', '{"auths":{ "a":1 }}'],
    ['{"auths":{\n\t"a":1,\n\t"b":{},\n\t"c":2\n}}', '{"auths":{\n\t"a":1,\n\t"c":2\n}}'],
    ['{"auths":{"b":1,"b":2,"a":3,"b":4,"c":5,"b":6}}', '{"auths":{"a":3,"c":5}}'],
    ['{"auths":{"\\u0062":1}}', '{"auths":{}}'],
    ['{"auths":null,"b":{}}', '{"auths":null,"b":{}}'],
    ['{}', '{}'],
  ])('removes a member from %j', (before, after) => {
    expect(applyEdits(before, remove('auths', 'b'))).toBe(after);
  });

  test('leaves one member where the path had led to several, and all else in doubled objects', () => {
    const text = '{"auths":{"b":"old","a":1},"x":1,"auths":{"b":"new","c":2,"b":"newest"}}';
    const edit = (value: unknown) => applyEdits(text, [{ path: ['auths', 'b'], value }]);
    expect(edit('set')).toBe('{"auths":{"a":1},"x":1,"auths":{"c":2,"b":"set"}}');
    expect(edit(undefined)).toBe('{"auths":{"a":1},"x":1,"auths":{"c":2}}');
  });

  test('sets __proto__ like any other key', () => {
    expect(applyEdits('{"a":1}', set('__proto__', '__proto__'))).toBe(
      '{"a":1,"__proto__":{"__proto__":{"auth":"bWU6eA=="}}}',
    );
  });

  test('leaves out what is undefined', () => {
    const value = { a: undefined, b: { c: undefined }, d: 1 };
    expect(applyEdits('{}', [{ path: ['x'], value }])).toBe(
      '{\n  "x": {\n    "b": {},\n    "d": 1\n  }\n}',
    );
  });

  test('does not change what is no object', () => {
    expect(() => applyEdits('{"auths":[]}', set('auths', 'b'))).toThrow(TypeError);
    expect(() => applyEdits('[]', set('auths', 'b'))).toThrow(TypeError);
    expect(applyEdits('{"auths":[]}', remove('auths', 'b'))).toBe('{"auths":[]}');
  });

  test('passes over values of any depth', () => {
    const deep = `{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(applyEdits(deep, set('b'))).toBe(`${deep.slice(0, -1)},"b":{"auth":"bWU6eA=="}}`);
  });
});

const key = fc.constantFrom('auths', 'a', 'b', 'ghcr.io', '__proto__', 'ä"\\\n', '');
const space = fc.constantFrom('', '', ' ', '\n', '\n\t', '\r\n  ', '\n\n    ');
const scalar = fc.constantFrom(
  '1.0',
  '-0',
  '1e400',
  '12345678901234567890',
  'null',
  'true',
  '"x\\u0041"',
  '"a,b:{}[]\\""',
  '[1, {"a":2} ]',
  '[ ]',
);

/** JSON objects in texts with all kinds of white space, and with numbers that JavaScript has not. */
function texts({ doubled }: { doubled: boolean }): fc.Arbitrary<string> {
  return fc.letrec<{ object: string; value: string }>((tie) => {
    const member = fc.tuple(key, tie('value'), space, space, space, space);
    const selector = ([name]: readonly string[]) => name;
    const members = doubled
      ? fc.array(member, { maxLength: 5 })
      : fc.uniqueArray(member, { maxLength: 5, selector });
    const object = fc.tuple(members, space).map(([list, end]) => {
      const written = list.map(
        ([name, item, ...s]) => `${s[0]}${JSON.stringify(name)}${s[1]}:${s[2]}${item}${s[3]}`,
      );
      return `{${written.join(',') || end}}`;
    });
    return { value: fc.oneof({ depthSize: 'small' }, scalar, tie('object')), object };
  }).object;
}
const path = fc.array(key, { minLength: 1, maxLength: 3 });
const value = fc.constantFrom<unknown>('new', 'z'.repeat(50), login, { a: { b: 1 } }, {});

/** What an edit makes of a parsed document. */
function model(
  root: JsonObject,
  [key = '', ...rest]: readonly string[],
  value: unknown,
): JsonObject {
  if (rest.length === 0) {
    const others = Object.entries(root).filter(([name]) => name !== key);
    return Object.fromEntries(value === undefined ? others : [...others, [key, value]]);
  }
  const below = (Object.hasOwn(root, key) ? root[key] : null) ?? (value === undefined ? 0 : {});
  if (isJsonObject(below)) return model(root, [key], model(below, rest, value));
  if (value === undefined) return root;
  throw new TypeError('no object');
}

/** The value that a model or a text has, whatever the order of members. */
function canonical(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, canonical(item)] as const);
  return ['object', ...entries.toSorted(([a], [b]) => (a < b ? -1 : 1))];
}

function attempt<T>(work: () => T): T | string {
  try {
    return work();
  } catch (error) {
    if (error instanceof TypeError) return 'refused';
    throw error;
  }
}

test('an edited text holds what the edit makes of the value, also with doubled keys', () => {
  fc.assert(
    fc.property(
      texts({ doubled: true }),
      path,
      fc.option(value, { nil: undefined }),
      (text, path, value) => {
        const parsed = JSON.parse(text);
        const edited = attempt(() => canonical(JSON.parse(applyEdits(text, [{ path, value }]))));
        expect(edited).toEqual(attempt(() => canonical(model(parsed, path, value))));
      },
    ),
    { numRuns: 1000 },
  );
});

test('an edit changes one piece of the text, and all bytes around it stay', () => {
  fc.assert(
    fc.property(texts({ doubled: false }), path, (text, path) => {
      const edit = (value: unknown) => attempt(() => applyEdits(text, [{ path, value }]));
      const [removed, edited] = [edit(undefined), edit('MARK')];
      expect(removed === 'refused' || inCommon(text, removed) === removed.length).toBe(true);
      if (edited === 'refused') return;
      const old = memberAt(JSON.parse(text), path);
      if (old === undefined) {
        // In a new object, or one without members, a comma is not needed and its white space is replaced.
        const tight = squeezed(text);
        const shared = inCommon(tight, squeezed(edited));
        expect(shared).toBeGreaterThanOrEqual(tight.length - 'null'.length);
      } else {
        const [before = '', after = ''] = edited.split('"MARK"');
        expect([text.startsWith(before), text.endsWith(after)]).toEqual([true, true]);
        expect(JSON.parse(text.slice(before.length, text.length - after.length))).toEqual(old);
      }
    }),
    { numRuns: 1000 },
  );
});

test('setting a new member and removing it again gives back the text', () => {
  fc.assert(
    fc.property(texts({ doubled: false }), path, value, (text, path, value) => {
      const parsed = JSON.parse(text);
      const parent = memberAt(parsed, path.slice(0, -1));
      if (!isJsonObject(parent) || Object.hasOwn(parent, path.at(-1) ?? '')) return;
      const once = applyEdits(text, [{ path, value }]);
      const back = applyEdits(once, [{ path, value: undefined }]);
      // Of an empty object the space inside goes.
      const isEmpty = Object.keys(parent).length === 0;
      expect(isEmpty ? squeezed(back) : back).toBe(isEmpty ? squeezed(text) : text);
    }),
    { numRuns: 1000 },
  );
});

/** What stands at the end of a path; undefined when nothing does. */
function memberAt(root: unknown, path: readonly string[]): unknown {
  return path.reduce(
    (at, key) => (isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined),
    root,
  );
}

/** How many characters two texts have in common at their beginning and, beside those, at their end. */
function inCommon(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a[start] === b[start]) start++;
  let end = 0;
  while (end < most - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return start + end;
}

function squeezed(text: string): string {
  return text.replace(/\{\s+\}/g, '{}');
}
