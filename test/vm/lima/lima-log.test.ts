import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  lastError,
  logTail,
  parseLimaLine,
  stageOf,
  stageTeller,
} from '../../../src/vm/lima/lima-log.ts';

const TIME = 'time="2026-11-22T18:12:55Z"';

describe('parseLimaLine()', () => {
  test.each([
    [`${TIME} level=info msg="SSH Local Port: 39785"`, 'info', 'SSH Local Port: 39785'],
    [
      `${TIME} level=info msg="Attempting to download the image" arch=x86_64 digest= location=/i`,
      ...(['info', 'Attempting to download the image'] as const),
    ],
    [`${TIME} level=fatal msg="unmatched \\"x\\""`, 'fatal', 'unmatched "x"'],
    [`${TIME} level=warning msg=short`, 'warning', 'short'],
    [`${TIME} level=info msg="odd \\x1b quoting"`, 'info', 'odd \\x1b quoting'],
    ['{"level":"error","msg":"from the agent","time":"…"}', 'error', 'from the agent'],
    ['{"level":1}', undefined, '{"level":1}'],
    ['{"level', undefined, '{"level'],
    ['no log at all', undefined, 'no log at all'],
  ])('reads %p', (line, level, message) => {
    expect(parseLimaLine(line)).toEqual({ level, message });
  });

  test('takes any line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, isLog) => {
        const line = isLog ? `${TIME} level=info msg=${JSON.stringify(text)}` : text;
        const { message } = parseLimaLine(line);
        if (isLog) expect(message).toBe(text);
        expect(logTail(line).length).toBeLessThanOrEqual(10);
      }),
    );
  });
});

describe('stageOf()', () => {
  const waiting = (label: string, what: string) =>
    `${TIME} level=info msg="[hostagent] Waiting for the ${label} requirement 1 of 3: \\"${what}\\""`;

  // As limactl 2.1.3 has said them.
  test.each([
    [
      `${TIME} level=info msg="Attempting to download the image" arch=x86_64`,
      'getting the disk image',
    ],
    [
      `${TIME} level=info msg="Attempting to download the nerdctl archive" arch=x86_64`,
      'getting containerd and nerdctl',
    ],
    [`${TIME} level=info msg="[hostagent] Starting QEMU (hint: …)"`, 'booting'],
    [`${TIME} level=info msg="[hostagent] Starting VZ (hint: …)"`, 'booting'],
    [waiting('essential', 'ssh'), 'waiting for ssh'],
    [waiting('essential', 'user session is ready for ssh'), 'waiting for the user session'],
    [waiting('essential', 'sshfs binary to be installed'), 'waiting for shared folders'],
    [waiting('optional', 'containerd binaries to be installed'), 'waiting for containerd'],
    [waiting('final', 'boot scripts must have finished'), 'waiting for the set-up to finish'],
    [`${TIME} level=info msg="READY. Run \`limactl shell finch\` to open the shell."`, undefined],
    [
      `${TIME} level=info msg="[hostagent] The essential requirement 1 of 3 is satisfied"`,
      undefined,
    ],
  ])('of %p is %p', (line, stage) => {
    expect(stageOf(line)).toBe(stage as string);
  });

  test('is told once', () => {
    const told: string[] = [];
    const tell = stageTeller((stage) => told.push(stage));
    for (const what of ['ssh', 'ssh', 'boot scripts must have finished', 'ssh']) {
      tell(waiting('essential', what));
    }
    expect(told).toEqual(['waiting for ssh', 'waiting for the set-up to finish']);
  });
});

test('lastError() is the last that is called an error, in one line', () => {
  const text = `${TIME} level=error msg="first"\n${TIME} level=fatal msg="the\\nlast"\n${TIME} level=info msg="x"\n`;
  expect(lastError(text)).toBe('the last');
  expect(lastError('nothing')).toBeUndefined();
});

test('logTail() leaves out what is for debugging', () => {
  expect(logTail('{"level":"debug","msg":"a"}\n{"level":"info","msg":"b"}\n\nc\n')).toEqual([
    'b',
    'c',
  ]);
});
