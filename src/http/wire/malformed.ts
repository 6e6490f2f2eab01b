/** Codes by which fetch says that an answer is no HTTP, so that `failure.ts` explains both the same. */
type Code = 'Malformed_HTTP_Response' | 'ResponseHeadersTooLarge' | 'UnrequestedUpgrade';

/** The error for an answer that is not as HTTP has it. */
export function malformed(code: Code = 'Malformed_HTTP_Response'): Error {
  return Object.assign(new Error('the answer is not as HTTP has it'), { code });
}
