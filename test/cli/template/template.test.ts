import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseTemplate } from '../../../src/cli/template/evaluate.ts';
import { FinchError } from '../../../src/errors.ts';

const DATA = {
  Name: 'alpine',
  Tag: '3.20',
  Empty: '',
  Count: 7,
  Share: 1.5,
  Small: 0.00001,
  Yes: true,
  No: false,
  Nothing: null,
  Tags: ['b', 'a', 'c'],
  None: [],
  Labels: { z: '1', a: '<x> & y' },
  Deep: { A: { B: 'deep', List: [{ Key: 'v1' }, { Key: 'v2' }] } },
  Words: "hello wörld-foo bar_baz it's",
  Odd: 'tab\there "q" é \u0007 \u2028 <b>',
};

/** Templates and what Go 1.26 makes of them, with docker's functions. */
const GO: Readonly<Record<string, readonly (readonly [template: string, text: string])[]>> = {
  fields: [
    ['{{.Name}}:{{.Tag}}', 'alpine:3.20'],
    ['{{.Deep.A.B}} {{(.Deep).A.B}} {{$.Deep.A.B}}', 'deep deep deep'],
    ['{{.Tags}} {{.Labels}} {{.None}}', '[b a c] map[a:<x> & y z:1] []'],
    ['{{.Deep.A.List}}', '[map[Key:v1] map[Key:v2]]'],
    ['{{.Nothing}} {{.Count}} {{.Share}} {{.Small}} {{.Yes}}', '<no value> 7 1.5 1e-05 true'],
  ],
  'text and spaces': [
    ['  {{- .Name -}}  |', 'alpine|'],
    ['a {{- /* comment */ -}} b {{/* c */}} c', 'ab  c'],
    ['{{.Name}}}} x {{"}}"}}', 'alpine}} x }}'],
    ['{{if true}} y {{ end }}', ' y '],
    ['{{\n.Name\n}}', 'alpine'],
  ],
  literals: [
    ['{{"quoted \\"x\\" \\t \\u00e9 \\x41 \\101"}} {{`raw \\n`}}', 'quoted "x" \t é A A raw \\n'],
    ['{{1}} {{-3}} {{+5}} {{1.5}} {{.5}} {{0x10}} {{1e3}} {{true}}', '1 -3 5 1.5 0.5 16 1000 true'],
  ],
  variables: [
    ['{{$x := 1}}{{if true}}{{$x = 2}}{{$y := 3}}{{$y}}{{end}}{{$x}}', '32'],
    ['{{with $x := .Name}}{{$x}} {{.}} {{$.Tag}}{{end}}', 'alpine alpine 3.20'],
  ],
  'if and with': [
    ['{{if .Empty}}a{{else if .Count}}b{{else}}c{{end}}', 'b'],
    ['{{if and .Yes .No}}a{{else}}b{{end}}{{if or .No .Name}}c{{end}}', 'bc'],
    ['{{with .Deep.A}}{{.B}}{{end}}{{with .Empty}}x{{else}}y{{end}}', 'deepy'],
    ['{{if .None}}a{{end}}{{if .Labels}}b{{end}}{{if .Nothing}}c{{end}}{{if 0}}d{{end}}', 'b'],
  ],
  range: [
    ['{{range .Tags}}{{.}},{{end}}', 'b,a,c,'],
    ['{{range $i, $e := .Tags}}{{$i}}={{$e}};{{end}}', '0=b;1=a;2=c;'],
    ['{{range $e := .Tags}}{{$e}};{{end}}', 'b;a;c;'],
    ['{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}', 'a=<x> & y;z=1;'],
    ['{{range .None}}x{{else}}none{{end}}{{range .Nothing}}x{{else}} nil{{end}}', 'none nil'],
    ['{{range .Deep.A.List}}{{.Key}} {{$.Name}} {{end}}', 'v1 alpine v2 alpine '],
  ],
  functions: [
    ['{{json .Labels.a}} {{json .Tags}} {{json nil}}', '"<x> & y" ["b","a","c"] null'],
    ['{{json .Odd}}', '"tab\\there \\"q\\" é \\u0007 \\u2028 <b>"'],
    ['{{upper .Name}} {{lower "ÀB"}} {{title .Words}}', "ALPINE àb Hello Wörld-Foo Bar_baz It'S"],
    ['{{join .Tags ", "}} {{split "a,b,c" ","}} {{split "abc" ""}}', 'b, a, c [a b c] [a b c]'],
    ['{{index (split .Tag ".") 0}} {{(index .Deep.A.List 1).Key}}', '3 v2'],
    ['{{index .Tags 1}} {{index .Labels "z"}}', 'a 1'],
    ['{{len .Name}} {{len .Tags}} {{len .Labels}} {{len "é"}}', '6 3 2 2'],
    ['{{eq .Name "alpine"}} {{eq .Name "x" "alpine"}} {{ne .Tag "1"}}', 'true true true'],
    ['{{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1 2}}', 'true true true false'],
    ['{{and .Yes .Name}} {{or .Empty .Nothing "x"}} {{not .Yes}}', 'alpine x false'],
    ['{{pad .Name 2 3}}|{{pad "" 2 3}}|', '  alpine   ||'],
    ['{{truncate .Name 3}}|{{truncate .Name 60}}|', 'alp|alpine|'],
    ['{{print 1 2 "a" "b" 3 4 true}} {{println 1 "a" nil}}', '1 2ab3 4 true 1 a <nil>\n'],
  ],
  pipes: [
    ['{{.Name | upper | printf "%-10s|"}}', 'ALPINE    |'],
    ['{{.Name | printf "%s-%s" "x" | upper}}', 'X-ALPINE'],
    ['{{len (printf "%s" .Name) | printf "%d"}}', '6'],
  ],
  printf: [
    ['{{printf "%10s|%-10s|%s" .Name .Tag "x"}}', '    alpine|3.20      |x'],
    ['{{printf "%q %q" .Odd .Tags}}', '"tab\\there \\"q\\" é \\a \\u2028 <b>" ["b" "a" "c"]'],
    ['{{printf "%x %x" .Name 255}} {{printf "%d%%" 50}}', '616c70696e65 ff 50%'],
    ['{{printf "%05d|%5d|%-5d|" 42 42 42}}', '00042|   42|42   |'],
    ['{{printf "%v %v %v %v" .Count .Share .Nothing .Tags}}', '7 1.5 <nil> [b a c]'],
    ['{{printf "%.3s|%5.2s|" .Name .Name}}', 'alp|   al|'],
    ['{{printf "%-6t|%6t|%3v" true false .Tags}}', 'true  | false|[  b   a   c]'],
  ],
};

