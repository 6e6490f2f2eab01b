import type { ContentReader } from '../content.ts';
import { isDocumentType } from '../oci/media-types.ts';
import type { RateLimit } from '../streams/rate-limit.ts';

/** Reads blobs no faster than `rate` allows, which who reads a file itself has to keep to. Documents are free. */
export function limitedReader(from: ContentReader, rate: RateLimit): ContentReader {
  return {
    has: (descriptor, options) => from.has(descriptor, options),
    async open(descriptor, options) {
      const content = await from.open(descriptor, options);
      if (isDocumentType(descriptor.mediaType)) return content;
      const { file } = content;
      return {
        ...content,
        ...(file && { file: { ...file, pace: rate } }),
        stream: (reading = {}) => rate.limit(content.stream(reading), reading),
      };
    },
  };
}
