/** A longer line is not read: nothing that finch says to itself has 4 MiB. */
const MAX_LINE = 4 * 1024 * 1024;

/**
 * The lines of a text that comes in pieces, without their ends. What comes behind the last end is no line.
 * Ends early at a line that is too long.
 */
export async function* linesOf(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of pieces) {
    rest += decoder.decode(piece, { stream: true });
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n')) {
      yield rest.slice(0, end);
      rest = rest.slice(end + 1);
    }
    if (rest.length > MAX_LINE) return;
  }
}
