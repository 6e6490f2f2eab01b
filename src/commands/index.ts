import type { Command } from './command.ts';

/** Where a command is found, known before its code is loaded. */
export interface CommandEntry {
  /** The words that call it, the shortest way first. */
  readonly paths: readonly [string, ...string[]];
  readonly summary: string;
  /** Set for what finch itself calls: it is in no help. */
  readonly isHidden?: true;
  load(): Promise<{ readonly command: Command }>;
}

/** Everything that finch does, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    paths: ['login'],
    summary: 'Log in to a registry',
    load: () => import('./login.ts'),
  },
  {
    paths: ['logout'],
    summary: 'Log out from a registry',
    load: () => import('./logout.ts'),
  },
  {
    paths: ['images', 'image list', 'image ls'],
    summary: 'List images',
    load: () => import('./images.ts'),
  },
  {
    paths: ['load', 'image load'],
    summary: 'Load images from an archive',
    load: () => import('./load.ts'),
  },
  {
    paths: ['save', 'image save'],
    summary: 'Save images to an archive',
    load: () => import('./save.ts'),
  },
  {
    paths: ['tag', 'image tag'],
    summary: 'Give an image one more name',
    load: () => import('./tag.ts'),
  },
  {
    paths: ['push', 'image push'],
    summary: 'Push an image to a registry',
    load: () => import('./push.ts'),
  },
  {
    paths: ['pull', 'image pull'],
    summary: 'Pull an image from a registry',
    load: () => import('./pull.ts'),
  },
  {
    paths: ['rmi', 'image rm', 'image remove'],
    summary: 'Remove images',
    load: () => import('./rmi.ts'),
  },
  {
    paths: ['store verify'],
    summary: 'Check that nothing in the store is damaged',
    load: () => import('./store-verify.ts'),
  },
  {
    paths: ['store repair'],
    summary: 'Make a damaged store usable again',
    load: () => import('./store-repair.ts'),
  },
  {
    paths: ['registry serve'],
    summary: 'Serve the local images as a registry',
    load: () => import('./registry-serve.ts'),
  },
  {
    paths: ['ecr setup'],
    summary: 'Set up Amazon ECR so that it needs no login',
    load: () => import('./ecr-setup.ts'),
  },
  {
    paths: ['ecr unset'],
    summary: 'Take back what ecr setup wrote',
    load: () => import('./ecr-unset.ts'),
  },
  {
    paths: ['ecr login-password'],
    summary: 'Write a password for Amazon ECR',
    load: () => import('./ecr-login-password.ts'),
  },
  {
    paths: ['ecr whoami'],
    summary: 'Say who you are at AWS',
    load: () => import('./ecr-whoami.ts'),
  },
  {
    paths: ['ecr create-repo'],
    summary: 'Make a repository at Amazon ECR',
    load: () => import('./ecr-create-repo.ts'),
  },
  {
    paths: ['ecr doctor'],
    summary: 'Find out why Amazon ECR does not work',
    load: () => import('./ecr-doctor.ts'),
  },
  {
    paths: ['vm init'],
    summary: 'Make the virtual machine and start it',
    load: () => import('./vm-init.ts'),
  },
  {
    paths: ['vm start'],
    summary: 'Start the virtual machine',
    load: () => import('./vm-start.ts'),
  },
  {
    paths: ['vm stop'],
    summary: 'Stop the virtual machine',
    load: () => import('./vm-stop.ts'),
  },
  {
    paths: ['vm remove'],
    summary: 'Remove the virtual machine',
    load: () => import('./vm-remove.ts'),
  },
  {
    paths: ['vm status'],
    summary: 'Say whether the virtual machine runs',
    load: () => import('./vm-status.ts'),
  },
  {
    paths: ['vm settings'],
    summary: 'Change what the virtual machine gets of this one',
    load: () => import('./vm-settings.ts'),
  },
  {
    paths: ['vm disk info'],
    summary: 'Show the disk of the virtual machine',
    load: () => import('./vm-disk-info.ts'),
  },
  {
    paths: ['vm disk resize'],
    summary: 'Make the disk of the virtual machine larger',
    load: () => import('./vm-disk-resize.ts'),
  },
  {
    paths: ['config list'],
    summary: 'List the settings of finch.yaml',
    load: () => import('./config-list.ts'),
  },
  {
    paths: ['config get'],
    summary: 'Show one setting',
    load: () => import('./config-get.ts'),
  },
  {
    paths: ['config set'],
    summary: 'Change one setting',
    load: () => import('./config-set.ts'),
  },
  {
    paths: ['config path'],
    summary: 'Say where finch.yaml is',
    load: () => import('./config-path.ts'),
  },
  {
    paths: ['support-bundle generate'],
    summary: 'Collect logs and settings for a report of a problem',
    load: () => import('./support-bundle-generate.ts'),
  },
  {
    paths: ['credential get'],
    summary: 'Give a login to another program',
    load: () => import('./credential-get.ts'),
  },
  {
    paths: ['credential store'],
    summary: 'Keep a login for another program',
    load: () => import('./credential-store.ts'),
  },
  {
    paths: ['credential erase'],
    summary: 'Forget a login for another program',
    load: () => import('./credential-erase.ts'),
  },
  {
    paths: ['credential list'],
    summary: 'List the logins for another program',
    load: () => import('./credential-list.ts'),
  },
  {
    paths: ['info', 'system info'],
    summary: 'Show where containers run and where images are',
    load: () => import('./info.ts'),
  },
  {
    paths: ['system prune'],
    summary: 'Remove what nobody uses',
    load: () => import('./system-prune.ts'),
  },
  {
    paths: ['bridge serve'],
    summary: 'Serve logins and images to the virtual machine',
    isHidden: true,
    load: () => import('./bridge-serve.ts'),
  },
  {
    paths: ['courier serve'],
    summary: 'Send parts of images for another finch',
    isHidden: true,
    load: () => import('./courier-serve.ts'),
  },
  {
    paths: ['completion'],
    summary: 'Have the shell complete the words of commands',
    load: () => import('./completion.ts'),
  },
  {
    paths: ['version'],
    summary: 'Show the version',
    load: () => import('./version.ts'),
  },
];
