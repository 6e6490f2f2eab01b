import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { RawRequest } from './raw-request.ts';

/** A request before it is signed. */
export interface Unsigned {
  /** Default: `POST`. */
  readonly method?: string;
  readonly host: string;
  /** As it is sent. Default: `/`. */
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Whose signature it gets, and what for. */
export interface Signing {
  readonly keys: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  readonly service: string;
  readonly region: string;
  /** Default: now. */
  readonly date?: Date;
}

/** A request with the signature that the AWS SDK gives it, as it goes over the wire. */
export async function signed(request: Unsigned, signing: Signing): Promise<RawRequest> {
  const { method = 'POST', host, path = '/', query = {}, body = '' } = request;
  const { service, region, keys: credentials, date: signingDate = new Date() } = signing;
  const signer = new SignatureV4({
    ...{ service, region, credentials, sha256: Sha256, applyChecksum: false },
  });
  const sent = { method, path, query, body, protocol: 'http:', hostname: host };
  const { headers } = await signer.sign(
    { ...sent, headers: { ...request.headers, host } },
    { signingDate },
  );
  const fields = Object.entries(query).map((pair) => pair.map(encodeURIComponent).join('='));
  return {
    method,
    target: fields.length === 0 ? path : `${path}?${fields.join('&')}`,
    headers: Object.entries(headers),
    body: Buffer.from(body),
  };
}

/** What the SDK hashes with. */
class Sha256 {
  readonly #hash;

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', bytes(key));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytes(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

function bytes(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
