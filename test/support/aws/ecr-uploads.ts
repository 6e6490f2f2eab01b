import { refuse } from './ecr-refusals.ts';
import type { EcrRequest } from './ecr-request.ts';

/** Only the last part of a layer may be smaller: 5 MiB. */
const LEAST_PART = 5 * 1024 ** 2;

/**
 * What is peculiar about uploads: parts have a least size, a part is answered with 201, and `Range` tells
 * nothing. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UploadLayerPart.html
 */
export class UploadRules {
  /** How long the last part of each upload was. */
  readonly #lastPart = new Map<string, number>();

  /** Why a part may not come, if it may not. */
  refusal(request: Request, { reference }: EcrRequest): Response | undefined {
    const last = this.#lastPart.get(reference) ?? LEAST_PART;
    const isEmpty = request.body === null || request.headers.get('content-length') === '0';
    if (isEmpty || last >= LEAST_PART) return undefined;
    const message = `Layer parts must be at least ${LEAST_PART} bytes in size`;
    return refuse(400, { code: 'BLOB_UPLOAD_INVALID', message });
  }

  /** Counts what a part brings. */
  measure({ method, body }: Request, { reference }: EcrRequest): ReadableStream<Uint8Array> | null {
    if (method !== 'PATCH' || body === null) return body;
    let size = 0;
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform: (piece, controller) => {
        size += piece.length;
        controller.enqueue(piece);
      },
      flush: () => {
        this.#lastPart.set(reference, size);
      },
    });
    return body.pipeThrough(count);
  }

  /** A good answer to a part, as the service gives it. */
  asEcr({ method }: Request, answer: Response): Response {
    if (method !== 'PATCH' || answer.status !== 202) return answer;
    const headers = new Headers(answer.headers);
    headers.set('range', '0-0');
    return new Response(answer.body, { status: 201, headers });
  }
}
