/**
 * The words of a command line, as the AWS CLI splits `credential_process` and the names of sections: quotes and
 * backslashes as in a POSIX shell, and nothing else of a shell. Undefined when a quote is not closed.
 * https://docs.python.org/3.11/library/shlex.html#parsing-rules
 */
export function splitCommand(line: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    if (quote === "'" ? character === "'" : quote === character) {
      quote = undefined;
    } else if (character === '\\' && quote !== "'") {
      if (++at === line.length) return undefined;
      const next = line.charAt(at);
      // In double quotes a backslash stands for itself before anything but a quote and another one.
      const isPlain = quote === '"' && next !== '"' && next !== '\\';
      word = `${word ?? ''}${isPlain ? '\\' : ''}${next}`;
    } else if (quote === undefined && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (quote === undefined && /[ \t\r\n]/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = `${word ?? ''}${character}`;
    }
  }
  if (quote !== undefined) return undefined;
  return word === undefined ? words : [...words, word];
}
