import { createHmac, timingSafeEqual } from 'node:crypto';
import type { EcrRequest } from './ecr-request.ts';

/** For how long an address of a layer is good. */
const LIFE_MS = 3600_000;

/**
 * The buckets that layers are fetched from: whoever has the signed address gets them, until it ends. As
 * at Amazon S3, a request that shows a login as well is refused.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
export class BlobHost {
  readonly #storage: string;
  readonly #secret: Uint8Array = crypto.getRandomValues(new Uint8Array(32));

  /** @param storage the address of the registry that has the layers */
  constructor(storage: string) {
    this.#storage = storage;
  }

  owns(host: string): boolean {
    return /^prod-[a-z0-9-]+-starport-layer-bucket\.s3\.[a-z0-9-]+\.amazonaws\.com$/.test(host);
  }

  /** Leads to a layer. */
  redirect({ account, region, name, reference }: EcrRequest, now: number): Response {
    const host = `prod-${region}-starport-layer-bucket.s3.${region}.amazonaws.com`;
    const url = new URL(`https://${host}/${account}/${region}/${name}/${reference}`);
    url.searchParams.set('X-Amz-Algorithm', 'AWS4-HMAC-SHA256');
    url.searchParams.set('X-Amz-Expires', String(now + LIFE_MS));
    url.searchParams.set('X-Amz-Signature', this.#sign(url));
    return new Response(null, { status: 307, headers: { location: url.href } });
  }

  /** Gives a layer, or a part of it. */
  async answer({ url: href, method, headers }: Request, now: number): Promise<Response> {
    const url = new URL(href);
    const signature = url.searchParams.get('X-Amz-Signature') ?? '';
    url.searchParams.delete('X-Amz-Signature');
    if (headers.has('authorization')) {
      const message =
        'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified';
      return xml(400, 'InvalidArgument', message);
    }
    const isSigned = isSame(signature, this.#sign(url));
    if (!isSigned) return xml(403, 'SignatureDoesNotMatch', 'The signature does not match');
    if (Number(url.searchParams.get('X-Amz-Expires')) <= now) {
      return xml(403, 'AccessDenied', 'Request has expired');
    }
    const [, name, digest] = /^\/(.+)\/(sha256:[0-9a-f]{64})$/.exec(url.pathname) ?? [];
    const range = headers.get('range');
    const answer = await fetch(`${this.#storage}/v2/${name}/blobs/${digest}`, {
      method,
      headers: range === null ? {} : { range },
      ...{ proxy: '', decompress: false },
    });
    const kept = ['content-length', 'content-range', 'accept-ranges', 'content-type'];
    const fields = [...answer.headers].filter(([field]) => kept.includes(field));
    return new Response(method === 'HEAD' ? null : answer.body, {
      status: answer.status,
      headers: [...fields, ['server', 'AmazonS3']],
    });
  }

  #sign({ host, pathname, searchParams }: URL): string {
    const text = `${host}\n${pathname}\n${searchParams.get('X-Amz-Expires')}`;
    return createHmac('sha256', this.#secret).update(text).digest('hex');
  }
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function xml(status: number, code: string, message: string): Response {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return new Response(body, { status, headers: { 'content-type': 'application/xml' } });
}
