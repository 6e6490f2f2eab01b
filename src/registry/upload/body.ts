import type { AbortOptions, Content } from '../../content.ts';
import { type HttpBody, takesFiles } from '../../http/transport.ts';
import type { Progress, Span } from './progress.ts';

/** What {@link bodyOf} needs to know beside the bytes. */
export interface BodyOptions extends AbortOptions {
  readonly url: URL;
  readonly progress: Progress;
  /** Whether a file is read here, so that its progress is seen, where it could go out as one. */
  readonly asStream: boolean;
  /** Whether another process sends it. */
  readonly isCarried: boolean;
}

/** Some bytes of a blob as a request sends them: a file where it can go out as one, else a stream. */
export function bodyOf(
  content: Content,
  { start, end }: Span,
  { url, progress, asStream, isCarried, signal }: BodyOptions,
): HttpBody {
  progress.moveTo(start);
  const length = end - start;
  if (length === 0) return { bytes: new Uint8Array() };
  if (content.file !== undefined && (isCarried || goesAsFile(content, { url, asStream }))) {
    const { path, offset } = content.file;
    return { file: { path, start: offset + start, end: offset + end } };
  }
  const stream = content.stream({ start, signal });
  return { stream: progress.through(stream, { start, end }), length };
}

/** Whether nothing is known of how much of a body went out. */
export function goesAsFile(
  content: Content,
  { url, asStream }: Pick<BodyOptions, 'url' | 'asStream'>,
): boolean {
  const { file } = content;
  // The system sends a file as fast as it can.
  return file !== undefined && file.pace === undefined && !asStream && takesFiles(url);
}
