import { bringUpCommand } from './vm-commands.ts';

/** `finch vm init`. */
export const command = bringUpCommand('init', {
  about:
    'Makes the virtual machine by what finch.yaml says, and starts it. Without one before, that downloads a disk image. What was made is removed again when it fails or is interrupted.',
  examples: [{ line: 'finch vm init', what: 'make the virtual machine and start it' }],
});
