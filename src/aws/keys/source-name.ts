import type { KeySource } from './key-source.ts';

/** Where keys come from, in words: `the environment`, `profile dev`. */
export function nameOfSource(source: KeySource): string {
  switch (source.kind) {
    case 'static':
    case 'web-identity':
      return source.from;
    case 'container':
      return 'the container';
    case 'metadata':
      return 'the EC2 metadata service';
    default:
      return `profile ${source.profile}`;
  }
}
