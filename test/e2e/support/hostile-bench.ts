import { expect } from 'bun:test';
import { writeHelloFinch } from '../../demo/hello-finch.ts';
import { expectError } from './expectations.ts';
import { filesIn, namesIn } from './home-contents.ts';
import { type Workbench, workbench } from './workbench.ts';

/** A workbench whose home holds one image, which hostile archives must leave as it is. */
export interface HostileBench extends AsyncDisposable {
  readonly bench: Workbench;
  /** Checks that loading the file of this name in the bench's folder fails as it must. */
  expectRefused(name: string, message: RegExp, hint?: RegExp): Promise<void>;
  /** {@link HostileBench.expectRefused} for an archive in memory. */
  refuse(archive: Uint8Array, message: RegExp, hint?: RegExp): Promise<void>;
  /** The names that an archive gives in an empty home, which it must. */
  loaded(archive: Uint8Array): Promise<Readonly<Record<string, string>>>;
}

/** Makes one for all tests of a file. */
export async function hostileBench(): Promise<HostileBench> {
  const bench = await workbench();
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -q -i hello-finch.tar');
  await bench.ok('images');
  const before = await filesIn(bench.home);
  const expectRefused: HostileBench['expectRefused'] = async (name, message, hint = /./) => {
    expectError(await bench.fails(['load', '-q', '-i', name]), message, hint);
    expect(await filesIn(bench.home)).toEqual(before);
  };
  return {
    bench,
    expectRefused,
    async refuse(archive, message, hint) {
      await Bun.write(bench.path('hostile.tar'), archive);
      await expectRefused('hostile.tar', message, hint);
    },
    async loaded(archive) {
      const home = await bench.newHome();
      await Bun.write(bench.path('odd.tar'), archive);
      await bench.ok('load -q -i odd.tar', { home });
      return namesIn(home);
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}
