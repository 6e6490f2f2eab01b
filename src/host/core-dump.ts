const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  darwin: ['libSystem.B.dylib'],
  linux: [
    'libc.so.6',
    'libc.so',
    `libc.musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`,
  ],
};

/** `RLIMIT_CORE`, of Linux and macOS alike. */
const CORE = 4;

/**
 * What a program gets for its mistakes: SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV. By their numbers:
 * to load `node:os` for them takes a fiftieth of the time in which a credential helper answers.
 */
const CRASHES = [4, 5, 6, process.platform === 'darwin' ? 10 : 7, 8, 11] as const;

let library: ReturnType<typeof openLibrary> | undefined;

/** The functions of the C library that are called here; undefined where it cannot be opened. */
async function openLibrary() {
  const { dlopen } = await import('bun:ffi').catch(() => ({ dlopen: undefined }));
  for (const name of LIBRARIES[process.platform] ?? []) {
    try {
      return dlopen?.(name, {
        setrlimit: { args: ['int', 'ptr'], returns: 'int' },
        signal: { args: ['int', 'ptr'], returns: 'ptr' },
      }).symbols;
    } catch {
      // Another name of the library may do.
    }
  }
  return undefined;
}

/**
 * Has the system write no core file when this process crashes, nor when one that it starts does: all that is
 * in memory would be in it. Where that cannot be done nothing happens.
 */
export async function forbidCoreDump(): Promise<void> {
  library ??= openLibrary();
  (await library)?.setrlimit(CORE, new BigUint64Array(2));
}

/**
 * {@link forbidCoreDump}, and a crash ends this process without a word: the report of the runtime would show
 * the arguments. Where that cannot be done nothing happens.
 */
export async function crashInSilence(): Promise<void> {
  await forbidCoreDump();
  const functions = await library;
  // No handler is `SIG_DFL`.
  for (const signal of CRASHES) functions?.signal(signal, null);
}
