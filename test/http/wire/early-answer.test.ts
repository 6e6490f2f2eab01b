import { expect, test } from 'bun:test';
import { transportWith } from '../../../src/http/transport.ts';
import { httpAnswer, type Reaction } from '../../support/bad-peer.ts';
import { against, byWire, upload } from './both-ways.ts';

test('an answer that says yes before the body is there does not end the body', async () => {
  let received = 0;
  const body = () => ({ bytes: new Uint8Array(20_000_000) });
  await against(
    (_, socket) => {
      socket.on('data', (piece) => {
        received += piece.length;
      });
      socket.write(httpAnswer(201, { body: 'yes' }));
      return undefined;
    },
    async (url) => {
      const response = await upload(byWire, { url, insecure: true, body });
      expect(await response.text()).toBe('yes');
      // Some of the body came with the head, which is not seen there.
      while (received < 19_000_000) await Bun.sleep(1);
    },
  );
});

const YES = httpAnswer(201);

const UNSENT: readonly (readonly [string, Reaction, object])[] = [
  [
    'stalls',
    (_, socket) => void socket.pause().write(YES),
    { code: 'NETWORK', cause: { code: 'ETIMEDOUT' } },
  ],
  [
    'is reset',
    (_, socket) => void socket.pause().write(YES, () => socket.destroy()),
    { code: 'NETWORK', cause: { code: 'ECONNRESET' } },
  ],
];

test.each(UNSENT)(
  'an answer that says yes is none where the body %s before it is sent',
  async (_, reaction, expected) => {
    const body = () => ({ bytes: new Uint8Array(40_000_000) });
    const transport = transportWith({ wireBytes: 0, stallMs: 300 });
    await against(reaction, async (url) => {
      await expect(upload(transport, { url, insecure: true, body })).rejects.toMatchObject(
        expected,
      );
    });
  },
);

test('an answer that says yes is none where the user stops before the body is sent', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const body = () => ({ bytes: new Uint8Array(40_000_000) });
  await against(
    (_, socket) =>
      void socket.pause().write(YES, () => {
        setTimeout(() => controller.abort(), 100);
      }),
    async (url) => {
      const sent = upload(byWire, { url, insecure: true, signal, body });
      await expect(sent).rejects.toMatchObject({ code: 'CANCELLED' });
    },
  );
});
