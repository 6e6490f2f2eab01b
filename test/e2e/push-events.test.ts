import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { startFragileLink } from '../support/fragile-link.ts';
import { buildImage, layerTar } from '../support/images.ts';
import { registryPrograms } from '../support/registry-programs.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { areHere } from './support/program.ts';
import { eventsIn, type Receipt, replayed, sumOf } from './support/push-events.ts';
import { loadAs } from './support/pushing.ts';
import { pullVerified } from './support/skopeo.ts';
import { type RegistryBench, registryBench } from './support/workbench.ts';

const MIB = 1024 * 1024;

/** An image with one layer that is large, and no smaller when it is compressed. */
function noisyImage(bytes: number) {
  const noise = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 65_536)
    crypto.getRandomValues(noise.subarray(at, at + 65_536));
  return buildImage({ layers: [layerTar(noise.toString('latin1'), 'noise'), layerTar('small')] });
}

async function receiptAt(path: string): Promise<Receipt> {
  return JSON.parse(await readFile(path, 'utf8')) as Receipt;
}

/** Pushes slowly, and sends signals once some of it has gone out. */
async function interruptedPush(
  bench: RegistryBench,
  args: readonly string[],
  { bytes = MIB }: { bytes?: number } = {},
) {
  const child = Bun.spawn([finchBinary, 'push', '--limit-rate', '4M', ...args], {
    env: finchEnvironment(bench.home),
    cwd: bench.folder,
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const decoder = new TextDecoder();
  let stderr = '';
  let isSent = false;
  for await (const piece of child.stderr) {
    stderr += decoder.decode(piece, { stream: true });
    const whole = stderr.slice(0, stderr.lastIndexOf('\n') + 1);
    if (!isSent && sumOf(eventsIn(whole), 'progress') > bytes) {
      isSent = true;
      child.kill('SIGINT');
    }
  }
  return { stderr, stdout: await child.stdout.text(), exitCode: await child.exited };
}

describe.skipIf(!areHere('docker-registry', 'skopeo'))('finch push --progress json', () => {
  test('of a push whose connection breaks replays to the totals of its receipt', async () => {
    await using bench = await registryBench();
    await using link = await startFragileLink(bench.registry.host);
    const built = noisyImage(12 * MIB);
    await loadAs(bench, built);
    const name = `${link.host}/app:1`;
    await bench.ok(`tag app:1 ${name}`);
    link.breakAfter(5 * MIB);
    link.breakAfter(9 * MIB);
    const args = `push --progress json --receipt receipt.json --limit-rate 100M ${name}`;
    const { stdout, stderr, exitCode } = await bench.run(args);
    expect({ stdout, exitCode }).toEqual({
      stdout: `${name}: digest: ${built.root.digest} size: ${built.root.size}\n`,
      exitCode: 0,
    });
    const events = eventsIn(stderr);
    const { totals, status, blobs } = await receiptAt(bench.path('receipt.json'));
    expect(replayed(events)).toEqual(totals);
    expect(events.at(-1)).toMatchObject({ event: 'end', totals });
    expect(events[0]).toMatchObject({
      ...{ event: 'start', command: 'push' },
      references: [{ name, digest: built.root.digest, size: built.root.size }],
    });
    expect(status).toBe('pushed');
    expect(totals).toMatchObject({ blobs: 4, sent: 4, unfinished: 0, bytesResumed: 0 });
    const { size, digest } = built.order[0] ?? built.root;
    expect(totals.bytesSent).toBeGreaterThanOrEqual(totals.bytes);
    // What went out and what the registry has in the end, as the README has it.
    const layer = events.filter((one) => one['digest'] === digest);
    expect(sumOf(layer, 'progress')).toBe(size);
    expect(sumOf(layer, 'progress', { from: 0 })).toBe(
      blobs.find((blob) => blob.digest === digest)?.bytesSent ?? 0,
    );
    const pulled = await pullVerified(bench.registry, { name: 'app:1', to: bench.path('pulled') });
    expect(pulled).toEqual({ root: built.root.digest, blobs: 3 });
  });
});

describe.skipIf(!existsSync(registryPrograms.distribution))('finch push after an interrupt', () => {
  test('goes on where it was stopped, and says how much was there', async () => {
    await using bench = await registryBench({ program: registryPrograms.distribution });
    const built = noisyImage(12 * MIB);
    const name = await loadAs(bench, built);
    const small = buildImage();
    const other = await loadAs(bench, small, 'small:1');
    const receipt = bench.path("it's a receipt.json");
    const flags = ['--progress', 'json', '--receipt', receipt, '--digest-file'];
    const digestFile = bench.path('digest');
    const stopped = await interruptedPush(bench, [...flags, digestFile, other, name]);
    expect({ stdout: stopped.stdout, exitCode: stopped.exitCode }).toEqual({
      stdout: `${other}: digest: ${small.root.digest} size: ${small.root.size}\n`,
      exitCode: 130,
    });
    const [note, error] = eventsIn(stopped.stderr).slice(-2);
    expect(note?.['text']).toMatch(/^\d+\.\d MiB of what is unfinished went out/);
    expect(error).toMatchObject({
      ...{ event: 'error', code: 'CANCELLED', message: 'interrupted' },
      hint: `go on with: finch push --limit-rate 4M --progress json --receipt '${receipt.replace("'", "'\\''")}' --digest-file ${digestFile} ${other} ${name}`,
    });
    const first = await receiptAt(receipt);
    expect(first).toMatchObject({
      ...{
        status: 'interrupted',
        references: [
          { name: other, status: 'pushed' },
          { name, status: 'interrupted' },
        ],
      },
      error: { code: 'CANCELLED', hint: expect.stringContaining('go on with: ') },
    });
    expect(replayed(eventsIn(stopped.stderr))).toEqual(first.totals);
    expect(await Bun.file(bench.path('digest')).exists()).toBe(false);

    const { stderr } = await bench.run(`push --progress json --receipt receipt.json ${name}`);
    const events = eventsIn(stderr);
    const second = await receiptAt(bench.path('receipt.json'));
    expect(replayed(events)).toEqual(second.totals);
    expect(second.totals.bytesResumed).toBeGreaterThan(0);
    expect(sumOf(events, 'resumed')).toBe(second.totals.bytesResumed);
    const { size, digest } = built.order[0] ?? built.root;
    const layer = second.blobs.find((blob) => blob.digest === digest);
    expect((layer?.bytesSent ?? 0) + (layer?.bytesResumed ?? 0)).toBe(size);
    expect(await bench.ok(`push -q --verify ${name}`)).toBe(`${name}\n`);
  });
});
