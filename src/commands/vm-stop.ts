import { takeDownCommand } from './vm-commands.ts';

/** `finch vm stop`. */
export const command = takeDownCommand('stop', {
  force: 'end it at once, in whatever state it is',
  examples: [
    { line: 'finch vm stop', what: 'stop the virtual machine' },
    { line: 'finch vm stop --force', what: 'end one that does not stop' },
  ],
});
