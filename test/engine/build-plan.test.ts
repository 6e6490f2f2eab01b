import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { planBuild } from '../../src/engine/build-plan.ts';

const OUTPUT = 'type=image,push=true,registry.insecure=true';

const plan = (...args: readonly string[]) =>
  planBuild(args, {
    bridgeName: (name) => (/^[a-z0-9:./]+$/.test(name) ? `127.0.0.1:5/x/${name}` : undefined),
  });

describe('planBuild()', () => {
  test('puts the name in the bridge before all others, and pushes', () => {
    expect(plan('-t', 'app', '.')).toEqual({
      args: ['--tag', '127.0.0.1:5/x/app', '--output', OUTPUT, '-t', 'app', '.'],
      names: ['app'],
      pushedAs: '127.0.0.1:5/x/app',
    });
  });

  test('finds names however they are written, in their order', () => {
    const written: readonly (readonly string[])[] = [
      ['-t', 'a', '--tag', 'b:1', '.'],
      ['-ta', '.', '--tag=b:1'],
      ['-t=a', '-qt', 'b:1', '.'],
      ['-qta', '-qt=b:1', '.'],
      ['.', '--platform', 'linux/arm64', '-t', 'a', '-f', '-t', '-tb:1'],
    ];
    for (const args of written) expect([args, plan(...args)?.names]).toEqual([args, ['a', 'b:1']]);
  });

  test('takes no value of another flag, and nothing behind --, for a name', () => {
    expect(plan('--build-arg', '-t', 'app', '.')).toBeUndefined();
    expect(plan('-f', '-t', 'app', '.')).toBeUndefined();
    expect(plan('--no-cache', '-t', 'app', '.')?.names).toEqual(['app']);
    expect(plan('-t', 'app', '.', '--', '-t', 'other')?.names).toEqual(['app']);
    expect(plan('.', '--', '-t', 'other')).toBeUndefined();
  });

  test('leaves a build alone that has no name, its own output, or asks for help', () => {
    for (const args of [
      ['.'],
      ['-t', 'app', '-o', 'out', '.'],
      ['-t', 'app', '-oout', '.'],
      ['-t', 'app', '--output=type=local,dest=out', '.'],
      ['-t', 'app', '--output', 'type=docker', '.'],
      ['-t', 'app', '-h'],
      ['--help'],
    ]) {
      expect([args, plan(...args)]).toEqual([args, undefined]);
    }
  });

  test('leaves names that are none to nerdctl, which says so', () => {
    for (const args of [['-t', 'NO', '.'], ['-t', 'app', '-t', '', '.'], ['-t']]) {
      expect([args, plan(...args)]).toEqual([args, undefined]);
    }
  });

  test('never changes or moves what the user wrote', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('-t', '--tag', 'app', '-o', '--'))),
        (args) => {
          const planned = planBuild(args, { bridgeName: (name) => `b/${name}` });
          if (planned === undefined) return;
          expect(planned.args.slice(0, 4)).toEqual(['--tag', planned.pushedAs, '--output', OUTPUT]);
          expect(planned.args.slice(4)).toEqual(args);
        },
      ),
    );
  });
});
