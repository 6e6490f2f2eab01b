/** More than any Dockerfile has. */
const MAX_NAMES = 100;

/**
 * The images that the text of a Dockerfile may be built on, as they are written there. One that is made of build
 * arguments is not among them; names of stages may be.
 * https://docs.docker.com/reference/dockerfile/#from
 */
export function baseImages(dockerfile: string): readonly string[] {
  const names = new Set(dockerfile.split('\n').flatMap(imagesIn));
  return [...names].filter((name) => !name.includes('$')).slice(0, MAX_NAMES);
}

function imagesIn(line: string): readonly string[] {
  const [instruction = '', ...words] = line.trim().split(/\s+/);
  const flags = words.filter((word) => word.startsWith('--'));
  switch (instruction.toUpperCase()) {
    case 'FROM':
      return words.find((word) => !word.startsWith('--'))?.split(',', 1) ?? [];
    case 'COPY':
    case 'RUN':
      return flags.flatMap((flag) => flag.slice(2).split(',')).flatMap(sourceIn);
    default:
      return [];
  }
}

/** The image of `from=IMAGE` as it is in `--from=` and in the parts of `--mount=`. */
function sourceIn(part: string): readonly string[] {
  return part.startsWith('from=') ? [part.slice('from='.length)] : [];
}