for (const [subject, cases] of Object.entries(GO)) {
  test(`parseTemplate() makes of ${subject} what Go makes of them`, () => {
    for (const [template, text] of cases) expect(parseTemplate(template).render(DATA)).toBe(text);
  });
}

function failure(template: string, data: unknown = DATA): FinchError {
  try {
    const text = parseTemplate(template).render(data);
    throw new Error(`${template} gave ${JSON.stringify(text)}`);
  } catch (error) {
    if (!(error instanceof FinchError)) throw error;
    expect(error.code).toBe('TEMPLATE_INVALID');
    return error;
  }
}

describe('parseTemplate() refuses', () => {
  test('what it does not support, and lists what it does', () => {
    const templates: Readonly<Record<string, string>> = {
      '{{define "x"}}{{end}}': 'define',
      '{{template "x"}}': 'template',
      '{{block "x" .}}{{end}}': 'block',
      '{{range .Tags}}{{break}}{{end}}': 'break',
      '{{html .Name}}': 'html',
      '{{with .No}}{{else with .Name}}{{end}}': 'what stands behind else',
    };
    for (const [template, what] of Object.entries(templates)) {
      const { message, hint } = failure(template);
      expect(message).toContain(`${what} is not supported in {{`);
      expect(hint).toContain('supported are fields');
      expect(hint).toContain('functions json, upper, ');
    }
    expect(failure('{{.Label "x"}}').hint).toStartWith('methods are not supported');
  });

  test('what does not parse', () => {
    const templates = [
      '{{.Name',
      '{{',
      '{{}}',
      '{{if}}x{{end}}',
      '{{if .Yes}}',
      '{{end}}',
      '{{else}}',
    ];
    const more = [
      '{{"a}}',
      '{{`a',
      "{{'a'}}",
      '{{1 2}}',
      '{{1 | 2}}',
      '{{$x}}',
      '{{.A.B"x"}}',
      '{{(1}}',
    ];
    const evenMore = [
      '{{1)}}',
      '{{nil}}',
      '{{.Name;}}',
      '{{1x}}',
      '{{"\\q"}}',
      '{{"\\xff"}}',
      '{{-x}}',
    ];
    const blocks = [
      '{{if 1}}a{{else}}b{{else}}c{{end}}',
      '{{end 1}}',
      '{{if 1}}{{end 1}}',
      '{{$a, $b := 1}}',
    ];
    for (const template of [...templates, ...more, ...evenMore, ...blocks]) {
      expect(failure(template).message).toStartWith('invalid template: ');
    }
  });

  test('a field that is not there, and names those that are', () => {
    const { message, hint } = failure('{{.Repo}}', { Repository: 'r', Tag: 't' });
    expect(message).toBe('invalid template: there is no field .Repo');
    expect(hint).toBe('the fields are Repository, Tag');
    expect(failure('{{.Deep.A.C}}').message).toEndWith('no field .Deep.A.C');
    expect(failure('{{$.Deep.X}}').message).toEndWith('no field $.Deep.X');
    expect(failure('{{.Name.X}}').message).toEndWith('.Name is a string, it has no field X');
    expect(failure('{{.Nothing.X}}').message).toEndWith('.Nothing is nil, it has no field X');
  });

  test('the members that every JavaScript object has', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      expect(failure(`{{.${name}}}`).message).toEndWith(`no field .${name}`);
      expect(failure(`{{${name} 1}}`).message).toContain('is not supported');
    }
  });

  test('arguments that do not suit a function, and names the function', () => {
    const wrong: Readonly<Record<string, string>> = {
      '{{upper 1}}': 'upper needs a string, not a number',
      '{{upper}}': 'upper needs 1 argument, not 0',
      '{{join .Name ","}}': 'join needs a list, not a string',
      '{{index .Tags 9}}': 'index 9 is out of range: there are 3 elements',
      '{{index .Labels 1}}': 'index needs a string, not a number',
      '{{eq 1 "1"}}': 'eq cannot compare a number with a string',
      '{{lt .Tags .Tags}}': 'lt cannot order a list and a list',
      '{{printf "%d" "x"}}': 'printf: %d needs a whole number, not a string',
      '{{printf "%s"}}': 'printf: there is no value for %s',
      '{{printf "x" 1}}': 'printf: there are 1 values for 0 verbs',
      '{{printf "%[1]s" 1}}': 'printf: "%[" is not supported',
      '{{range .Name}}{{end}}': 'range needs a list or a map, not a string in {{range .Name}}',
      '{{and}}': 'and needs at least 1 argument, not 0',
    };
    for (const [template, message] of Object.entries(wrong)) {
      expect(failure(template).message).toBe(`invalid template: ${message}`);
    }
  });

  test('what would need endless memory or an endless stack', () => {
    expect(failure('{{pad "x" 1000000000 0}}').message).toContain('10000');
    expect(failure('{{printf "%1000000000d" 1}}').message).toContain('10000');
    expect(failure(`{{${'('.repeat(100_000)}}}`).message).toContain('parentheses');
    expect(failure('{{if 1}}'.repeat(100_000)).message).toContain('blocks');
    expect(failure(`{{if 1}}${'{{else if 1}}'.repeat(10_000)}`).message).toContain('blocks');
  });
});

