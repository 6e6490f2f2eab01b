import { expect, test } from 'bun:test';
import { type HttpRequest, sendRequest } from '../../src/http/transport.ts';
import { makeAuthority } from '../support/certificates.ts';
import { temporaryFolder } from '../support/temporary.ts';

test.skipIf(Bun.which('openssl') === null)(
  'an open connection is used for no other name, and not where certificates are looked at more closely',
  async () => {
    await using folder = await temporaryFolder();
    const { ca, ...files } = await makeAuthority(folder.path, { names: 'DNS:a.invalid' });
    await using server = Bun.serve({
      ...{ hostname: '127.0.0.1', port: 0, fetch: () => new Response('hello') },
      tls: { cert: Bun.file(files.certificate), key: Bun.file(files.key) },
    });
    const ask = async (host: string, how: Partial<HttpRequest> = {}) => {
      const url = new URL(`https://${host}:${server.port}/`);
      return sendRequest({ method: 'GET', url, ...how }).then(
        (response) => response.text(),
        (error: Error) => error.message.replace(`:${server.port}`, ''),
      );
    };
    const resolve = async () => ['127.0.0.1'];
    const tls = { ca: [await Bun.file(ca).text()] };
    const said = [
      await ask('a.invalid', { resolve, tls }),
      await ask('a.invalid', { resolve, tls }),
      await ask('b.invalid', { resolve, tls }),
      await ask('a.invalid', { resolve }),
      await ask('127.0.0.1', { insecure: true }),
      await ask('127.0.0.1'),
      await ask('b.invalid', { resolve, insecure: true }),
      await ask('b.invalid', { resolve }),
    ];
    expect(said).toEqual([
      'hello',
      'hello',
      'the certificate of b.invalid is for another host name',
      'the certificate of a.invalid is not trusted',
      'hello',
      'the certificate of 127.0.0.1 is not trusted',
      'hello',
      'the certificate of b.invalid is not trusted',
    ]);
  },
);
