import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { digestOf } from '../../src/oci/digest.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { rssGraph } from './growth.ts';
import { writeDockerArchive, writeLayout } from './layouts.ts';
import { measureInTurns, medianSample } from './measure.ts';
import { judge, markdownTable, putTable, type RowResult, rowText } from './results.ts';
import { isAccess } from './servers.ts';

interface Described {
  readonly digest: string;
  readonly size: number;
}

describe('the images of the bench', () => {
  test('a layout is whole: every digest, every size, every layer of its configuration', async () => {
    await using place = await temporaryFolder();
    const layout = await writeLayout({ folder: place.path, layers: [2000, 3_000_000] });
    const read = async ({ digest, size }: Described) => {
      const bytes = await Bun.file(join(place.path, 'blobs', digest.replace(':', '/'))).bytes();
      expect({ digest: `${digestOf(bytes)}`, size: bytes.length }).toEqual({ digest, size });
      return bytes;
    };
    const parse = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));
    const index = await Bun.file(join(place.path, 'index.json')).json();
    const manifestBytes = await read(index.manifests[0]);
    const manifest = parse(manifestBytes);
    const configBytes = await read(manifest.config);
    const layers = await Promise.all(manifest.layers.map(read));
    const diffIds = layers.map((layer) => digestOf(gunzipSync(layer)));
    expect(parse(configBytes).rootfs.diff_ids).toEqual(diffIds);
    const sum = [manifestBytes, configBytes, ...layers].reduce((n, { length }) => n + length, 0);
    expect(layout.bytes).toBe(sum);
    expect(layout.layers.map(({ size }) => size)).toEqual(layers.map(({ length }) => length));
  });

  test.each(['mixed', 'programs'] as const)(
    'a docker-archive holds the layers that its configuration names, and they can be made smaller: %s',
    async (content) => {
      await using place = await temporaryFolder();
      const path = join(place.path, 'image.tar');
      await writeDockerArchive(path, { layers: [3_000_000, 5000], name: 'a:1', content });
      const read = async (member: string) => {
        const child = Bun.spawn(['tar', '-xOf', path, member], { stdout: 'pipe' });
        return await child.stdout.bytes();
      };
      const parse = async (member: string) =>
        JSON.parse(new TextDecoder().decode(await read(member)));
      const [image] = await parse('manifest.json');
      const config = await parse(image.Config);
      const layers = await Promise.all(image.Layers.map(read));
      expect(layers.map((layer) => `${digestOf(layer)}`)).toEqual(config.rootfs.diff_ids);
      const large = layers[0];
      expect(Bun.gzipSync(large).length).toBeLessThan(0.9 * large.length);
    },
  );
});

describe('measuring', () => {
  test('runs go in turns after one that does not count, and who runs once is not warmed up', async () => {
    const order: string[] = [];
    const contestant = (name: string, runs: number) => ({
      ...{ name, runs },
      prepare: async (n: number) => {
        order.push(`${name}${n}`);
        throw new Error('not run here');
      },
    });
    const run = measureInTurns([contestant('once', 1), contestant('a', 2)]);
    expect(run).rejects.toThrow('not run here');
    await run.catch(() => {});
    expect(order).toEqual(['a0']);
  });

  test('a median is that of each figure, and of what was counted', () => {
    const sample = (wallMs: number, cpuMs: number, bytes?: number) => {
      return { wallMs, cpuMs, rssBytes: 1, bytes };
    };
    const median = medianSample([sample(1, 9), sample(5, 2, 10), sample(3, 4, 20)]);
    expect(median).toEqual({ wallMs: 3, cpuMs: 4, rssBytes: 1, bytes: 15, requests: undefined });
  });

  test('requests are counted by the access log, and by nothing else in it', () => {
    const access =
      '127.0.0.1 - - [22/Nov/2026:21:23:05 +0000] "GET /v2/ HTTP/1.1" 200 2 "" "curl/7.88.1"';
    expect(isAccess(access)).toBe(true);
    expect(isAccess('time="…" level=info msg="response completed" http.request.uri=/v2/')).toBe(
      false,
    );
  });

  test('memory over time becomes a line of bars', () => {
    expect(rssGraph('http', [10, 40, 60, 64])).toBe('http: ▁▃▄▅ 60 to 64 MiB, a bar each 0.1 s');
  });
});

describe('the table', () => {
  const sample = { wallMs: 80, cpuMs: 50, rssBytes: 64 * 1024 * 1024, bytes: 2048, requests: 7 };
  const result: RowResult = {
    ...{ id: 'x', what: 'a → b' },
    samples: { finch: sample, crane: { ...sample, wallMs: 2000 } },
    targets: [
      { figure: 'wall', peer: 'crane', atMost: 0.8 },
      { figure: 'rss', atMost: 32 * 1024 * 1024 },
      { figure: 'wall', peer: 'oras', atMost: 1 },
    ],
  };

  test('a target is met or not, and one without its peer is not', () => {
    expect(judge(result).map(({ isMet }) => isMet)).toEqual([true, false, false]);
    expect(rowText(result)).toContain('≤ 32 MiB: 64 MiB, NOT MET');
    expect(rowText(result)).toContain('≤ 1 × oras: not measured, NOT MET');
  });

  test('it goes between the marks of a page, again and again', () => {
    const page = 'before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n';
    const table = markdownTable([result]);
    expect(table.split('\n')[2]).toMatch(/^\| a → b +\| 80\.0 ms \| 2\.00 s /);
    const once = putTable(page, table);
    expect(once).toBe(`before\n<!-- bench -->\n\n${table}\n\n<!-- /bench -->\nafter\n`);
    expect(putTable(once, table)).toBe(once);
    expect(() => putTable('nothing', table)).toThrow('there is no <!-- bench -->');
  });
});