test('parseTemplate() takes \\t and \\n in the text for tab and line feed when asked', () => {
  const render = (template: string, escapes: boolean) =>
    parseTemplate(template, { escapes }).render({ A: '1' });
  expect(render('{{.A}}\\t{{.A}}\\n{{"\\t"}}{{`\\t`}}', true)).toBe('1\t1\n\t\\t');
  expect(render('{{.A}}\\t', false)).toBe('1\\t');
});

test('render() with header leaves the titles of columns as they are', () => {
  const template = parseTemplate(
    '{{lower .A}} {{json .A}} {{join (split .A " ") "-"}} {{pad .A 1 0}}',
  );
  expect(template.render({ A: 'IMAGE ID' }, { header: true })).toBe(
    'IMAGE ID IMAGE ID IMAGE ID  IMAGE ID',
  );
});

describe('parseTemplate() never fails but with a FinchError', () => {
  const word = fc.constantFrom(
    ...['{{', '}}', '{{-', '-}}', ' ', '.', '.Name', '.Tags', '$', '$x', ':=', '=', ',', '|'],
    ...['(', ')', '"a"', '`b`', '1', '-2.5', 'true', 'nil', 'if', 'else', 'end', 'range', 'with'],
    ...['json', 'printf', '"%v"', 'index', 'eq', 'and', 'len', 'join', '/*', '*/', 'text', '\\t'],
  );
  const check = (template: string) => {
    try {
      parseTemplate(template, { escapes: true }).render(DATA);
    } catch (error) {
      if (!(error instanceof FinchError)) throw error;
      expect(error.code).toBe('TEMPLATE_INVALID');
    }
  };

  test('for any words', () => {
    const words = fc.array(word, { maxLength: 24 }).map((list) => list.join(' '));
    fc.assert(fc.property(words, check), { numRuns: 2000 });
  });

  test('for any action', () => {
    const action = fc.array(word, { maxLength: 6 }).map((list) => `{{${list.join(' ')}}}`);
    const actions = fc.array(action, { maxLength: 6 }).map((list) => list.join(''));
    fc.assert(fc.property(actions, check), { numRuns: 2000 });
  });

  test('for any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => check(`{{${text}}}`)));
  });

  test('for any value and any function', () => {
    const template = parseTemplate('{{json .V}} {{printf "%v" .V}} {{print .V .V}} {{.V}}');
    fc.assert(
      fc.property(
        fc.anything({ withDate: true, withBigInt: true, withNullPrototype: true }),
        (V) => {
          expect(typeof template.render({ V })).toBe('string');
        },
      ),
    );
  });
});

