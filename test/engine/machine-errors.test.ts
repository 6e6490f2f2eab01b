import { describe, expect, test } from 'bun:test';
import { assertCan } from '../../src/engine/machine-errors.ts';

describe('what stands against doing something to a machine', () => {
  test.each([
    ['init', 'Running', 'the instance "finch" is already running', 'stop it with: finch vm stop'],
    [
      ...(['init', 'Stopped', 'the instance "finch" already exists but is stopped'] as const),
      'start it with: finch vm start',
    ],
    [
      ...(['init', 'Broken', 'the instance "finch" already exists, and is broken'] as const),
      'remove it with: finch vm remove --force',
    ],
    ['start', 'Running', 'the instance "finch" is already running', 'stop it with: finch vm stop'],
    ['start', 'Nonexistent', 'the instance "finch" does not exist', 'make it with: finch vm init'],
    ['stop', 'Nonexistent', 'the instance "finch" does not exist', 'make it with: finch vm init'],
    ['stop', 'Stopped', 'the instance "finch" is already stopped', 'start it with: finch vm start'],
    ['remove', 'Nonexistent', 'the instance "finch" does not exist', 'make it with: finch vm init'],
    ['remove', 'Running', 'the instance "finch" is running', 'stop it first with: finch vm stop'],
    [
      ...(['use', 'Nonexistent', 'instance "finch" does not exist'] as const),
      'run `finch vm init` to create a new instance',
    ],
    [
      ...(['use', 'Stopped', 'instance "finch" is stopped'] as const),
      'run `finch vm start` to start the instance',
    ],
    [
      ...(['use', 'Broken', 'instance "finch" is broken'] as const),
      'run `finch vm remove --force`, and then `finch vm init`',
    ],
  ] as const)('%s, %s: %s', (verb, status, message, hint) => {
    const act = () => assertCan(verb, { status, reason: undefined, hint: undefined, details: {} });
    expect(act).toThrow(expect.objectContaining({ code: 'VM', message, hint }));
  });

  test.each([
    ['init', 'Nonexistent'],
    ['start', 'Stopped'],
    ['start', 'Broken'],
    ['stop', 'Running'],
    ['stop', 'Broken'],
    ['remove', 'Stopped'],
    ['remove', 'Broken'],
  ] as const)('is nothing: %s, %s', (verb, status) => {
    assertCan(verb, { status, reason: 'something', hint: 'whatever', details: {} });
  });

  test('is said with the reason of the state, and the next step that it names', () => {
    const said = { reason: 'nerdctl is not installed', hint: 'see https://example.org: there' };
    const act = () => assertCan('start', { status: 'Nonexistent', ...said, details: {} });
    expect(act).toThrow(
      expect.objectContaining({
        message: 'the instance "finch" does not exist: nerdctl is not installed',
        hint: 'see https://example.org: there',
      }),
    );
  });
});
