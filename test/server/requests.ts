import { expect } from 'bun:test';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf, digestParts } from '../../src/oci/digest.ts';

/** The algorithms that every case of the specification is tried with. */
export const algorithms = ['sha256', 'sha512'] as const;

/** UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Sends one request. */
export function send(
  url: string,
  method: string,
  body?: Uint8Array,
  headers = {},
): Promise<Response> {
  return fetch(url, { method, headers, ...(body && { body }) });
}

/** Where an answer says to go on. */
export function located(url: string, response: Response): string {
  return new URL(response.headers.get('location') ?? '', url).href;
}

/** Content is at `url`, whole, for `GET` and `HEAD`, under its digest. */
export async function expectContent(url: string, { digest, size }: Descriptor, mediaType?: string) {
  const [got, head] = await Promise.all([send(url, 'GET'), send(url, 'HEAD')]);
  for (const response of [got, head]) {
    expect(response.status).toBe(200);
    expect(response.headers.get('docker-content-digest')).toBe(digest);
    expect(response.headers.get('content-length')).toBe(`${size}`);
    if (mediaType) expect(response.headers.get('content-type')).toBe(mediaType);
  }
  expect(digestOf(await got.bytes(), digestParts(digest).algorithm)).toBe(digest);
  expect(await head.text()).toBe('');
}

/** `DELETE` works, and what is deleted is gone at once. */
export async function expectDeleted(url: string) {
  // 404: it went with what was deleted before it.
  expect([202, 404]).toContain((await send(url, 'DELETE')).status);
  expect((await send(url, 'HEAD')).status).toBe(404);
}
