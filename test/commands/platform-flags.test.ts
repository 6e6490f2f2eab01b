import { describe, expect, test } from 'bun:test';
import { parseArguments } from '../../src/cli/arguments.ts';
import { type Command, silence } from '../../src/commands/command.ts';
import { platformChoice, platformFlags } from '../../src/commands/platform-flags.ts';
import type { PlatformChoice } from '../../src/copy/select.ts';

const command: Command = {
  ...{ usage: '', examples: [], arity: { min: 0, max: 1 }, flags: platformFlags },
  run: async () => silence,
};

function choose(...argv: readonly string[]): PlatformChoice {
  const invocation = parseArguments('push', command, {
    argv,
    signal: new AbortController().signal,
  });
  return platformChoice(invocation, { otherwise: { kind: 'present' } });
}

const [amd64, arm64, v7] = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64' },
  { os: 'linux', architecture: 'arm', variant: 'v7' },
];

describe('platformChoice()', () => {
  test('is what it is otherwise when no flag is given', () => {
    expect(choose()).toEqual({ kind: 'present' });
    expect(choose('image')).toEqual({ kind: 'present' });
    expect(choose('--all-platforms=false')).toEqual({ kind: 'present' });
  });

  test('is all with --all-platforms', () => {
    expect(choose('--all-platforms', 'image')).toEqual({ kind: 'all' });
  });

  test.each([
    [['--platform', 'linux/amd64'], [amd64]],
    [['--platform=amd64'], [amd64]],
    [
      ['--platform', 'linux/arm64,linux/amd64'],
      [arm64, amd64],
    ],
    [
      ['--platform', 'arm64', '--platform', 'amd64,armhf'],
      [arm64, amd64, v7],
    ],
    [['--platform', ',amd64,'], [amd64]],
    [['--platform', 'Linux/X86_64'], [amd64]],
  ] as const)('takes %j', (argv, platforms) => {
    expect(choose(...argv)).toEqual({ kind: 'named', platforms: [...platforms] as never });
  });

  test.each(['linux', 'linux/', '/amd64', 'a/b/c/d', 'l!nux/amd64', 'x86'])(
    'refuses the platform %p',
    (text) => {
      expect(() => choose('--platform', text)).toThrow(`invalid platform: ${JSON.stringify(text)}`);
    },
  );

  test('refuses both flags together', () => {
    expect(() => choose('--platform', 'amd64', '--all-platforms')).toThrow('exclude each other');
  });
});
