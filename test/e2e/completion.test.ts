import { expect, test } from 'bun:test';
import { expectError } from './support/expectations.ts';
import { workbench } from './support/workbench.ts';

test.skipIf(Bun.which('bash') === null)('finch completion completes words in bash', async () => {
  await using bench = await workbench();
  await Bun.write(bench.path('script'), await bench.ok('completion bash'));
  const complete = async (...words: readonly string[]) => {
    const script = `. "$1"; shift; IFS=x; COMP_WORDS=(finch "$@"); COMP_CWORD=$#; _finch; IFS=' '; echo "$\{COMPREPLY[*]}"`;
    const args = ['bash', '--norc', '-c', script, 'bash', bench.path('script'), ...words];
    const { stdout } = Bun.spawn(args, { stdout: 'pipe', stderr: 'inherit' });
    return (await stdout.text()).trim().split(' ').toSorted();
  };
  expect(await complete('pu')).toEqual(['pull', 'push']);
  expect(await complete('vm', 'st')).toEqual(['start', 'status', 'stop']);
  expect(await complete('vm', 'disk', '')).toEqual(['info', 'resize']);
  expect(await complete('completion', '')).toEqual(['bash', 'fish', 'zsh']);
  expect(await complete('help', 'pu')).toEqual(['pull', 'push']);
  expect(await complete('help', 'vm', 'disk', '')).toEqual(['info', 'resize']);
  expect(await complete('--debug', 'vm', '--debug', 'st')).toEqual(['start', 'status', 'stop']);
  expect(await complete('--deb', 'pu')).toEqual(['']);
  expect(await complete('run', 'x')).toEqual(['']);
});

test('finch completion knows zsh and fish, and says what it does not know', async () => {
  await using bench = await workbench();
  expect(await bench.ok('completion zsh')).toStartWith('autoload -U +X bashcompinit');
  expect(await bench.ok('completion fish')).toContain(`= "finch vm disk"' -f -a 'info resize'`);
  expectError(
    await bench.fails('completion tcsh'),
    'no completion for tcsh',
    'give one of: bash, fish, zsh',
  );
});
