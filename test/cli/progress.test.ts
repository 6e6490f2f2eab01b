import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { createProgress } from '../../src/cli/progress.ts';
import type { ProgressOptions } from '../../src/cli/progress-display.ts';
import type { CopyEvent } from '../../src/copy/events.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';

const MIB = 1024 * 1024;

function descriptor(mediaType: string, size: number, seed = ''): Descriptor {
  return { mediaType, digest: digestOf(new TextEncoder().encode(mediaType + size + seed)), size };
}

const LAYER = descriptor(mediaTypes.layerGzip, 4 * MIB);
const CONFIG = descriptor(mediaTypes.config, 1024);
const MANIFEST = descriptor(mediaTypes.manifest, 512);
const INDEX = descriptor(mediaTypes.index, 2048);

/** The screen of a terminal that knows what finch sends to it, and a clock that tests set. */
function terminal({ columns = 80, rows = 24 } = {}) {
  const lines: string[] = [''];
  let row = 0;
  let column = 0;
  let text = '';
  let writes = 0;
  let ms = 0;
  const put = (token: string) => {
    const up = /^\p{Cc}\[(\d+)A$/u.exec(token)?.[1];
    if (up !== undefined) row -= Number(up);
    else if (token === '\x1b[2K') lines[row] = '';
    else if (token === '\x1b[J') lines.splice(row);
    else if (token === '\r') column = 0;
    else if (token === '\n') {
      row++;
      column = 0;
    } else if (/^[ -~]$/.test(token)) {
      lines[row] = (lines[row] ?? '').slice(0, column).padEnd(column) + token;
      column++;
    } else if (token !== '\x1b[32m' && token !== '\x1b[0m') {
      throw new Error(`not for a terminal: ${JSON.stringify(token)}`);
    }
    if (row < 0 || row >= rows) throw new Error(`the cursor left the screen: line ${row}`);
    if (column >= columns) throw new Error(`a line does not fit: ${lines[row]}`);
    lines[row] ??= '';
  };
  return {
    isTerminal: true,
    columns,
    rows,
    now: () => new Date(ms),
    write(written: string) {
      text += written;
      writes++;
      for (const [token] of written.matchAll(/\p{Cc}\[\d*[A-Za-z]|[\s\S]/gu)) put(token);
    },
    advance(by: number) {
      ms += by;
    },
    /** What can be seen, without the empty line of the cursor. */
    screen: () => lines.slice(0, row),
    rest: () => lines.slice(row).join(''),
    text: () => text,
    writes: () => writes,
    column: () => column,
  };
}

type Screen = ReturnType<typeof terminal>;

const VERB = { active: 'uploading', done: 'done' } as const;

function show(screen: Screen, events: readonly CopyEvent[], more: Partial<ProgressOptions> = {}) {
  const progress = createProgress(screen, { now: screen.now, verb: VERB, ...more });
  for (const event of events) progress.update(event);
  progress.close();
  return progress;
}

const all = (kind: 'found' | 'started' | 'done', ...content: readonly Descriptor[]): CopyEvent[] =>
  content.map((one) => ({ kind, descriptor: one }));

const short = ({ digest }: Descriptor) => digest.slice(0, 'sha256:'.length + 12);

describe('createProgress() on a terminal', () => {
  test('shows a bar for each piece of content and a total', () => {
    const screen = terminal({ columns: 128 });
    const progress = createProgress(screen, { now: screen.now, verb: VERB });
    for (const event of all('found', INDEX, MANIFEST, CONFIG, LAYER)) progress.update(event);
    progress.update({ kind: 'exists', descriptor: CONFIG });
    progress.update({ kind: 'started', descriptor: LAYER });
    progress.update({ kind: 'progress', descriptor: LAYER, bytes: MIB });
    screen.advance(2000);
    progress.update({ kind: 'progress', descriptor: LAYER, bytes: MIB });
    const bar = (full: number) => `|${'+'.repeat(full)}${'-'.repeat(35 - full)}|`;
    expect(screen.screen()).toEqual([
      `index-${short(INDEX)}:     waiting   ${bar(0)}`,
      `manifest-${short(MANIFEST)}:  waiting   ${bar(0)}`,
      `config-${short(CONFIG)}:    exists    ${bar(35)}`,
      `layer-${short(LAYER)}:     uploading ${bar(17)} 2.0 MiB/4.0 MiB  1.0 MiB/s, 2 s left`,
      'elapsed: 2.0 s  total: 2.0 MiB/4.0 MiB (1.0 MiB/s, 3 s left)',
    ]);
    progress.close();
  });

  test('ends with what is done, the cursor at the start of a free line', () => {
    const screen = terminal();
    show(screen, [...all('found', MANIFEST, LAYER), ...all('done', LAYER, MANIFEST)]);
    const [first, second, total] = screen.screen();
    expect(first).toContain(':  done      |++++');
    expect(second).toContain(':     done      |++++');
    expect(total).toStartWith('elapsed: 0.0 s  total: 4.0 MiB/4.0 MiB');
    expect({ column: screen.column(), rest: screen.rest() }).toEqual({ column: 0, rest: '' });
  });

  test('goes back when bytes are sent again', () => {
    const screen = terminal();
    show(screen, [
      ...all('found', LAYER),
      { kind: 'progress', descriptor: LAYER, bytes: 3 * MIB },
      { kind: 'progress', descriptor: LAYER, bytes: -2 * MIB },
    ]);
    expect(screen.screen()[0]).toEndWith('1.0 MiB/4.0 MiB');
  });

  test('shows how fast each goes and how long it takes, also where there is less room', () => {
    const other = descriptor(mediaTypes.layerGzip, 8 * MIB);
    for (const [columns, detail] of [
      [128, '2.0 MiB/4.0 MiB  1.0 MiB/s, 2 s left'],
      [80, '1.0 MiB/s, 2 s left'],
      [70, '| 1.0 MiB/s, 2 s left'],
      [60, '1.0 MiB/s, 2 s left  2.0 MiB/'],
    ] as const) {
      const screen = terminal({ columns });
      const progress = createProgress(screen, { now: screen.now, verb: VERB });
      for (const event of all('started', LAYER, other)) progress.update(event);
      for (let second = 0; second < 2; second++) {
        progress.update({ kind: 'progress', descriptor: LAYER, bytes: MIB });
        screen.advance(1000);
      }
      progress.update({ kind: 'progress', descriptor: other, bytes: 0 });
      const [first, second] = screen.screen();
      expect(first).toEndWith(detail);
      expect(second).toContain('uploading');
      progress.close();
    }
  });

  test('shows what was there, where it came from, and why nothing goes', () => {
    const screen = terminal({ columns: 140 });
    const progress = createProgress(screen, { now: screen.now, verb: VERB });
    const [waiting, whole] = [1, 2].map((n) => descriptor(mediaTypes.layer, n * MIB)) as [
      Descriptor,
      Descriptor,
    ];
    for (const event of all('started', LAYER, CONFIG, waiting, whole)) progress.update(event);
    progress.update({ kind: 'resumed', descriptor: LAYER, bytes: MIB });
    progress.update({ kind: 'mounted', descriptor: CONFIG, from: 'me/base' });
    progress.update({
      kind: 'waiting',
      descriptor: waiting,
      ms: 30_000,
      why: 'the registry asks to',
    });
    progress.update({ kind: 'resumed', descriptor: whole, bytes: MIB });
    screen.advance(500);
    progress.update({ kind: 'done', descriptor: whole });
    const lines = screen.screen();
    expect(lines[0]).toEndWith('| 1.0 MiB/4.0 MiB  resumed at 1.0 MiB');
    expect(lines[1]).toMatch(/ {2}mounted {3}\|\++\| from me\/base$/);
    expect(lines[2]).toEndWith('waiting 30 s: the registry asks to');
    expect(lines[3]).toMatch(/ {2}done .* resumed at 1\.0 MiB$/);
    screen.advance(20_000);
    progress.update({ kind: 'throttled', descriptor: waiting });
    expect(screen.screen()[2]).toEndWith('waiting 10 s: the registry asks to');
    progress.close();
  });

  test('says where content goes when there is more than one place', () => {
    const screen = terminal({ columns: 140 });
    const progress = createProgress(screen, { now: screen.now, verb: VERB });
    progress.update({ kind: 'started', descriptor: LAYER }, 'ghcr.io/me/app');
    expect(screen.screen()[0]).toStartWith('layer-');
    screen.advance(200);
    progress.update({ kind: 'started', descriptor: LAYER }, 'quay.io/me/app');
    expect(screen.screen().map((line) => line.split(' ')[0])).toEqual([
      ...['ghcr.io/me/app', 'quay.io/me/app', 'elapsed:'],
    ]);
    progress.close();
  });

  test.each([
    [80, ['127.0.0...0/me/app', 'uploading |++++----| 1.0 MiB/s, 2 s left']],
    [70, ['127.0.0...00/me/app', 'uploading 1.0 MiB/s, 2 s left']],
    [60, ['127../app', 'uploading 1.0 MiB/s, 2 s left']],
    [50, ['', 'uploading 1.0 MiB/s, 2 s left']],
  ])(
    'of several places shows how fast it goes, and as much of the place as fits, in %p columns',
    (columns, [place = '', pace = '']) => {
      const screen = terminal({ columns });
      const progress = createProgress(screen, { now: screen.now, verb: VERB });
      const to = '127.0.0.1:5000/me/app';
      progress.update({ kind: 'started', descriptor: LAYER }, to);
      progress.update({ kind: 'started', descriptor: LAYER }, 'quay.io/me/app');
      for (let second = 0; second < 2; second++) {
        progress.update({ kind: 'progress', descriptor: LAYER, bytes: MIB }, to);
        screen.advance(1000);
      }
      const why = 'the registry asks to';
      progress.update({ kind: 'waiting', descriptor: LAYER, ms: 59_000, why }, 'quay.io/me/app');
      const [first = '', second = ''] = screen.screen();
      expect(first).toStartWith(place === '' ? short(LAYER).slice('sha256:'.length) : place);
      expect(first).toContain(pace);
      expect(second).toEndWith('waiting 59 s: the registry asks to');
      progress.close();
    },
  );

  test('goes up over what a terminal has wrapped that got narrower', () => {
    const screen = terminal({ columns: 100 });
    const output = { ...screen, columns: 100 };
    const progress = createProgress(output, { now: screen.now, verb: VERB });
    const written: string[] = [];
    for (const event of all('started', LAYER, CONFIG)) progress.update(event);
    screen.advance(200);
    progress.update({ kind: 'progress', descriptor: LAYER, bytes: 1 });
    output.columns = 40;
    output.write = (text) => written.push(text);
    const widths = screen.screen().map((line) => line.length);
    progress.close();
    const rows = widths.reduce((sum, width) => sum + Math.ceil(width / 40), 0);
    expect(rows).toBeGreaterThan(3);
    expect(written[0]).toStartWith(`\x1b[${rows}A\r`);
    expect(written[0]).toEndWith('\x1b[J');
  });

  test('leaves room for what else is said meanwhile', () => {
    const screen = terminal();
    const progress = createProgress(screen, { now: screen.now, verb: VERB });
    progress.above(() => screen.write('before\n'));
    progress.update({ kind: 'started', descriptor: LAYER });
    progress.above(() => screen.write('created repository app\n'));
    progress.close();
    progress.above(() => screen.write('after\n'));
    expect(screen.screen().map((line) => line.split(' ')[0]?.replace(/-.*/, ''))).toEqual([
      ...['before', 'created', 'layer', 'elapsed:', 'after'],
    ]);
  });

  test('draws at most ten times a second', () => {
    const screen = terminal();
    const progress = createProgress(screen, { now: screen.now, verb: VERB });
    progress.update({ kind: 'started', descriptor: LAYER });
    for (let i = 0; i < 1000; i++) {
      screen.advance(1);
      progress.update({ kind: 'progress', descriptor: LAYER, bytes: 1 });
    }
    expect(screen.writes()).toBe(11);
    progress.close();
    expect(screen.writes()).toBe(12);
  });

  test('shows active content first when there is no room for all', () => {
    const screen = terminal({ rows: 6 });
    const layers = Array.from({ length: 20 }, (_, i) => descriptor(mediaTypes.layer, 10, `${i}`));
    const [active = LAYER, other = LAYER] = [layers[13], layers[17]];
    show(screen, [
      ...all('found', ...layers),
      ...all('done', ...layers.slice(0, 10)),
      ...all('started', active, other),
    ]);
    const lines = screen.screen();
    expect(lines.length).toBe(5);
    expect(lines.filter((line) => line.includes('uploading')).length).toBe(2);
    expect(lines.filter((line) => line.includes('waiting')).length).toBe(2);
    expect(lines.at(-1)).toContain('and 16 more');
  });

  test('leaves the bars out on a narrow terminal', () => {
    const screen = terminal({ columns: 50 });
    show(screen, [...all('found', LAYER), ...all('started', LAYER)]);
    expect(screen.screen()[0]).toStartWith(
      `${short(LAYER).slice('sha256:'.length)}  uploading 0.0 B/4`,
    );
  });

  test('colours the bar only when it may', () => {
    const events = [...all('found', LAYER), ...all('done', LAYER)];
    const [plain, green] = [terminal(), terminal()];
    show(plain, events);
    show(green, events, { color: true });
    expect(plain.text()).not.toContain('m+');
    expect(green.text()).toContain('|\x1b[32m+++');
    expect(green.text()).toContain('+++\x1b[0m|');
    expect(green.screen()).toEqual(plain.screen());
  });

  test('shows nothing when nothing happened, and nothing after close()', () => {
    const screen = terminal();
    const progress = show(screen, []);
    progress.update({ kind: 'found', descriptor: LAYER });
    progress.close();
    expect(screen.text()).toBe('');
  });

  test('never leaves the screen, whatever happens in whatever order', () => {
    const contents = [INDEX, MANIFEST, CONFIG, LAYER, descriptor(mediaTypes.layer, 0)];
    const event = fc.record({
      kind: fc.constantFrom(
        ...['found', 'started', 'exists', 'progress', 'resumed', 'mounted', 'waiting', 'done'],
      ),
      descriptor: fc.constantFrom(...contents),
      bytes: fc.integer({ min: -10_000_000, max: 10_000_000 }),
      from: fc.string({ unit: 'grapheme-ascii' }),
      why: fc.string({ unit: 'grapheme-ascii' }),
      ms: fc.integer({ min: 0, max: 1e9 }),
    });
    const size = fc.record({
      columns: fc.integer({ min: 1, max: 140 }),
      rows: fc.integer({ min: 3, max: 9 }),
    });
    fc.assert(
      fc.property(size, fc.array(event), (given, events) => {
        const screen = terminal(given);
        const progress = createProgress(screen, { now: screen.now, verb: VERB, color: true });
        for (const one of events) {
          screen.advance(60);
          progress.update(one as CopyEvent);
        }
        progress.close();
        expect(screen.column()).toBe(0);
      }),
    );
  });
});

describe('createProgress() elsewhere', () => {
  test('prints one line for each change', () => {
    let text = '';
    const write = (written: string) => {
      text += written;
    };
    show({ ...terminal(), isTerminal: false, write }, [
      ...all('found', MANIFEST, LAYER, CONFIG),
      ...all('started', LAYER),
      { kind: 'exists', descriptor: CONFIG },
      { kind: 'progress', descriptor: LAYER, bytes: 100 },
      ...all('done', LAYER),
      ...all('started', MANIFEST),
      ...all('done', MANIFEST),
    ]);
    expect(text).toBe(
      `layer ${short(LAYER)}: uploading 4.0 MiB
config ${short(CONFIG)}: already exists
layer ${short(LAYER)}: done
manifest ${short(MANIFEST)}: uploading 512.0 B
manifest ${short(MANIFEST)}: done
`,
    );
  });
});

test('createProgress() prints lines about what was there, where it came from, and why nothing goes', () => {
  let text = '';
  const write = (written: string) => {
    text += written;
  };
  show(
    { ...terminal(), write },
    [
      { kind: 'resumed', descriptor: LAYER, bytes: MIB },
      { kind: 'resumed', descriptor: LAYER, bytes: -MIB },
      { kind: 'waiting', descriptor: LAYER, ms: 29_500, why: 'the registry\u001b asks to' },
      { kind: 'throttled', descriptor: LAYER },
      { kind: 'mounted', descriptor: CONFIG, from: 'me/base' },
      { kind: 'done', descriptor: CONFIG },
    ],
    { mode: 'plain' },
  );
  expect(text).toBe(
    `layer ${short(LAYER)}: resumed at 1.0 MiB
layer ${short(LAYER)}: resumed at 0.0 B
layer ${short(LAYER)}: waiting 30 s: the registry  asks to
config ${short(CONFIG)}: mounted from me/base
`,
  );
});

test('createProgress() shows nothing in the mode for that', () => {
  for (const isTerminal of [true, false]) {
    const screen = { ...terminal(), isTerminal };
    show(screen, all('started', LAYER), { mode: 'none' });
    expect(screen.text()).toBe('');
  }
});
