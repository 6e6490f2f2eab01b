import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { nestedSettings, parseIni } from '../../../src/aws/files/ini.ts';
import { FinchError } from '../../../src/errors.ts';

const parse = (text: string) =>
  Object.fromEntries(
    [...parseIni(text, { path: '/f' })].map(([name, settings]) => [
      name,
      Object.fromEntries(settings),
    ]),
  );

describe('parseIni()', () => {
  test('reads sections, both signs, names in any case, and comments on lines of their own', () => {
    const text = '# one\n[default]\n; two\nRegion = eu-west-1\noutput: json # not a comment\n';
    expect(parse(text)).toEqual({
      default: { region: 'eu-west-1', output: 'json # not a comment' },
    });
  });

  test('takes a line that is indented deeper for a part of the value above', () => {
    const text = '[services x]\necr =\n  endpoint_url = http://a\n  # no\n\n  b = c\nsts = d\n';
    expect(parse(text)).toEqual({
      'services x': { ecr: '\nendpoint_url = http://a\n\nb = c', sts: 'd' },
    });
  });

  test('takes an indented setting behind a section for a setting', () => {
    expect(parse('[a]\n  b = c\n  d = e\n')).toEqual({ a: { b: 'c', d: 'e' } });
  });

  test('keeps quotes, and signs in a value', () => {
    expect(parse('[a]\nb = "c d" = e: f\n')).toEqual({ a: { b: '"c d" = e: f' } });
  });

  test.each(['\r\n', '\r', '\n'])('reads lines that end with %j', (end) => {
    expect(parse(['[a]', 'b = c', 'd = e', ''].join(end))).toEqual({ a: { b: 'c', d: 'e' } });
  });

  test('makes one section of two, in which the last setting of a name counts', () => {
    expect(parse('[a]\nb = 1\nc = 2\n[x]\n[a]\nb = 3\n')).toEqual({ a: { b: '3', c: '2' }, x: {} });
  });

  test('lets what stands in [DEFAULT] count in every section, and be none itself', () => {
    const text = '[DEFAULT]\na = 1\nb = 2\n[default]\nb = 3\n[x]\n';
    expect(parse(text)).toEqual({ default: { a: '1', b: '3' }, x: { a: '1', b: '2' } });
  });

  test.each([
    ['b = c\n', 1, 'stands before any [section]'],
    ['[a]\nb = c\nsecret\n', 3, 'is no NAME = VALUE'],
    ['[a]\n= c\n', 2, 'is no NAME = VALUE'],
    ['[a\nb = c\n', 1, 'stands before any [section]'],
  ])('says which line of %j is wrong, and nothing of what it holds', (text, line, why) => {
    expect(() => parse(text)).toThrow(
      new FinchError('AWS_IDENTITY', `line ${line} of /f ${why}`, {
        hint: `correct line ${line} of /f`,
      }),
    );
  });

  test('reads back whatever is written', () => {
    const word = fc.stringMatching(/^[a-z][a-z_0-9]{0,8}$/);
    const value = fc.stringMatching(/^[!-~]([ -~]{0,12}[!-~])?$/);
    const section = fc.dictionary(word, value, { noNullPrototype: true });
    const sections = fc.dictionary(word, section, { noNullPrototype: true });
    fc.assert(
      fc.property(sections, fc.constantFrom('=', ' = ', ': ', '\t=  '), (wanted, sign) => {
        const lines = Object.entries(wanted).flatMap(([name, settings]) => [
          `[${name}]`,
          ...Object.entries(settings).map(([key, text]) => `${key}${sign}${text}`),
        ]);
        expect(parse(lines.join('\n'))).toEqual(wanted);
      }),
    );
  });

  test('throws nothing but its own error', () => {
    const pieces = fc.constantFrom('[', ']', '=', ':', '\n', ' ', '#', ';', 'a', '\r', '\t', '\0');
    fc.assert(
      fc.property(fc.string({ unit: pieces, maxLength: 60 }), (text) => {
        try {
          parseIni(text, { path: '/f' });
        } catch (error) {
          expect(error).toBeInstanceOf(FinchError);
        }
      }),
    );
  });

  test('reads a MiB of anything in one go', () => {
    const lines = ['[a]', `${' '.repeat(500_000)}b=${' '.repeat(500_000)}c`];
    expect(parse(lines.join('\n'))).toEqual({ a: { b: 'c' } });
  });
});

describe('nestedSettings()', () => {
  test('reads the settings within one, and none in a usual value', () => {
    expect([...nestedSettings('\na = b\n  c=d = e\nnothing')]).toEqual([
      ['a', 'b'],
      ['c', 'd = e'],
    ]);
    expect([...nestedSettings('a = b')]).toEqual([]);
  });
});
