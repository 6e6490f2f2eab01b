import { FinchError } from '../errors.ts';
import type { MachineState } from '../vm/machine.ts';

/** What is about to be done to a machine; `use` is to run something in it. */
export type MachineVerb = 'init' | 'start' | 'stop' | 'remove' | 'use';

type Complaint = readonly [message: string, hint: string];

const ABSENT: Complaint = ['the instance "finch" does not exist', 'make it with: finch vm init'];
const RUNNING: Complaint = [
  'the instance "finch" is already running',
  'stop it with: finch vm stop',
];

/**
 * What stands against doing something to a machine in a state.
 * https://github.com/runfinch/finch/blob/v1.18.0/cmd/finch/virtual_machine_init.go
 */
const COMPLAINTS: Readonly<
  Record<MachineVerb, Partial<Readonly<Record<MachineState['status'], Complaint>>>>
> = {
  init: {
    Running: RUNNING,
    Stopped: [
      'the instance "finch" already exists but is stopped',
      'start it with: finch vm start',
    ],
    Broken: [
      'the instance "finch" already exists, and is broken',
      'remove it with: finch vm remove --force',
    ],
  },
  start: {
    Running: RUNNING,
    Nonexistent: ABSENT,
  },
  stop: {
    Nonexistent: ABSENT,
    Stopped: ['the instance "finch" is already stopped', 'start it with: finch vm start'],
  },
  remove: {
    Nonexistent: ABSENT,
    Running: ['the instance "finch" is running', 'stop it first with: finch vm stop'],
  },
  // https://github.com/runfinch/finch/blob/v1.18.0/cmd/finch/nerdctl_remote.go, as a message and a hint
  use: {
    Nonexistent: [
      'instance "finch" does not exist',
      'run `finch vm init` to create a new instance',
    ],
    Stopped: ['instance "finch" is stopped', 'run `finch vm start` to start the instance'],
    Broken: [
      'instance "finch" is broken',
      'run `finch vm remove --force`, and then `finch vm init`',
    ],
  },
};

/**
 * Checks that something can be done to a machine in this state.
 * @throws FinchError `VM`, with what the state's reason says
 */
export function assertCan(verb: MachineVerb, { status, reason, hint: step }: MachineState): void {
  const complaint = COMPLAINTS[verb][status];
  if (complaint === undefined) return;
  const [message, hint] = complaint;
  throw new FinchError('VM', reason === undefined ? message : `${message}: ${reason}`, {
    hint: step ?? hint,
  });
}
