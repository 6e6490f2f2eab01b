import { fstatSync } from 'node:fs';
import { resolve } from 'node:path';
import type { AbortOptions } from '../content.ts';
import { FinchError, systemCode } from '../errors.ts';
import { normalizePlatform, type Platform } from '../oci/platform.ts';
import { readAbortable } from './abortable-stream.ts';
import type { BinaryOutput, Host, Output } from './host.ts';
import { ioError } from './io-error.ts';
import { writeAll } from './write-all.ts';

/** Go's names for the architectures that Node.js names otherwise. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  mipsel: 'mipsle',
  ppc64: isLittleEndian() ? 'ppc64le' : 'ppc64',
};

/** `node:os` knows it too, and would be all that it is loaded for, at every start. */
function isLittleEndian(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
}

/** An {@link Output} that also knows the height of a terminal, in lines. */
interface ProcessOutput extends Output {
  readonly rows: number;
}

/**
 * The host that this process runs on. Text that is written is on its way when `write` returns, so the
 * program may end at any time. When whoever reads the output has gone (`finch images | head -1`), what
 * is written is dropped in silence.
 *
 * `home` throws FinchError `USAGE` when neither FINCH_HOME nor the home folder is known; reading stdin
 * and writing stdout throw FinchError `IO`.
 */
export function createProcessHost(): Host {
  return {
    env: process.env,
    get home() {
      return finchHome(process.env);
    },
    platform: platformOf(process.arch),
    now: () => new Date(),
    stdin: {
      get isTerminal() {
        return isTerminal(0);
      },
      stream: readStdin,
    },
    stdout: Object.assign(createOutput(1, { mayFail: false }), { send: sendStdout }),
    stderr: createOutput(2, { mayFail: true }),
  };
}

function finchHome(env: Host['env']): string {
  const own = env['FINCH_HOME'];
  if (own) return resolve(own);
  const folder = env['HOME'] || env['USERPROFILE'];
  if (folder) return resolve(folder, '.finch');
  throw new FinchError('USAGE', 'there is no home folder: HOME is not set', {
    hint: 'set FINCH_HOME to the folder in which finch may keep its files',
  });
}

/** What images run on here, for Node.js' name of the processor. */
export function platformOf(arch: string): Platform {
  return normalizePlatform({ os: 'linux', architecture: ARCHITECTURES[arch] ?? arch });
}

/** Asks only when it matters: the module costs a quarter of the time that the program takes to start. */
function isTerminal(fd: number): boolean {
  if (process.platform !== 'win32' && !isDevice(fd)) return false;
  return process.getBuiltinModule('node:tty').isatty(fd);
}

/** What is no device is no terminal: pipes and files say so at once. */
function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    // It is closed.
    return false;
  }
}

async function* readStdin({ signal }: AbortOptions = {}): AsyncGenerator<Uint8Array> {
  try {
    yield* readAbortable(Bun.stdin.stream(), { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw ioError(cause, 'read', 'stdin');
  }
}

const sendStdout: BinaryOutput['send'] = async (bytes, { signal }) => {
  const { sendBytes } = await import('./send-bytes.ts');
  await sendBytes(1, bytes, { what: 'stdout', signal });
};

/** @param mayFail whether text that cannot be written is dropped: there is nowhere to say so */
function createOutput(fd: 1 | 2, { mayFail }: { readonly mayFail: boolean }): ProcessOutput {
  const stream = fd === 1 ? () => process.stdout : () => process.stderr;
  let isGone = false;
  return {
    get isTerminal() {
      return isTerminal(fd);
    },
    get columns() {
      return (isTerminal(fd) && stream().columns) || 80;
    },
    get rows() {
      return (isTerminal(fd) && stream().rows) || 24;
    },
    write(text) {
      if (isGone) return;
      try {
        writeAll(fd, text);
      } catch (cause) {
        isGone = true;
        if (mayFail || systemCode(cause) === 'EPIPE') return;
        throw ioError(cause, 'write', 'stdout');
      }
    },
  };
}
