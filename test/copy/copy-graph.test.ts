import { describe, expect, test } from 'bun:test';
import type { ContentReader, ContentStore } from '../../src/content.ts';
import { copyGraph, copyGraphs } from '../../src/copy/copy-graph.ts';
import type { CopyEvent } from '../../src/copy/events.ts';
import { FinchError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { Graph } from './graph.ts';
import { type Hook, MemoryStore } from './memory-store.ts';

/** A source that has all of a graph and a target that has nothing. */
function between(graph: Graph, hook: Hook = () => {}) {
  const nameOf = (descriptor: Descriptor) => graph.nameOf(descriptor);
  const from = new MemoryStore({ blobs: graph.blobs, nameOf });
  return { from, to: new MemoryStore({ nameOf, hook }) };
}

/** Two platforms that share a layer. */
function twoPlatforms() {
  const graph = new Graph();
  const shared = graph.blob('shared', 500);
  const [arm, amd] = ['arm', 'amd'].map((name) =>
    graph.image(name, `linux/${name}64`, { layers: [shared, graph.blob(`${name}.top`)] }),
  ) as [Descriptor, Descriptor];
  return { graph, arm, amd, shared, root: graph.index('root', [arm, amd]) };
}

const ALL = 'amd amd.config amd.top arm arm.config arm.top root shared'.split(' ');

describe('copyGraph()', () => {
  test('copies everything, parts before what names them, the root last', async () => {
    const { graph, root } = twoPlatforms();
    const { from, to } = between(graph);
    await copyGraph(root, { from, to });
    const kept = to.logged('kept');
    expect([...kept].sort()).toEqual(ALL);
    expect(kept.at(-1)).toBe('root');
    for (const name of ['arm', 'amd']) {
      for (const part of [`${name}.config`, `${name}.top`, 'shared']) {
        expect(kept.indexOf(part)).toBeLessThan(kept.indexOf(name));
      }
    }
    expect(to.blobs).toEqual(graph.blobs);
  });

  test('asks for, reads and writes each content once, also when platforms share it', async () => {
    const { graph, root } = twoPlatforms();
    const { from, to } = between(graph);
    await copyGraph(root, { from, to });
    expect([...to.logged('has')].sort()).toEqual(ALL);
    expect([...to.logged('write')].sort()).toEqual(ALL);
    expect([...from.logged('open')].sort()).toEqual(ALL);
    expect(from.logged('has')).toEqual([]);
  });

  test('writes each document as soon as its parts are there, not after all blobs', async () => {
    const { graph, root } = twoPlatforms();
    const armIsThere = Promise.withResolvers<void>();
    const { from, to } = between(graph, async (operation, descriptor) => {
      if (operation !== 'write') return;
      if (graph.nameOf(descriptor) === 'arm') armIsThere.resolve();
      if (graph.nameOf(descriptor) === 'amd.top') await armIsThere.promise;
    });
    await copyGraph(root, { from, to });
    expect(to.logged('kept')).toContain('amd.top');
  });

  test('sends no blob again that is there', async () => {
    const { graph, root, shared } = twoPlatforms();
    const { from, to } = between(graph);
    to.blobs.set(shared.digest, graph.bytesOf(shared));
    await copyGraph(root, { from, to });
    expect(to.logged('write')).not.toContain('shared');
    expect(from.logged('open')).not.toContain('shared');
    expect(to.logged('kept')).toContain('root');
  });

  test('takes a manifest that is there for whole: neither reads it nor asks for its parts', async () => {
    const { graph, root, arm } = twoPlatforms();
    const { from, to } = between(graph);
    await graph.writeTo(to, arm);
    to.log.length = 0;
    await copyGraph(root, { from, to });
    expect(to.logged('has').filter((name) => name.startsWith('arm'))).toEqual(['arm']);
    expect(from.logged('open')).not.toContain('arm');
    expect([...to.logged('kept')].sort()).toEqual(['amd', 'amd.config', 'amd.top', 'root']);
  });

  test('copies what is missing below an index that is there, and does not write the index again', async () => {
    const { graph, root, arm } = twoPlatforms();
    const { from, to } = between(graph);
    await graph.writeTo(to, arm);
    to.blobs.set(root.digest, graph.bytesOf(root));
    to.log.length = 0;
    await copyGraph(root, { from, to });
    expect(to.logged('write')).not.toContain('root');
    expect([...to.logged('kept')].sort()).toEqual(['amd', 'amd.config', 'amd.top']);
  });

  test('copies nothing when everything is there', async () => {
    const { graph, root } = twoPlatforms();
    const { from, to } = between(graph);
    await graph.writeTo(to, root);
    to.log.length = 0;
    await copyGraph(root, { from, to });
    expect(to.logged('write')).toEqual([]);
    expect(from.logged('open')).toEqual(['root']);
  });

  test('copies a lone manifest, nested indexes and an index without members', async () => {
    for (const make of [
      (graph: Graph) => graph.image('lone', 'linux/amd64'),
      (graph: Graph) => graph.index('empty', []),
      (graph: Graph) => graph.artifact('chart'),
      (graph: Graph) => {
        const inner = graph.index('inner', [graph.image('x', 'linux/amd64')]);
        const list = graph.index('list', [graph.image('y', 'linux/arm64', { docker: true })], {
          mediaType: mediaTypes.dockerList,
        });
        return graph.index('outer', [inner, list, inner]);
      },
    ]) {
      const graph = new Graph();
      const root = make(graph);
      const { from, to } = between(graph);
      await copyGraph(root, { from, to });
      expect(to.blobs).toEqual(graph.blobs);
      expect(to.logged('kept').at(-1)).toBe(graph.nameOf(root));
    }
  });

  test('copies a config and a layer that are the same content once', async () => {
    const graph = new Graph();
    const empty = graph.add('{}', mediaTypes.empty, new TextEncoder().encode('{}'));
    const root = graph.manifest('artifact', { config: empty, layers: [empty, empty] });
    const { from, to } = between(graph);
    await copyGraph(root, { from, to });
    expect(to.logged('write')).toEqual(['{}', 'artifact']);
  });

  test('leaves layers that may not be distributed where they are', async () => {
    const graph = new Graph();
    const foreign = [
      'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
      'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    ].map((type, i) => graph.blob(`foreign${i}`, 10, type));
    const root = graph.image('windows', 'windows/amd64', {
      layers: [...foreign, graph.blob('own')],
    });
    const { from, to } = between(graph);
    await copyGraph(root, { from, to });
    expect(to.log.filter((line) => line.includes('foreign'))).toEqual([]);
    expect(to.logged('kept')).toEqual(expect.arrayContaining(['own', 'windows']));
  });

  test('copies only the members of each index that are chosen', async () => {
    const { graph, root: inner, arm } = twoPlatforms();
    const other = graph.image('other', 'linux/s390x');
    const outer = graph.index('outer', [inner, other]);
    const { from, to } = between(graph);
    const asked: string[] = [];
    await copyGraph(
      outer,
      { from, to },
      {
        async choose(index, descriptor) {
          asked.push(graph.nameOf(descriptor));
          return index.manifests.filter(({ digest }) =>
            [inner.digest, arm.digest].includes(digest),
          );
        },
      },
    );
    expect(asked).toEqual(['outer', 'root']);
    const kept = ['arm', 'arm.config', 'arm.top', 'outer', 'root', 'shared'];
    expect([...to.logged('kept')].sort()).toEqual(kept);
  });

  test('does not ask anything of members that are not chosen', async () => {
    const { graph, root } = twoPlatforms();
    const { from, to } = between(graph);
    await copyGraph(root, { from, to }, { choose: () => [] });
    expect(to.log).toEqual(['has root', 'write root', 'kept root']);
  });
});

describe('copyGraph() with `finish`', () => {
  const finished = async (present: readonly string[]) => {
    const { graph, root } = twoPlatforms();
    const { from, to } = between(graph);
    for (const descriptor of graph.below(root)) {
      if (!present.includes(graph.nameOf(descriptor))) continue;
      to.blobs.set(descriptor.digest, graph.bytesOf(descriptor));
    }
    const finish = async (descriptor: Descriptor, bytes: Uint8Array) => {
      expect(bytes).toEqual(graph.bytesOf(root));
      to.log.push(`finish ${graph.nameOf(descriptor)}`);
    };
    await copyGraphs([{ descriptor: root, finish }], { from, to });
    return to.log.filter((line) => !line.startsWith('kept'));
  };

  test('gives it the root and its exact bytes after everything else, in place of writing', async () => {
    const log = await finished([]);
    expect(log.at(-1)).toBe('finish root');
    expect(log).not.toContain('write root');
    expect(log).not.toContain('has root');
    expect(log.filter((line) => line.startsWith('write')).length).toBe(7);
  });

  test('calls it also when everything is there', async () => {
    expect(await finished(ALL)).toEqual(['has arm', 'has amd', 'finish root']);
  });

  test('asks for a lone manifest first: when it is there, for nothing below it', async () => {
    const graph = new Graph();
    const root = graph.image('lone', 'linux/amd64');
    const { from, to } = between(graph);
    await graph.writeTo(to, root);
    to.log.length = 0;
    let calls = 0;
    const finish = async () => {
      calls += 1;
    };
    await copyGraphs([{ descriptor: root, finish }], { from, to });
    expect([calls, to.log, from.log]).toEqual([1, ['has lone'], ['open lone']]);
  });
});

describe('copyGraph() tells by events', () => {
  const eventsOf = async (present: readonly string[]) => {
    const { graph, root } = twoPlatforms();
    const { from, to } = between(graph);
    for (const name of graph.below(root)) {
      if (present.includes(graph.nameOf(name))) to.blobs.set(name.digest, graph.bytesOf(name));
    }
    const events = new Map<string, CopyEvent[]>();
    await copyGraph(
      root,
      { from, to },
      {
        onEvent(event) {
          const name = graph.nameOf(event.descriptor);
          events.set(name, [...(events.get(name) ?? []), event]);
        },
      },
    );
    return events;
  };
  const kinds = (events: readonly CopyEvent[] = []) =>
    [...new Set(events.map(({ kind }) => kind))].join(' ');

  test('what is copied: found, started, every byte, done', async () => {
    const events = await eventsOf([]);
    expect([...events.keys()].sort()).toEqual(ALL);
    for (const all of events.values()) {
      expect(kinds(all)).toBe('found started progress done');
      const bytes = all.reduce((sum, event) => sum + ('bytes' in event ? event.bytes : 0), 0);
      expect(bytes).toBe(all[0]?.descriptor.size ?? -1);
    }
  });

  test('what the target does beside taking bytes, with the content that it does it to', async () => {
    const graph = new Graph();
    const layer = graph.blob('layer', 500);
    const root = graph.image('image', 'linux/amd64', { layers: [layer] });
    const { from, to } = between(graph);
    const steps = [
      { kind: 'resumed', bytes: 200 },
      { kind: 'waiting', ms: 10, why: 'the registry asks to' },
      { kind: 'throttled' },
      { kind: 'mounted', from: 'base' },
    ] as const;
    const target: ContentStore = {
      has: (part) => to.has(part),
      open: (part) => to.open(part),
      write: async (part, content, options) => {
        if (part.digest === layer.digest) for (const step of steps) options?.onStep?.(step);
        await to.write(part, content);
      },
    };
    const events: CopyEvent[] = [];
    await copyGraph(root, { from, to: target }, { onEvent: (event) => void events.push(event) });
    const ofLayer = events.filter(({ descriptor }) => descriptor.digest === layer.digest);
    expect(ofLayer.slice(2, -1)).toEqual(steps.map((step) => ({ ...step, descriptor: layer })));
  });

  test('that bytes which were wrong are taken back, also those of an earlier try', async () => {
    const graph = new Graph();
    const layer = graph.blob('layer', 500);
    const root = graph.image('image', 'linux/amd64', { layers: [layer] });
    const { from, to } = between(graph);
    let tries = 0;
    const source: ContentReader = {
      has: (part) => from.has(part),
      open: async (part) => ({ ...(await from.open(part)), isReplaceable: () => true }),
    };
    const target: ContentStore = {
      has: (part) => to.has(part),
      open: (part) => to.open(part),
      write: async (part, content, options) => {
        if (part.digest === layer.digest && tries++ === 0) {
          options?.onStep?.({ kind: 'resumed', bytes: 200 });
          options?.onBytes?.(300);
          throw new FinchError('CONTENT_MISMATCH', 'something else');
        }
        await to.write(part, content, options);
      },
    };
    let position = 0;
    const onEvent = (event: CopyEvent) => {
      if (event.descriptor.digest === layer.digest && 'bytes' in event) position += event.bytes;
    };
    await copyGraph(root, { from: source, to: target }, { onEvent });
    expect([tries, position]).toEqual([2, 500]);
  });

  test('what is there: found and exists', async () => {
    const events = await eventsOf(['arm', 'arm.config', 'arm.top', 'shared']);
    expect(kinds(events.get('arm'))).toBe('found exists');
    expect(kinds(events.get('shared'))).toBe('found exists');
    expect(events.has('arm.top')).toBe(false);
    expect(kinds(events.get('amd'))).toBe('found started progress done');
    expect(kinds((await eventsOf(ALL)).get('root'))).toBe('found exists');
  });
});
