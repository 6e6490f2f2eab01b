import { connect, type Socket } from 'node:net';
import type { Served } from './served.ts';

/** Sends the text on a new connection. */
export async function send({ port }: Pick<Served, 'port'>, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.write(text, () => resolve()));
  return socket;
}

/** Everything that the server sends before it closes the connection. */
export function reply(socket: Socket): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    socket.on('close', () => resolve(text));
  });
}

/** Asks until the answer is the wanted one. */
export async function eventually<T>(ask: () => Promise<T> | T, wanted: T): Promise<void> {
  while ((await ask()) !== wanted) await Bun.sleep(5);
}

/** The head of a request to the path of a URL. */
export function head(method: string, url: string, ...fields: readonly string[]): string {
  const { pathname, search } = new URL(url);
  const lines = [`${method} ${pathname}${search} HTTP/1.1`, 'Host: 127.0.0.1', ...fields];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Where a new upload is. */
export async function startUpload({ url }: Pick<Served, 'url'>): Promise<string> {
  const response = await fetch(`${url}/v2/x/blobs/uploads/`, { method: 'POST' });
  return `${url}${response.headers.get('location')}`;
}
