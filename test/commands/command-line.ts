import { join } from 'node:path';
import { type App, createApp, type Talk } from '../../src/app.ts';
import { openDebugLog } from '../../src/cli/debug-log.ts';
import { reportError } from '../../src/cli/report-error.ts';
import { runCommandLine } from '../../src/cli/run.ts';
import { createSpeaker } from '../../src/cli/speaker.ts';
import { createTalk } from '../../src/cli/talk.ts';
import type { BinaryOutput, Host } from '../../src/host/host.ts';
import type { Platform } from '../../src/oci/platform.ts';
import type { ImageStore } from '../../src/store/image-store.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { tarOf } from '../archives/archive-files.ts';
import { type Built, layoutFiles } from '../support/images.ts';
import { runLog } from '../support/run-log.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** How a command line ended. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What surrounds one run, beside its arguments. */
export interface Surroundings {
  readonly stdin?: Uint8Array | string;
  readonly signal?: AbortSignal;
  readonly talk?: Partial<Talk>;
  /** What stands in place of parts of the program. */
  readonly parts?: Partial<Pick<App, 'logins' | 'checkLogin'>>;
}

/** A home in which command lines run, each in a program of its own as far as it can tell. */
export interface Finch extends AsyncDisposable {
  /** `FINCH_HOME`. */
  readonly home: string;
  /** Milliseconds since 1970 on the clock, which stands still unless a test moves it. */
  now: number;
  run(...argv: readonly string[]): Promise<Outcome>;
  /** Runs with more than arguments. */
  runWith(surroundings: Surroundings, ...argv: readonly string[]): Promise<Outcome>;
  /** What a run that ends well prints. */
  stdout(...argv: readonly string[]): Promise<string>;
  /** Loads an image under a name. */
  load(built: Built, name: string): Promise<void>;
  /** The store, opened a second time. */
  openStore(): Promise<ImageStore>;
}

export async function finch({
  platform = { os: 'linux', architecture: 'amd64' } as Platform,
  env = {} as Host['env'],
} = {}): Promise<Finch> {
  const folder = await temporaryFolder();
  const home = join(folder.path, 'home');
  const place: Finch = {
    home,
    now: Date.UTC(2026, 0, 31, 12),
    run: (...argv) => place.runWith({}, ...argv),
    async runWith({ stdin, signal = new AbortController().signal, talk, parts }, ...argv) {
      const [stdout, stderr] = [output(), output()];
      const now = () => new Date();
      const host: Host = {
        ...{ env, home, platform, stdout, stderr },
        now: () => new Date(place.now),
        stdin: {
          isTerminal: stdin === undefined,
          async *stream() {
            if (stdin !== undefined) yield new Uint8Array(Buffer.from(stdin));
          },
        },
      };
      const speaker = createSpeaker(host);
      const { trace, explain } = openDebugLog([], { env: runLog, now, stderr: speaker });
      try {
        await using app = {
          ...createApp(host, { ...createTalk(host, { trace, speaker }), ...talk }),
          ...parts,
        };
        stdout.write(await runCommandLine(argv, { app, signal }));
        return { status: 0, stdout: stdout.text(), stderr: stderr.text() };
      } catch (error) {
        const status = reportError(error, {
          ...{ stderr: speaker, redact: (text: string) => text, explain },
          ...(speaker.isJson && { tell: (event) => speaker.tell(event) }),
        });
        return { status, stdout: stdout.text(), stderr: stderr.text() };
      }
    },
    async stdout(...argv) {
      const outcome = await place.run(...argv);
      if (outcome.status === 0) return outcome.stdout;
      throw new Error(`finch ${argv.join(' ')} failed: ${outcome.stderr}`);
    },
    async load(built, name) {
      const path = join(folder.path, 'archive.tar');
      await Bun.write(path, tarOf(layoutFiles(built, { 'io.containerd.image.name': name })));
      await place.stdout('load', '--quiet', '-i', path);
    },
    openStore: () => openImageStore(join(home, 'store')),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
  return place;
}

function output(): BinaryOutput & { text(): string } {
  let text = '';
  return {
    isTerminal: false,
    columns: 80,
    write(more) {
      text += more;
    },
    async send(bytes) {
      for await (const piece of bytes) text += Buffer.from(piece).toString('latin1');
    },
    text: () => text,
  };
}
