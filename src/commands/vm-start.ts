import { bringUpCommand } from './vm-commands.ts';

/** `finch vm start`. */
export const command = bringUpCommand('start', {
  about:
    'Starts the virtual machine with what finch.yaml says by now. Its kind, its image and Rosetta are as they were when it was made.',
  examples: [{ line: 'finch vm start', what: 'start the virtual machine that was stopped' }],
});
