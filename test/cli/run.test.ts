import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { version } from '../../src/version.ts';
import { finch } from '../commands/command-line.ts';
import { buildImage } from '../support/images.ts';

const MAIN = join(import.meta.dir, '../../src/main.ts');

/** How a command line ends that needs no store. */
async function outcome(...argv: readonly string[]) {
  await using place = await finch();
  const ended = await place.run(...argv);
  expect(existsSync(place.home)).toBe(false);
  return ended;
}

async function stdout(...argv: readonly string[]): Promise<string> {
  const { status, stdout: text, stderr } = await outcome(...argv);
  expect([argv, status, stderr]).toEqual([argv, 0, '']);
  return text;
}

describe('runCommandLine()', () => {
  test('prints the version, as the program does it', async () => {
    for (const argv of [['--version'], ['-v'], ['--debug', '--version']]) {
      await using place = await finch();
      const child = Bun.spawn([process.execPath, MAIN, ...argv], {
        env: { FINCH_HOME: place.home },
        stdin: 'ignore',
        stderr: 'pipe',
      });
      const texts = [child.stdout, child.stderr].map((stream) => new Response(stream).text());
      const [text, talk, status] = await Promise.all([...texts, child.exited]);
      expect([argv, text, talk, status]).toEqual([argv, `finch version v${version}\n`, '', 0]);
    }
  });

  test('prints the help of finch when nothing is asked', async () => {
    const help = await stdout();
    expect(help).toStartWith(
      'finch: open-source container development tool\n\nUsage:\n  finch COMMAND\n',
    );
    for (const argv of [
      ['--help'],
      ['-h'],
      ['help'],
      ['--debug'],
      ['help', '--help'],
      ['help', 'help'],
    ]) {
      expect(await stdout(...argv)).toBe(help);
    }
  });

  test('prints the help of a group when a group alone is named', async () => {
    for (const group of ['image', 'registry']) {
      const help = await stdout(group);
      expect(help).toStartWith(`finch ${group}\n\nUsage:\n  finch ${group} COMMAND\n`);
      expect(await stdout(group, '--help')).toBe(help);
      expect(await stdout(group, '-h')).toBe(help);
      expect(await stdout('help', group)).toBe(help);
    }
  });

  test.each(['push', 'image push', 'images', 'image ls', 'registry serve', 'login'])(
    'prints the help of %s wherever --help stands',
    async (path) => {
      const words = path.split(' ');
      const help = await stdout(...words, '--help');
      expect(help).toContain(`Usage:\n  finch ${path}`);
      expect(await stdout(...words, '-h')).toBe(help);
      expect(await stdout(...words, 'one', 'two', 'three', '--help')).toBe(help);
      expect(await stdout('help', ...words)).toBe(help);
      expect(await stdout('--debug', ...words, '--help')).toBe(help);
    },
  );

  test.each([
    [['psh'], 'unknown command "psh" for "finch"', 'did you mean "push"?'],
    [['imags'], 'unknown command "imags" for "finch"', 'did you mean "images"?'],
    [['img', 'ls'], 'unknown command "img" for "finch"', undefined],
    [['image', 'lst'], 'unknown command "image lst" for "finch"', 'did you mean "image list"?'],
    [
      ['image', 'psuh', 'x'],
      'unknown command "image psuh" for "finch"',
      'did you mean "image push"?',
    ],
    [
      ['registry', 'serv'],
      'unknown command "registry serv" for "finch"',
      'did you mean "registry serve"?',
    ],
    [
      ['xylophone'],
      'unknown command "xylophone" for "finch"',
      'list the commands with: finch --help',
    ],
    [['help', 'psh'], 'unknown command "psh" for "finch"', 'did you mean "push"?'],
    [['manifest'], 'unknown command "manifest" for "finch"', undefined],
    [['constructor'], 'unknown command "constructor" for "finch"', undefined],
    [[''], 'unknown command "" for "finch"', undefined],
    [['PUSH'], 'unknown command "PUSH" for "finch"', 'did you mean "push"?'],
    [['x'.repeat(500)], `unknown command "${'x'.repeat(200)}…" for "finch"`, undefined],
  ])('refuses %j', async (argv, message, hint) => {
    const { status, stdout: text, stderr } = await outcome(...argv);
    expect([status, text]).toEqual([1, '']);
    const [first, second] = stderr.split('\n');
    expect(first).toBe(`finch: ${message}`);
    expect(second).toStartWith(hint === undefined ? 'hint: ' : `hint: ${hint}`);
  });

  test('calls a flag that it does not know a flag, also before a command', async () => {
    for (const argv of [['--nonsense'], ['--nonsense', 'push', 'x'], ['image', '--nonsense']]) {
      const { status, stderr } = await outcome(...argv);
      expect([argv, status, stderr.split('\n')[0]]).toEqual([
        argv,
        1,
        'finch: unknown flag: --nonsense',
      ]);
    }
  });

  test('refuses a wrong call before it opens the store', async () => {
    for (const argv of [
      ['push'],
      ['tag', 'one'],
      ['images', '--nonsense'],
      ['load', 'x'],
      ['rmi'],
      ['pull', '--platform', '!', 'x'],
      ['version', 'x'],
    ]) {
      const { status, stderr } = await outcome(...argv);
      expect([argv, status]).toEqual([argv, 1]);
      expect(stderr).toContain('\nhint: ');
    }
  });

  test('takes the longest command: a word behind a short one is an argument', async () => {
    await using place = await finch();
    await place.load(buildImage(), 'list:1');
    expect(await place.stdout('images', 'list', '--format', '{{.Repository}}')).toBe('list\n');
    expect(await place.stdout('image', 'list', '--format', '{{.Repository}}')).toBe('list\n');
  });

  test('takes --debug anywhere', async () => {
    await using place = await finch();
    await place.load(buildImage(), 'app:1');
    for (const argv of [
      ['--debug', 'images', '-q'],
      ['images', '--debug', '-q'],
      ['image', '--debug', 'ls', '-q'],
      ['images', '-q', '--debug'],
    ]) {
      expect(await place.stdout(...argv)).toMatch(/^[0-9a-f]{12}\n$/);
    }
  });

  test('leaves --debug alone behind -- and as the value of a flag', async () => {
    await using place = await finch();
    await place.load(buildImage(), 'app:1');
    expect((await place.run('rmi', '--', '--debug')).stderr).toStartWith(
      'finch: invalid reference format: "--debug"',
    );
    expect(await place.stdout('images', '--format', '--debug')).toBe('--debug\n');
  });

  test('takes arguments that begin with a hyphen behind --', async () => {
    await using place = await finch();
    expect((await place.run('rmi', '--', '-f')).stderr).toStartWith(
      'finch: invalid reference format: "-f"',
    );
  });

  test('keeps tags such as 1.10 as they are', async () => {
    await using place = await finch();
    await place.load(buildImage(), 'app:1.10');
    await place.stdout('tag', 'app:1.10', '1.10');
    expect(
      await place.stdout(
        'images',
        '--format',
        '{{.Repository}}:{{.Tag}}',
        '-f',
        'reference=1.10:*',
      ),
    ).toContain('1.10:latest\n');
  });
});
