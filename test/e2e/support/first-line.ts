/**
 * The first line of `stream` that `wanted` takes, or an empty text when it ends without one. The rest
 * is read and thrown away, so that its writer never waits.
 */
export async function firstLine(
  stream: ReadableStream<Uint8Array>,
  wanted: (line: string) => boolean = () => true,
): Promise<string> {
  const decoder = new TextDecoder();
  return new Promise((resolve, reject) => {
    const read = async () => {
      let unfinished = '';
      for await (const piece of stream) {
        const lines = (unfinished + decoder.decode(piece, { stream: true })).split('\n');
        unfinished = lines.pop() ?? '';
        const found = lines.find(wanted);
        if (found !== undefined) resolve(found);
      }
      resolve(wanted(unfinished) ? unfinished : '');
    };
    read().catch(reject);
  });
}