test('parseTemplate() leaves text without actions as it is', () => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes('{{')),
      (text) => {
        expect(parseTemplate(text).render({})).toBe(text);
      },
    ),
  );
});

test('the json function and JSON.parse() are a round trip', () => {
  const template = parseTemplate('{{json .V}}');
  fc.assert(
    fc.property(fc.jsonValue(), (V) => {
      expect(JSON.parse(template.render({ V }))).toEqual(JSON.parse(JSON.stringify(V)));
    }),
  );
});

test('a message about a template is one short line, whatever the template is', () => {
  const name = 'x'.repeat(5000);
  for (const text of [
    '{{\0.Name}}',
    '{{\x1b[2J}}',
    '{{.A\n\n.B',
    `{{${name}}}`,
    `{{.${name}}}`,
    `{{printf "${name}%z"}}`,
  ]) {
    let message = '';
    try {
      parseTemplate(text).render({});
    } catch (error) {
      message = String(error);
    }
    expect(message).toMatch(/^FinchError: invalid template: [^\p{Cc}]{1,400}$/u);
  }
});

test('a long space in a template is read once', () => {
  const space = ' '.repeat(200_000);
  expect(parseTemplate(`a${space}b{{- ""}}`).render({})).toBe(`a${space}b`);
  expect(parseTemplate(`a${space}{{- ""}}`).render({})).toBe('a');
});
