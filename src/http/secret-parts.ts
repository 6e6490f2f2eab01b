/** Shorter lines and strings are words that messages need. */
const SHORTEST_PART = 16;

/** Of so many lines and strings each is known. Keys of service accounts have fifty. */
const MAX_PARTS = 128;

/**
 * What a program may quote of a secret when it does not understand it: each longer line of one with many
 * lines, and each longer string in one that is JSON, as keys of service accounts are.
 */
export function partsOf(secret: string): readonly string[] {
  const whole = secret.trim();
  const texts = [whole, ...stringsIn(whole)];
  const parts = texts.flatMap((text) => [text, ...text.split('\n')]).map((text) => text.trim());
  const isPart = (text: string) => text.length >= SHORTEST_PART && text !== whole;
  return [...new Set(parts.filter(isPart))].slice(0, MAX_PARTS);
}

function stringsIn(text: string): readonly string[] {
  if (!/^[[{]/.test(text)) return [];
  const strings: string[] = [];
  const collect = (_: string, value: unknown) => {
    if (typeof value === 'string') strings.push(value);
    return value;
  };
  try {
    JSON.parse(text, collect);
  } catch {
    // It only looks like JSON, or is too deep.
  }
  return strings;
}
