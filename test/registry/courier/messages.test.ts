import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { digestOf } from '../../../src/oci/digest.ts';
import { linesOf } from '../../../src/registry/courier/lines.ts';
import {
  type Errand,
  messageLine,
  parseErrand,
  parseReport,
  type Report,
} from '../../../src/registry/courier/messages.ts';

const digest = digestOf(new Uint8Array([1]));
const text = fc.string();
const count = fc.nat();
const optionalText = fc.option(text, { nil: undefined });

const errands: fc.Arbitrary<Errand> = fc
  .record({
    id: count,
    method: fc.constantFrom('PUT' as const, 'PATCH' as const),
    url: fc.webUrl({ withQueryParameters: true }),
    headers: fc.dictionary(text, text, { noNullPrototype: true }),
    file: fc.record({ path: text, start: count, end: count }),
    asStream: fc.boolean(),
    bytesPerSecond: fc.integer({ min: 1 }),
    insecure: fc.boolean(),
    tls: fc.record({ ca: fc.array(text), certificate: fc.record({ chain: text, key: text }) }),
    address: text,
    upload: fc.record({
      registry: text,
      repository: text,
      digest: fc.constant(digest),
      owner: text,
      end: count,
      closes: fc.boolean(),
    }),
  })
  // JSON makes another key of this one.
  .filter(({ headers }) => !Object.hasOwn(headers, '__proto__'));

const reports: fc.Arbitrary<Report> = fc.oneof(
  fc.record({ kind: fc.constant('ready' as const), courier: text }),
  fc.record({ kind: fc.constant('sent' as const), id: count, bytes: count }),
  fc.record({
    kind: fc.constant('answer' as const),
    id: count,
    status: fc.integer({ min: 200, max: 599 }),
    statusText: text,
    headers: fc.array(fc.tuple(text, text)),
    body: fc.base64String(),
  }),
  fc
    .record({ kind: fc.constant('failed' as const), id: count, message: text, cause: optionalText })
    .map(({ cause, ...rest }) => ({
      ...{ ...rest, code: 'NETWORK' as const },
      ...(cause !== undefined && { cause }),
    })),
);

test('what is said arrives as it was, each message a line', () => {
  fc.assert(
    fc.property(errands, (errand) => {
      const line = messageLine(errand);
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(parseErrand(line.trimEnd())).toEqual(errand);
    }),
  );
  fc.assert(
    fc.property(reports, (report) => {
      expect(parseReport(messageLine(report).trimEnd())).toEqual(report);
    }),
  );
});

test('anything else is no message, and nothing throws', () => {
  fc.assert(
    fc.property(fc.oneof(text, fc.json()), (line) => {
      expect(parseErrand(line)).toBeUndefined();
      expect(parseReport(line)).toBeUndefined();
    }),
  );
});

const OPTIONAL = ['tls', 'address', 'bytesPerSecond'];

test('a message without one of its parts, or with another in its place, is none', () => {
  fc.assert(
    fc.property(
      errands,
      fc.nat(),
      fc.constantFrom(undefined, null, [], -1),
      (errand, at, value) => {
        const needed = Object.keys(errand).filter((name) => !OPTIONAL.includes(name));
        const name = needed[at % needed.length] ?? '';
        expect(parseErrand(JSON.stringify({ ...errand, [name]: value }))).toBeUndefined();
      },
    ),
  );
});

test('lines are found however their bytes come in', async () => {
  const line = fc.string().map((whole) => whole.replaceAll('\n', ''));
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 9 }), async (lines, size) => {
      const bytes = Buffer.from(`${lines.map((one) => `${one}\n`).join('')}the rest`);
      const pieces = async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      };
      expect(await Array.fromAsync(linesOf(pieces()))).toEqual(lines);
    }),
  );
});
