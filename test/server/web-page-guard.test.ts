import { expect, test } from 'bun:test';
import { outcome, serve } from './served.ts';

async function ask(url: string, headers: Record<string, string>): Promise<readonly unknown[]> {
  return outcome(await fetch(`${url}/v2/`, { headers }));
}

test('a web page of another origin gets no answer', async () => {
  await using registry = await serve();
  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1']) {
    expect(await ask(registry.url, { origin })).toEqual([403, 'DENIED']);
  }
  expect(await ask(registry.url, { origin: registry.url })).toEqual([200]);
});

test('a name that could be on the internet is no name of a local registry', async () => {
  await using registry = await serve();
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.nip.example']) {
    expect(await ask(registry.url, { host })).toEqual([403, 'DENIED']);
  }
  for (const host of ['localhost', '192.168.5.2:5000', '[::1]', 'host.lima.internal:5000']) {
    expect(await ask(registry.url, { host })).toEqual([200]);
  }
});

test('a registry for other machines answers to every name', async () => {
  await using registry = await serve({ allowRemote: true });
  expect(await ask(registry.url, { host: 'registry.example' })).toEqual([200]);
  expect(await ask(registry.url, { origin: 'https://evil.example' })).toEqual([403, 'DENIED']);
});
