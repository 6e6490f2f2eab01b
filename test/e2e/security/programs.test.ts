import { expect, test } from 'bun:test';
import { chmod, mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { writeHelloFinch } from '../../demo/hello-finch.ts';
import { workbench } from '../support/workbench.ts';

/** What other tools unpack images with, when they find it. */
const PROGRAMS = [
  ...['gzip', 'gunzip', 'unpigz', 'pigz', 'igzip', 'zstd', 'unzstd', 'xz', 'unxz', 'bzip2', 'lz4'],
  ...['tar', 'bsdtar', 'sh', 'git', 'file', 'secret-tool', 'security'],
];

test.skipIf(process.platform === 'win32')(
  'no program on PATH or in the folder is run to read an image',
  async () => {
    await using bench = await workbench();
    const traps = bench.path('traps');
    await mkdir(traps);
    const caught = bench.path('caught');
    for (const folder of [traps, bench.folder]) {
      for (const name of PROGRAMS) {
        await Bun.write(join(folder, name), `#!/bin/sh\necho ${name} >> '${caught}'\n`);
        await chmod(join(folder, name), 0o755);
      }
    }
    const env = { PATH: [traps, '.', process.env['PATH']].join(delimiter) };
    await writeHelloFinch(bench.path('plain.tar'));
    const plain = await Bun.file(bench.path('plain.tar')).bytes();
    await Bun.write(bench.path('gzip.tar'), Bun.gzipSync(plain));
    await Bun.write(bench.path('zstd.tar'), Bun.zstdCompressSync(plain));
    for (const archive of ['plain', 'gzip', 'zstd']) {
      await bench.ok(`load -q -i ${archive}.tar`, { env, home: await bench.newHome() });
    }
    expect(await Bun.file(caught).exists()).toBe(false);
  },
);
