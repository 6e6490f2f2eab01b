import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';

const CHILD = join(import.meta.dir, 'prompt-child.ts');
/** The bit of `localFlags` that makes a terminal echo, on Linux and macOS. */
const ECHO = 0x8;

interface Dialogue {
  /** What is sent as soon as the text is on the screen. A function may do anything instead. */
  readonly when: string;
  readonly send: string | ((child: Bun.Subprocess) => void);
}

/** Runs the child on a terminal of its own and answers it. */
async function talk(questions: readonly string[], dialogue: readonly Dialogue[]) {
  const decoder = new TextDecoder();
  let screen = '';
  let from = 0;
  let echoWhenAsked: boolean | undefined;
  const steps = [...dialogue];
  const child = Bun.spawn([process.execPath, CHILD, ...questions], {
    terminal: {
      cols: 80,
      rows: 24,
      data(terminal, bytes) {
        screen += decoder.decode(bytes, { stream: true });
        const step = steps[0];
        const at = step === undefined ? -1 : screen.indexOf(step.when, from);
        if (step === undefined || at === -1) return;
        steps.shift();
        from = at + step.when.length;
        echoWhenAsked = (terminal.localFlags & ECHO) !== 0;
        if (typeof step.send === 'string') terminal.write(step.send);
        else step.send(child);
      },
    },
  });
  const status = await child.exited;
  const echoAfter = ((child.terminal?.localFlags ?? 0) & ECHO) !== 0;
  child.terminal?.close();
  const found = /answers (.*)\r\n/.exec(screen)?.[1];
  return {
    screen,
    status,
    echoWhenAsked,
    echoAfter,
    answers: found === undefined ? undefined : (JSON.parse(found) as unknown),
  };
}

describe.skipIf(process.platform === 'win32')('promptLine() on a terminal', () => {
  test('gives the line that is typed, and the terminal shows it', async () => {
    const { answers, screen, status } = await talk(
      ['Enter Username: '],
      [{ when: 'Username: ', send: 'Jürgen\n' }],
    );
    expect(answers).toEqual(['Jürgen']);
    expect(screen).toStartWith('Enter Username: Jürgen\r\n');
    expect(status).toBe(0);
  });

  test('does not show a secret, and echoes again afterwards', async () => {
    const { answers, screen, echoWhenAsked, echoAfter } = await talk(
      ['secret: '],
      [{ when: 'secret: ', send: 'pa$$ wörd\r' }],
    );
    expect(answers).toEqual(['pa$$ wörd']);
    expect(screen).toStartWith('secret: \r\nanswers ');
    expect({ echoWhenAsked, echoAfter }).toEqual({ echoWhenAsked: false, echoAfter: true });
  });

  test('asks one question after the other', async () => {
    const { answers } = await talk(
      ['name: ', 'secret: '],
      [
        { when: 'name: ', send: 'me\n' },
        { when: 'secret: ', send: 'mine\r' },
      ],
    );
    expect(answers).toEqual(['me', 'mine']);
  });

  test('keeps what was pasted behind the end of a line for the next question', async () => {
    const { answers } = await talk(
      ['secret: one ', 'secret: two '],
      [{ when: 'one ', send: 'first\rsecond\r' }],
    );
    expect(answers).toEqual(['first', 'second']);
  });

  test('corrects a secret with backspace and ctrl-U', async () => {
    const { answers } = await talk(
      ['secret: '],
      [{ when: 'secret: ', send: 'wrong\x15pä\x7fasä€\x7f\x7fs\r' }],
    );
    expect(answers).toEqual(['pass']);
  });

  test('is CANCELLED by ctrl-C while a secret is typed, and echoes again', async () => {
    const { answers, echoAfter, status } = await talk(
      ['secret: '],
      [{ when: 'secret: ', send: 'abc\x03' }],
    );
    expect(answers).toEqual([{ code: 'CANCELLED', message: 'interrupted' }]);
    expect({ echoAfter, status }).toEqual({ echoAfter: true, status: 0 });
  });

  test('is CANCELLED when its signal fires, and echoes again', async () => {
    const { answers, echoAfter } = await talk(
      ['secret: '],
      [{ when: 'secret: ', send: (child) => child.kill('SIGTERM') }],
    );
    expect(answers).toEqual([{ code: 'CANCELLED', message: 'interrupted' }]);
    expect(echoAfter).toBe(true);
  });

  test('is an error when ctrl-D ends the input before anything is typed', async () => {
    for (const question of ['name:', 'secret:']) {
      const { answers } = await talk([question], [{ when: question, send: '\x04' }]);
      const message = `nothing was typed for "${question}"`;
      expect(answers).toEqual([{ code: 'USAGE', message }]);
    }
  });

  test('gives an empty line when only enter is pressed', async () => {
    expect((await talk(['name: '], [{ when: 'name: ', send: '\n' }])).answers).toEqual(['']);
  });
});

test.skipIf(process.platform === 'win32')(
  'promptLine() is an error that names --password-stdin when there is no terminal',
  async () => {
    // A session of its own has no terminal, wherever the tests run.
    const child = Bun.spawn([process.execPath, CHILD, 'name: '], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    expect(await child.stdout.text()).toBe(
      'answers [{"code":"USAGE","message":"stdin is not a terminal"}]\n',
    );
  },
);
