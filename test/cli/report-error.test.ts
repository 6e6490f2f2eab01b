import { describe, expect, test } from 'bun:test';
import { type ReportOptions, reportError } from '../../src/cli/report-error.ts';
import { FinchError } from '../../src/errors.ts';
import { hideSecret, redactText } from '../../src/http/redact.ts';
import { CANARY } from '../support/canary.ts';

function report(
  error: unknown,
  { debug = false, ...options }: Partial<ReportOptions> & { debug?: boolean } = {},
) {
  let text = '';
  const stderr = {
    isTerminal: false,
    columns: 80,
    write(written: string) {
      text += written;
    },
  };
  const status = reportError(error, {
    ...{ stderr, redact: (line) => line },
    ...(debug && { explain: (line) => stderr.write(`${line}\n`) }),
    ...options,
  });
  return { text, status };
}

describe('reportError()', () => {
  test('shows message and hint of an error for the user, and asks for status 1', () => {
    const error = new FinchError('IMAGE_NOT_FOUND', 'image "x": not found', {
      hint: 'see what there is with: finch images',
    });
    expect(report(error)).toEqual({
      text: 'finch: image "x": not found\nhint: see what there is with: finch images\n',
      status: 1,
    });
  });

  test('shows one line when there is no hint', () => {
    expect(report(new FinchError('IO', 'cannot read x')).text).toBe('finch: cannot read x\n');
  });

  test('asks for status 130 when the user interrupted', () => {
    const interrupted = { text: 'finch: interrupted\n', status: 130 };
    expect(report(new FinchError('CANCELLED', 'cancelled'))).toEqual(interrupted);
    expect(report(new Error('socket closed'), { interrupted: true })).toEqual(interrupted);
    const other = new FinchError('NETWORK', 'it was cut', { hint: 'check the cable' });
    expect(report(other, { interrupted: true })).toEqual(interrupted);
  });

  test('says after an interrupt how to go on, where there is something to go on with', () => {
    const error = new FinchError('CANCELLED', 'interrupted', { hint: 'go on with: finch push a' });
    expect(report(error, { interrupted: true })).toEqual({
      text: 'finch: interrupted\nhint: go on with: finch push a\n',
      status: 130,
    });
  });

  test('tells of each fault of several, and is interrupted when one of them is', () => {
    const one = new FinchError('NETWORK', 'a: no answer', { hint: 'try later' });
    const two = new FinchError('DENIED', 'b: denied');
    expect(report(new AggregateError([one, two]))).toEqual({
      text: 'finch: a: no answer\nhint: try later\nfinch: b: denied\n',
      status: 1,
    });
    const stopped = new AggregateError([one, new FinchError('CANCELLED', 'interrupted')]);
    expect(report(stopped)).toEqual({ text: 'finch: interrupted\n', status: 130 });
  });

  test('gives faults as events to who wants them so, and writes no line of them', () => {
    const told: object[] = [];
    const error = new FinchError('NETWORK', 'a: no answer', { hint: 'try later' });
    const stderr = { write: (text: string) => void told.push({ text }) };
    reportError(new AggregateError([error, new TypeError('bad')]), {
      ...{ stderr, redact: (text: string) => text },
      tell: (event) => void told.push(event),
    });
    expect(told).toEqual([
      { event: 'error', code: 'NETWORK', message: 'a: no answer', hint: 'try later' },
      { event: 'error', code: 'INTERNAL', message: 'internal error: TypeError: bad' },
    ]);
  });

  test('calls anything else an internal error, without its stack', () => {
    expect(report(new TypeError('x is not a function'))).toEqual({
      text: 'finch: internal error: TypeError: x is not a function\n',
      status: 1,
    });
    expect(report('text').text).toBe('finch: internal error: text\n');
    expect(report(undefined).text).toBe('finch: internal error: undefined\n');
  });

  test('shows the stack of an internal error with debug', () => {
    const { text } = report(new TypeError('bad'), { debug: true });
    expect(text).toMatch(/^finch: internal error: TypeError: bad\nat .*report-error\.test\.ts/);
  });

  test('shows the causes with debug, even if they go in a circle', () => {
    const lowest = new Error('ECONNRESET');
    const middle = new FinchError('NETWORK', 'no answer', { cause: lowest });
    lowest.cause = middle;
    const error = new FinchError('REGISTRY', 'push failed', { cause: middle });
    expect(report(error).text).toBe('finch: push failed\n');
    expect(report(error, { debug: true }).text).toBe(
      'finch: push failed\ncaused by: no answer\ncaused by: Error: ECONNRESET\n',
    );
  });

  test('shows what failed first when closing failed too', () => {
    const first = new FinchError('IO', 'the disk is full');
    expect(report(new SuppressedError(new Error('close'), first)).text).toBe(
      'finch: the disk is full\n',
    );
  });

  test('redacts everything it writes', () => {
    const cause = new Error('token s3cret');
    const error = new FinchError('IO', 'message s3cret', { hint: 'hint s3cret', cause });
    const { text } = report(error, {
      debug: true,
      redact: (line) => line.replaceAll('s3cret', '***'),
    });
    expect(text).toBe('finch: message ***\nhint: hint ***\ncaused by: Error: token ***\n');
  });

  test('shows no secret of this process, whatever part of an internal error holds it', () => {
    hideSecret(CANARY);
    const error = new TypeError(`cannot read ${CANARY}`, { cause: { toString: () => CANARY } });
    error.stack = `TypeError\n    at login (${encodeURIComponent(CANARY)}:1:2)`;
    const { text, status } = report(error, { debug: true, redact: redactText });
    expect([text.includes(CANARY), text.includes(encodeURIComponent(CANARY))]).toEqual([
      false,
      false,
    ]);
    expect(text).toBe(
      'finch: internal error: TypeError: cannot read REDACTED\ncaused by: REDACTED\nat login (REDACTED:1:2)\n',
    );
    expect(status).toBe(1);
  });

  test('keeps message and hint on one line each, without control characters', () => {
    const error = new FinchError('IO', 'a\r\nb\x1b[2Jc\u202e', { hint: 'd\n\n\ne' });
    expect(report(error).text).toBe('finch: a b [2Jc\nhint: d e\n');
  });
});
