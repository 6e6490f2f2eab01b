import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { discardBody } from '../../src/http/body.ts';
import { type HttpBody, transportWith } from '../../src/http/transport.ts';
import { httpAnswer, type Reaction, startBadPeer } from '../support/bad-peer.ts';
import { makeAuthority } from '../support/certificates.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** As many bytes as no socket takes before the answer comes. */
const MUCH = 32 * 1024 * 1024;

/** How bodies of {@link MUCH} go: by fetch, or by our own writer. */
interface Way {
  readonly protocol: string;
  readonly wireBytes: number;
}

const WAYS: readonly (readonly [string, Way])[] = [
  ['http', { protocol: 'http', wireBytes: 0 }],
  ['https by fetch', { protocol: 'https', wireBytes: Number.POSITIVE_INFINITY }],
  ['https by our own writer', { protocol: 'https', wireBytes: 0 }],
];

/** Sends {@link MUCH} as a stream, as a file and as bytes: the status of each answer. */
async function statuses(
  reaction: Reaction,
  { protocol, wireBytes }: Way,
): Promise<readonly unknown[]> {
  const sendRequest = transportWith({ wireBytes });
  await using folder = await temporaryFolder();
  const tls = protocol === 'https' ? await makeAuthority(folder.path) : undefined;
  await using peer = await startBadPeer(reaction, tls);
  const path = join(folder.path, 'blob');
  await Bun.write(path, new Uint8Array(MUCH));
  const bodies: readonly HttpBody[] = [
    { stream: Bun.file(path).stream(), length: MUCH },
    { file: { path, start: 0, end: MUCH } },
    { bytes: new Uint8Array(MUCH) },
  ];
  const all: unknown[] = [];
  for (const body of bodies) {
    const request = { method: 'PUT', url: peer.url, insecure: true, body: () => body } as const;
    const response = await sendRequest(request);
    await discardBody(response);
    all.push(response.status);
  }
  return all;
}

for (const [name, way] of WAYS) {
  test.each([401, 413, 429])(
    `%d while a body is on its way over ${name}, and then a close, is the answer`,
    async (status) => {
      const headers = { connection: 'close' };
      const answer = httpAnswer(status, { headers, body: 'no' });
      expect(await statuses(() => answer, way)).toEqual([status, status, status]);
    },
  );

  test(`an answer without a length while a body is on its way over ${name} is the answer`, async () => {
    const answer = 'HTTP/1.1 413 Too Large\r\nconnection: close\r\n\r\nno';
    expect(await statuses(() => answer, way)).toEqual([413, 413, 413]);
  });

  test(`answers that are not the last ones change nothing about a body over ${name}`, async () => {
    const interim = [100, 102, 103, 199]
      .map((status) => `HTTP/1.1 ${status} Noise\r\nx-noise: ${status}\r\n\r\n`)
      .join('');
    const reaction: Reaction = (_, socket) => {
      // Some of the body came with the head, which is not seen here.
      let left = MUCH - 1024 * 1024;
      socket.write(interim.repeat(10));
      socket.on('data', (piece) => {
        if (left > 0 && left <= piece.length) socket.end(interim + httpAnswer(201));
        left -= piece.length;
      });
      return undefined;
    };
    expect(await statuses(reaction, way)).toEqual([201, 201, 201]);
  });
}

test.each([WAYS[0], WAYS[2]].flatMap((way) => (way ? [way] : [])))(
  'an answer while a stream is on its way over %s, and then a reset, is the answer',
  async (_, { protocol, wireBytes }) => {
    await using folder = await temporaryFolder();
    const tls = protocol === 'https' ? await makeAuthority(folder.path) : undefined;
    await using peer = await startBadPeer((_request, socket) => {
      socket.write(httpAnswer(401, { headers: { connection: 'close' } }), () =>
        socket.resetAndDestroy(),
      );
      return undefined;
    }, tls);
    const body = () => ({ bytes: new Uint8Array(MUCH) });
    const request = { method: 'PUT', url: peer.url, insecure: true, body } as const;
    const response = await transportWith({ wireBytes })(request);
    expect(response.status).toBe(401);
  },
);
