import { describe, expect, test } from 'bun:test';
import project from '../../package.json' with { type: 'json' };
import { dockerMembers } from '../archives/archive-files.ts';
import { layerTar } from '../support/images.ts';
import { tarFile } from '../support/tar.ts';
import { expectError } from './support/expectations.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { runProgram } from './support/program.ts';
import { workbench } from './support/workbench.ts';

const commands = [
  ...[
    'login',
    'logout',
    'images',
    'load',
    'tag',
    'push',
    'pull',
    'rmi',
    'registry serve',
    'version',
  ],
  ...['image list', 'image ls', 'image load', 'image tag', 'image push', 'image pull'],
  ...['image rm', 'image remove'],
];

describe('finch', () => {
  test('says its version', async () => {
    await using bench = await workbench();
    for (const line of ['--version', '-v']) {
      expect(await bench.run(line)).toEqual({
        stdout: `finch version v${project.version}\n`,
        stderr: '',
        exitCode: 0,
      });
    }
    expect(await bench.ok('version')).toMatch(
      new RegExp(`^Client:\\n Version:\\tv${project.version}\\n.* GitCommit:\\t\\S+\\n`, 's'),
    );
  });

  test('without words, or with --help, names every command on stdout', async () => {
    await using bench = await workbench();
    const help = await bench.ok('--help');
    expect(await bench.run([])).toEqual({ stdout: help, stderr: '', exitCode: 0 });
    expect(await bench.ok('-h')).toBe(help);
    expect(await bench.ok('help')).toBe(help);
    for (const command of commands.slice(0, 10)) expect(help).toContain(`  ${command} `);
    expect(await bench.ok('image')).toBe(await bench.ok('image --help'));
    for (const word of ['list', 'load', 'tag', 'push', 'pull', 'rm']) {
      expect(await bench.ok('image')).toMatch(new RegExp(`^ {2}${word} `, 'm'));
    }
  });

  test('shows for every command how it is used, its flags, and examples', async () => {
    await using bench = await workbench();
    for (const command of commands) {
      const help = await bench.ok(`${command} --help`);
      expect(help).toContain(`Usage:\n  finch ${command}`);
      expect(help).toMatch(/^Flags:\n.*--help/ms);
      expect(help).toMatch(/^Examples:\n {2}# .+\n {2}finch /m);
      expect(await bench.ok(`${command} -h`)).toBe(help);
      expect(await bench.ok(`help ${command}`)).toBe(help);
    }
    const push = await bench.ok('push --help');
    for (const flag of ['--platform', '--all-platforms', '-q, --quiet', '--insecure-registry']) {
      expect(push).toContain(flag);
    }
    expect(push).toContain('finch push --platform linux/arm64,linux/amd64');
  });

  test('for a word that is no command names the nearest that is', async () => {
    await using bench = await workbench();
    for (const [typed, meant] of [
      ['psuh', 'push'],
      ['pusg', 'push'],
      ['imges', 'images'],
      ['logni', 'login'],
      ['laod', 'load'],
    ]) {
      expectError(
        await bench.fails(`${typed} app`),
        `unknown command "${typed}" for "finch"`,
        `did you mean "${meant}"?`,
      );
    }
    expectError(await bench.fails('image psuh app'), /unknown command "image psuh"/, /image push/);
    expectError(await bench.fails('frobnicate .'), /unknown command "frobnicate"/, /finch --help/);
  });

  test('for a flag that there is not, or a wrong number of arguments, says where the help is', async () => {
    await using bench = await workbench();
    const cases: readonly [string, string][] = [
      ['push --plattform linux/amd64 app', 'unknown flag: --plattform'],
      ['images -z', 'unknown flag: -z'],
      ['push', '"finch push" requires at least 1 argument'],
      ['pull', '"finch pull" requires exactly 1 argument'],
      ['tag a', '"finch tag" requires exactly 2 arguments'],
      ['image tag a b c', '"finch image tag" requires exactly 2 arguments'],
      ['rmi', '"finch rmi" requires at least 1 argument'],
      ['images a b', '"finch images" accepts at most 1 argument'],
      ['push --platform', 'flag --platform needs a value'],
      ['pull --quiet=perhaps app', 'flag --quiet takes no value'],
    ];
    for (const [line, message] of cases) {
      const path = /^(?:image )?\w+/.exec(line)?.[0];
      expectError(await bench.fails(line), message, `see finch ${path} --help`);
    }
    expectError(await bench.fails('--plattform push'), /--plattform/);
  });

  test('takes flags before, between and behind arguments, joined and apart', async () => {
    await using bench = await workbench();
    const members = dockerMembers([{ tags: ['app:1.10'], layers: [layerTar('app')] }]);
    await Bun.write(bench.path('app.tar'), tarFile(members));
    for (const line of [
      'load -iapp.tar',
      'load --input=app.tar -q',
      'load -q --input app.tar',
      'load -qi app.tar',
    ]) {
      expect(await bench.ok(line)).toBe('Loaded image: app:1.10\n');
    }
    for (const line of ['images app:1.10 -q', 'images -q app:1.10', 'images -q -- app:1.10']) {
      expect(await bench.ok(line)).toMatch(/^[0-9a-f]{12}\n$/);
    }
    await bench.ok('tag app:1.10 1.10');
    expect(await bench.ok(['images', '--format', '{{.Name}}', '1.10'])).toBe(
      'docker.io/library/1.10:latest\n',
    );
  });

  test('without --debug shows no cause, and never a stack to whoever mistyped', async () => {
    await using bench = await workbench();
    const plain = await bench.fails('pull 127.0.0.1:1/app');
    expectError(plain, /127\.0\.0\.1:1/);
    expect(plain).not.toContain('caused by');
    const debug = await bench.fails('pull --debug 127.0.0.1:1/app');
    expect(debug).toContain(plain);
    expect(debug).toContain('caused by: ');
  });

  test('is quiet when whoever reads its output has seen enough', async () => {
    await using bench = await workbench();
    // More than a pipe holds, so that finch still writes when head has gone.
    const tags = Array.from(
      { length: 1_000 },
      (_, i) => `registry.example/${'long/'.repeat(20)}app:${i}`,
    );
    const members = dockerMembers([{ tags, layers: [layerTar('app')] }]);
    await Bun.write(bench.path('app.tar'), tarFile(members));
    await bench.ok('load -q -i app.tar');
    const { stdout, stderr } = await runProgram(
      ['sh', '-c', '"$0" images --no-trunc --names | head -1', finchBinary],
      { env: finchEnvironment(bench.home) },
    );
    expect(stdout).toMatch(/^NAME .*BLOB SIZE\n$/);
    expect(stderr).toBe('');
  });

  test('keeps what it holds below FINCH_HOME, else below .finch in the home folder', async () => {
    await using bench = await workbench();
    const members = dockerMembers([{ layers: [layerTar('app')] }]);
    await Bun.write(bench.path('app.tar'), tarFile(members));
    const HOME = await bench.newHome();
    await bench.ok('load -q -i app.tar', { env: { HOME, FINCH_HOME: '' } });
    expect(await bench.ok('images -q')).toBe('');
    expect(await Bun.file(`${HOME}/.finch/store/index.json`).exists()).toBe(true);
    expect(await bench.ok('images -q', { home: `${HOME}/.finch` })).toMatch(/^[0-9a-f]{12}\n$/);
  });

  test('does not take settings from the folder that it runs in', async () => {
    await using bench = await workbench();
    await Bun.write(bench.path('.env'), `FINCH_HOME=${bench.path('elsewhere')}\n`);
    await Bun.write(bench.path('bunfig.toml'), 'preload = ["./nothing.ts"]\n');
    const HOME = await bench.newHome();
    const env = { HOME, FINCH_HOME: '' };
    expect(await bench.ok('images -q', { env })).toBe('');
    expect(await Bun.file(bench.path('elsewhere/store/index.json')).exists()).toBe(false);
  });
});
