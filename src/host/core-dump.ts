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
 * Has the system write no core file when this process crashes, nor when one that it starts does: all that is
 * in memory would be in it. Where that cannot be done nothing happens.
 */
export async function forbidCoreDump(): Promise<void> {
  const { dlopen } = await import('bun:ffi').catch(() => ({ dlopen: undefined }));
  for (const library of LIBRARIES[process.platform] ?? []) {
    try {
      const signature = { setrlimit: { args: ['int', 'ptr'], returns: 'int' } } as const;
      dlopen?.(library, signature).symbols.setrlimit(CORE, new BigUint64Array(2));
      return;
    } catch {
      // Another name of the library may do.
    }
  }
}
