import { describe, expect, test } from 'bun:test';
import { baseImages } from '../../src/engine/base-images.ts';

describe('baseImages()', () => {
  test('finds what a Dockerfile is built on and copies from, each once', () => {
    const text = [
      '# syntax=docker/dockerfile:1',
      'ARG BASE=alpine',
      'FROM --platform=$BUILDPLATFORM golang:1.26 AS build',
      'from build AS test',
      '  FROM\tghcr.io/team/base:2',
      'COPY --from=build /out /out',
      'COPY --chown=1 --from=tools:1 /bin/x /bin/x',
      'RUN --mount=type=bind,from=cache:3,target=/c make',
      'FROM golang:1.26',
      'FROM $BASE',
      'FROM reg/$BASE:1',
      '# FROM comment',
      'RUN echo FROM nowhere',
    ].join('\r\n');
    expect(baseImages(text)).toEqual([
      ...['golang:1.26', 'build', 'ghcr.io/team/base:2', 'tools:1', 'cache:3'],
      ...['alpine', 'reg/alpine:1'],
    ]);
  });

  test('takes no time over a text that is none', () => {
    expect(baseImages(`FROM ${'--x '.repeat(50_000)}`)).toEqual([]);
    expect(baseImages(`RUN ${'--mount=from'.repeat(50_000)}`)).toEqual([]);
    expect(baseImages('FROM a'.repeat(100_000)).length).toBeLessThanOrEqual(1);
  });

  test('knows arguments by what is given, or else by what they are without that', () => {
    const text = [
      'ARG B="st:1" R=reg.example',
      'ARG WHOLE=%R/%{B}',
      'ARG GIVEN=old',
      'ARG EMPTY',
      'FROM %{B} AS a',
      'FROM "%{WHOLE}"',
      'FROM %GIVEN',
      'FROM app:%{EMPTY:-2}',
      'FROM app%{EMPTY:+x}:3',
      'ARG B=late',
      'FROM %B',
      'FROM %UNKNOWN:1',
    ]
      .join('\n')
      .replaceAll('%', '$');
    expect(baseImages(text, new Map([['GIVEN', 'new:1']]))).toEqual([
      ...['st:1', 'reg.example/st:1', 'new:1', 'app:2', 'app:3'],
    ]);
  });

  test('joins lines that go on, over comments, with either escape', () => {
    const lines = [
      ...['ARG A=only %', '# note %', '', '  B=base:1', 'FROM %', ' st:1', 'FROM $B AS %  ', 'x'],
      ...['RUN --mount=type=cache,target=/c %', '--mount=type=bind,from=only/%', 'base:1 ls'],
    ];
    for (const [first, sign] of [
      ['# syntax=docker/dockerfile:1', '\\'],
      ['# escape=`', '`'],
    ] as const) {
      for (const end of ['\n', '\r\n']) {
        const text = [first, ...lines].join(end).replaceAll('%', sign);
        expect(baseImages(text)).toEqual(['st:1', 'base:1', 'only/base:1']);
      }
    }
    expect(baseImages('RUN dir C:\\\\\nFROM a')).toEqual(['a']);
    expect(baseImages('FROM a \\')).toEqual(['a']);
    expect(baseImages(`FROM a${' \\\n'.repeat(200_000)}`)).toEqual(['a']);
    expect(baseImages(`FROM a${'\\ '.repeat(200_000)}x`)).toHaveLength(1);
  });

  test('stays small where arguments are made of each other', () => {
    const lines = Array.from({ length: 50_000 }, (_, i) => `ARG A${i + 1}=$A${i}$A${i}`);
    const names = baseImages(['ARG A0=x', ...lines, 'FROM $A50000'].join('\n'));
    expect(names.join('').length).toBeLessThanOrEqual(512);
  });
});
