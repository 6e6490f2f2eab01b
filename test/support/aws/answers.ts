import { randomUUID } from 'node:crypto';
import type { Disbelief } from './verify.ts';

/** What the control plane answers. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** How the error is named, when it is one. */
  readonly type?: string;
}

/** An error as a service gives it. */
export interface ApiError {
  readonly status: number;
  readonly type: string;
  readonly message: string;
}

/** The way in which a service writes: AWS JSON 1.1, or the Query protocol with XML. */
export interface Dialect {
  /** The names of what is wrong with who asks. */
  readonly names: Readonly<Record<Disbelief | 'denied', string>>;
  /** The status of a refusal. */
  readonly refusal: number;
  success(result: unknown, action: string): ApiAnswer;
  error(error: ApiError): ApiAnswer;
}

/**
 * AWS JSON 1.1, of ECR and ECR Public.
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */
export const json: Dialect = {
  names: {
    missing: 'MissingAuthenticationTokenException',
    incomplete: 'IncompleteSignatureException',
    unknown: 'UnrecognizedClientException',
    ended: 'ExpiredTokenException',
    invalid: 'InvalidSignatureException',
    denied: 'AccessDeniedException',
  },
  refusal: 400,
  success: (result) => ({ status: 200, headers: jsonHeaders(), body: JSON.stringify(result) }),
  error: ({ status, type, message }) => ({
    ...{ status, type, headers: jsonHeaders() },
    body: JSON.stringify({ __type: type, message }),
  }),
};

/**
 * The Query protocol, of STS.
 * @see https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
 */
export const query: Dialect = {
  names: {
    missing: 'MissingAuthenticationToken',
    incomplete: 'IncompleteSignature',
    unknown: 'InvalidClientTokenId',
    ended: 'ExpiredToken',
    invalid: 'SignatureDoesNotMatch',
    denied: 'AccessDenied',
  },
  refusal: 403,
  success(result, action) {
    const id = randomUUID();
    const inner = `${xml({ [`${action}Result`]: result })}${xml({ ResponseMetadata: { RequestId: id } })}`;
    const body = `<${action}Response ${NAMESPACE}>${inner}</${action}Response>\n`;
    return { status: 200, headers: xmlHeaders(id), body };
  },
  error({ status, type, message }) {
    const id = randomUUID();
    const Type = status < 500 ? 'Sender' : 'Receiver';
    const inner = xml({ Error: { Type, Code: type, Message: message }, RequestId: id });
    const body = `<ErrorResponse ${NAMESPACE}>${inner}</ErrorResponse>\n`;
    return { status, type, headers: xmlHeaders(id), body };
  },
};

const NAMESPACE = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"';

function jsonHeaders(): Record<string, string> {
  return { 'x-amzn-RequestId': randomUUID(), 'Content-Type': 'application/x-amz-json-1.1' };
}

function xmlHeaders(id: string): Record<string, string> {
  return { 'x-amzn-RequestId': id, 'Content-Type': 'text/xml' };
}

function xml(value: unknown): string {
  if (typeof value !== 'object' || value === null) return Bun.escapeHTML(`${value}`);
  return Object.entries(value)
    .map(([name, inner]) => `<${name}>${xml(inner)}</${name}>`)
    .join('');
}
