import { expect } from 'bun:test';
import { type Content, memoryContent, type WriteStep } from '../../src/content.ts';
import type { Credential } from '../../src/credentials/credential.ts';
import { FinchError } from '../../src/errors.ts';
import { withHostGates } from '../../src/http/host-gate.ts';
import type { RetryOptions } from '../../src/http/retry.ts';
import { type Transport, type TransportSettings, transportWith } from '../../src/http/transport.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import {
  emptyMemory,
  type KeptUpload,
  type LearnedTraits,
  type RegistryMemory,
} from '../../src/registry/memory/registry-memory.ts';
import { openRepository } from '../../src/registry/open-repository.ts';
import type { Repository } from '../../src/registry/repository.ts';
import { layerOf } from '../support/content-store-contract.ts';
import {
  type FaultyOptions,
  type FaultyRegistry,
  startFaultyRegistry,
} from '../support/faulty-registry.ts';

/** Any request that brings a blob, or a part of one. */
export const BODY = /^(PUT|PATCH) \S*\/blobs\/uploads\//;

/** Any question for the status of an upload. */
export const STATUS = /^(GET|HEAD) \S*\/blobs\/uploads\//;

/** A blob of three million bytes. */
export const blob = layerOf(3_000_000);

/** A registry, the repository `app` in it as finch opens it, and what finch tells and waits for. */
export interface Bench extends AsyncDisposable {
  readonly registry: FaultyRegistry;
  readonly repository: Repository;
  /** Milliseconds of every pause. No time passes in them, but the clock says it did. */
  readonly waits: readonly number[];
  readonly clock: Required<Pick<RetryOptions, 'sleep' | 'now' | 'random'>>;
  readonly memory: RegistryMemory;
}

/** How {@link startBench} and {@link send} set things up. */
export interface BenchOptions extends FaultyOptions {
  readonly credential?: Credential;
  /** What is remembered, of a registry at this host. Default: nothing. */
  readonly memory?: (host: string) => RegistryMemory;
  /** What is known of the registry from before. */
  readonly traits?: LearnedTraits;
  readonly transport?: TransportSettings;
  readonly resume?: boolean;
  /** The name by which finch knows the registry, for what it knows of those of some services. */
  readonly as?: string;
  /** Waits, in place of a clock that only says so. */
  readonly sleep?: (ms: number) => Promise<void>;
}

/** Starts a registry with faults, and opens a repository there for pushing. */
export async function startBench(options: BenchOptions = {}): Promise<Bench> {
  const {
    credential,
    memory: memoryAt = emptyMemory,
    traits,
    transport,
    resume,
    ...rest
  } = options;
  const { sleep: wait, as, ...faulty } = rest;
  const registry = await startFaultyRegistry(faulty);
  const memory = memoryAt(registry.host);
  if (traits !== undefined) memory.learn(as ?? registry.host, traits);
  const waits: number[] = [];
  let time = Date.now();
  const now = () => time;
  const sleep = async (ms: number) => {
    waits.push(ms);
    await wait?.(ms);
    time += ms;
  };
  const clock = { sleep, now, random: () => 0.5 };
  const repository = openRepository(
    { registry: as ?? registry.host, name: 'app' },
    {
      transport: withHostGates(named(transportWith(transport), registry, as), clock),
      keychain: { credential: async () => credential },
      access: 'push',
      retry: clock,
      memory,
      ...(resume !== undefined && { resume }),
    },
  );
  const dispose = registry[Symbol.asyncDispose].bind(registry);
  return { registry, repository, waits, clock, memory, [Symbol.asyncDispose]: dispose };
}

/** Has requests to a name go to a registry on this machine. */
function named(
  transport: Transport,
  { host }: FaultyRegistry,
  name: string | undefined,
): Transport {
  if (name === undefined) return transport;
  return async (request) => {
    const url = new URL(request.url);
    if (url.host !== name) return transport(request);
    const { resolve: _, ...direct } = request;
    const at = new URL(url.href.replace(`https://${name}`, `http://${host}`));
    const response = await transport({ ...direct, url: at });
    Object.defineProperty(response, 'url', { value: url.href });
    return response;
  };
}

/** What became of a blob that was sent. */
export interface Sent extends Bench {
  /** The error; undefined when it was written. */
  readonly error: unknown;
  readonly descriptor: Descriptor;
  readonly steps: readonly WriteStep[];
  /** Bytes that went out, by finch's own count. */
  readonly bytes: number;
  /** Where finch's count stands in the end. */
  readonly position: number;
}

/** What {@link send} sends. */
export interface SendOptions extends BenchOptions {
  readonly descriptor?: Descriptor;
  readonly bytes?: Uint8Array;
  readonly content?: Content;
  /** Does something before it begins. */
  readonly prepare?: (bench: Bench) => void;
}

/** Sends one blob to a registry with faults. */
export async function send(options: SendOptions = {}): Promise<Sent> {
  const bench = await startBench(options);
  options.prepare?.(bench);
  const sent = await write(bench, options);
  return sent;
}

/** Sends one blob to a registry that is there. */
export async function write(bench: Bench, options: SendOptions = {}): Promise<Sent> {
  const { descriptor = blob.descriptor, bytes: own = blob.bytes } = options;
  const { content = memoryContent(own) } = options;
  const steps: WriteStep[] = [];
  let bytes = 0;
  let position = 0;
  const error = await bench.repository
    .write(descriptor, content, {
      onBytes: (count) => {
        bytes += Math.max(count, 0);
        position += count;
      },
      onStep: (step) => {
        steps.push(step);
        if (step.kind === 'resumed') position += step.bytes;
      },
    })
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  return { ...bench, error, descriptor, steps, bytes, position };
}

/**
 * Checks that a blob was written: the registry has its bytes, finch counted them, and no session had two
 * writers.
 */
export function expectWritten(sent: Sent): void {
  const { error, descriptor, registry, position } = sent;
  expect(error).toBeUndefined();
  const kept = registry.state.repository('app').blobs.get(descriptor.digest);
  expect([kept?.length, position]).toEqual([descriptor.size, descriptor.size]);
  expectOneWriter(registry);
}

/** Checks that no upload session ever got two bodies at once. */
export function expectOneWriter({ state }: FaultyRegistry): void {
  const most = state.allSessions.map(({ mostWriters }) => mostWriters);
  expect(Math.max(0, ...most)).toBeLessThan(2);
}

/** Checks that a blob was not written, and why; gives the error. */
export function expectRefused({ error, registry, descriptor }: Sent, code: string): FinchError {
  if (!(error instanceof FinchError)) throw new Error(`not refused: ${String(error)}`);
  expect(error.code).toBe(code as FinchError['code']);
  expect(registry.state.repository('app').blobs.has(descriptor.digest)).toBe(false);
  return error;
}

/** The bodies of a blob that came in: method, first byte of its Content-Range, and bytes. */
export function bodies({ log }: FaultyRegistry): readonly string[] {
  return log
    .filter(({ line, bodyBytes }) => BODY.test(line) && bodyBytes > 0)
    .map(({ method, headers, bodyBytes }) => {
      const from = headers['content-range']?.split('-')[0];
      return `${method} ${from === undefined ? '' : `${from}+`}${bodyBytes}`;
    });
}

/** A memory in which a process that is gone has left an upload. */
export function memoryOf(upload: KeptUpload): RegistryMemory {
  let left: KeptUpload | undefined = upload;
  return {
    ...emptyMemory(),
    claimUpload: () => {
      const claimed = left;
      left = undefined;
      return claimed;
    },
  };
}
