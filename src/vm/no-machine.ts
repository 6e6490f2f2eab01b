import { FinchError } from '../errors.ts';

/** The error for what needs a machine, where there is none. */
export function noMachine(): FinchError {
  return new FinchError('VM', 'the instance "finch" does not exist', {
    hint: 'make it with: finch vm init',
  });
}

/** The error for what needs the disk of a virtual machine, where there is none. */
export function noDisk(): FinchError {
  return new FinchError('VM', 'no disk information found for virtual machine "finch"', {
    hint: 'a virtual machine gets one with: finch vm init',
  });
}
