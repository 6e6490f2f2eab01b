import { cleanText } from '../../http/clean-text.ts';
import { isJsonObject } from '../../oci/json.ts';
import { xmlText } from './xml.ts';

/** An error as AWS puts it. */
interface AnsweredError {
  /** Its name, without a namespace: `ExpiredTokenException`. */
  readonly type: string;
  /** Safe to show; perhaps empty. */
  readonly message: string;
}

/**
 * The error that an answer of AWS holds, in JSON or XML; undefined when it is none of AWS.
 * https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization
 * https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#operation-error-serialization
 */
export function readErrorAnswer(text: string, headers: Headers): AnsweredError | undefined {
  const json = parsed(text);
  const inXml = text.trimStart().startsWith('<') ? xmlText(text, 'Code') : undefined;
  const given = headers.get('x-amzn-errortype') ?? textOf(json['__type'] ?? json['code']) ?? inXml;
  // A namespace may come first, and an address behind.
  const type = /^(?:[^#]*#)?([A-Za-z][\w.]{0,99})(?::|$)/.exec(given?.trim() ?? '')?.[1];
  if (type === undefined) return undefined;
  const message = textOf(json['message'] ?? json['Message']) ?? xmlText(text, 'Message') ?? '';
  return { type, message: cleanText(message) };
}

function parsed(text: string): { readonly [key: string]: unknown } {
  try {
    const json: unknown = JSON.parse(text);
    return isJsonObject(json) ? json : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
