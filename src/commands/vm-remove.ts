import { takeDownCommand } from './vm-commands.ts';

/** `finch vm remove`. */
export const command = takeDownCommand('remove', {
  about: 'Its images and containers are on a disk of their own, which the next machine gets.',
  force: 'also when it runs',
  examples: [
    { line: 'finch vm remove', what: 'remove the virtual machine that was stopped' },
    { line: 'finch vm remove --force', what: 'remove it in whatever state it is' },
  ],
});
