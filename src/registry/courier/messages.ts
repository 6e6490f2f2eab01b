import type { TlsSettings } from '../../http/tls-options.ts';
import type { HttpRequest } from '../../http/transport.ts';
import { isDigest } from '../../oci/digest.ts';
import type { UploadKey } from '../memory/registry-memory.ts';

/** One request that the courier sends, with all that it needs to know for it. It holds a login. */
export interface Errand {
  readonly id: number;
  readonly method: HttpRequest['method'];
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Its body: bytes of a file from `start` to before `end`. */
  readonly file: { readonly path: string; readonly start: number; readonly end: number };
  /** Whether the file is read, so that its progress is seen, where it could go out as one. */
  readonly asStream: boolean;
  /** How fast it goes, together with all others that say so. */
  readonly bytesPerSecond?: number;
  readonly insecure: boolean;
  readonly tls?: TlsSettings;
  /** The address that was looked up for the host, and is connected to. */
  readonly address?: string;
  readonly patienceMs?: number;
  readonly workBytes?: number;
  readonly upload: CarriedUpload;
}

/** The upload that a request is of. */
export interface CarriedUpload extends UploadKey {
  /** The process that it belongs to, as `owner.ts` writes it. */
  readonly owner: string;
  /** How many bytes the registry has when it has taken the request. */
  readonly end: number;
  /** Whether the blob is complete then. */
  readonly closes: boolean;
}

/** What the courier says. */
export type Report =
  /** It takes requests. `courier` is its process, as `owner.ts` writes it. */
  | { readonly kind: 'ready'; readonly courier: string }
  /** So many more bytes of a body went out; 0 tells that it is still at work. */
  | { readonly kind: 'sent'; readonly id: number; readonly bytes: number }
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly status: number;
      readonly statusText: string;
      readonly headers: readonly (readonly [string, string])[];
      /** What its body begins with, in base64. */
      readonly body: string;
    }
  /** There was no answer. `cause` is the system's code. */
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly code: 'NETWORK' | 'CANCELLED' | 'IO';
      readonly message: string;
      readonly hint?: string;
      readonly cause?: string;
    };

/** A message as one line. */
export function messageLine(message: Errand | Report): string {
  return `${JSON.stringify(message)}\n`;
}

/** A line as an errand; undefined when it is none. */
export function parseErrand(line: string): Errand | undefined {
  const value = parse(line);
  return isErrand(value) ? value : undefined;
}

/** A line as a report; undefined when it is none. */
export function parseReport(line: string): Report | undefined {
  const value = parse(line);
  return isReport(value) ? value : undefined;
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isFlag: Check = (value) => typeof value === 'boolean';
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isAbsent: Check = (value) => value === undefined;
const either = (...checks: readonly Check[]): Check => {
  return (value) => checks.some((check) => check(value));
};
const oneOf = (...values: readonly unknown[]): Check => {
  return (value) => values.includes(value);
};
const optional = (check: Check): Check => either(isAbsent, check);
const listOf = (check: Check): Check => {
  return (value) => Array.isArray(value) && value.every(check);
};
const shape = (members: Readonly<Record<string, Check>>): Check => {
  return (value) =>
    isObject(value) && Object.entries(members).every(([name, check]) => check(value[name]));
};

const CHECKED_ERRAND = shape({
  id: isCount,
  method: oneOf('PUT', 'PATCH'),
  url: (value) => isText(value) && /^https?:$/.test(URL.parse(String(value))?.protocol ?? ''),
  headers: (value) => isObject(value) && Object.values(value).every(isText),
  file: shape({ path: isText, start: isCount, end: isCount }),
  asStream: isFlag,
  bytesPerSecond: optional((value) => typeof value === 'number' && value > 0),
  insecure: isFlag,
  tls: optional(
    shape({
      ca: optional(listOf(isText)),
      certificate: optional(shape({ chain: isText, key: isText })),
    }),
  ),
  address: optional(isText),
  patienceMs: optional(isCount),
  workBytes: optional(isCount),
  upload: shape({
    registry: isText,
    repository: isText,
    digest: (value) => typeof value === 'string' && isDigest(value),
    owner: isText,
    end: isCount,
    closes: isFlag,
  }),
});

const CHECKED_REPORT = either(
  shape({ kind: oneOf('ready'), courier: isText }),
  shape({ kind: oneOf('sent'), id: isCount, bytes: isCount }),
  shape({
    kind: oneOf('answer'),
    id: isCount,
    status: (value) => isCount(value) && Number(value) >= 200 && Number(value) <= 599,
    statusText: isText,
    headers: listOf((pair) => listOf(isText)(pair) && Object(pair).length === 2),
    body: isText,
  }),
  shape({
    kind: oneOf('failed'),
    id: isCount,
    code: oneOf('NETWORK', 'CANCELLED', 'IO'),
    message: isText,
    hint: optional(isText),
    cause: optional(isText),
  }),
);

function isErrand(value: unknown): value is Errand {
  return CHECKED_ERRAND(value);
}

function isReport(value: unknown): value is Report {
  return CHECKED_REPORT(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
