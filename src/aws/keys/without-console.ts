const METHODS = ['debug', 'error', 'info', 'log', 'warn'] as const;

const nothing = () => {};

let running = 0;
let restore = nothing;

/**
 * Runs foreign code that would write to the terminal of its own accord (warnings about the runtime, about settings), without that.
 */
export async function withoutConsole<T>(run: () => Promise<T>): Promise<T> {
  if (running++ === 0) restore = silence();
  try {
    return await run();
  } finally {
    if (--running === 0) restore();
  }
}

function silence(): () => void {
  const { console: terminal } = globalThis;
  const before = METHODS.map((name) => [name, terminal[name]] as const);
  const { emitWarning } = process;
  for (const name of METHODS) terminal[name] = nothing;
  process.emitWarning = nothing;
  return () => {
    for (const [name, method] of before) terminal[name] = method;
    process.emitWarning = emitWarning;
  };
}
