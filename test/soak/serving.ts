import { startFinch } from '../e2e/support/running.ts';

/**
 * Runs `work` beside a `finch registry serve` over the store of a home, on a free port, which must then end
 * in peace, without a word.
 * @param work gets the `HOST:PORT` of the registry
 */
export async function whileServing<T>(
  home: string,
  work: (host: string) => Promise<T>,
): Promise<T> {
  await using server = await startFinch(['registry', 'serve', '--listen', '127.0.0.1:0'], { home });
  const result = await work(server.line.replace('listening on http://', ''));
  const { exitCode, stderr } = await server.stop('SIGTERM');
  if (exitCode !== 0 || stderr !== '') throw new Error(`the registry ended: ${exitCode} ${stderr}`);
  return result;
}
