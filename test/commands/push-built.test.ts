import { expect, test } from 'bun:test';
import { createApp } from '../../src/app.ts';
import { createTalk } from '../../src/cli/talk.ts';
import { pushBuilt } from '../../src/commands/push-built.ts';
import type { Host } from '../../src/host/host.ts';
import { serve } from '../server/served.ts';
import { registryErrorBody, startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage } from '../support/images.ts';
import { finch } from './command-line.ts';

test('pushBuilt() prints a line for each image, and throws what stops one', async () => {
  await using registry = await serve();
  await using refusing = startFakeRegistry({
    script: ({ method }) =>
      method === 'POST' ? registryErrorBody(403, 'DENIED', 'not yours') : undefined,
  });
  await using place = await finch();
  const built = buildImage();
  const names = [`${registry.host}/app:1`, `${refusing.host}/app:1`, `${registry.host}/app:2`];
  for (const name of names) await place.load(built, name);
  let printed = '';
  const output = { isTerminal: false, columns: 80, write: (_: string) => {}, async send() {} };
  const stdout = {
    ...output,
    write(text: string) {
      printed += text;
    },
  };
  const host: Host = {
    ...{ env: {}, home: place.home, platform: { os: 'linux', architecture: 'amd64' } },
    ...{ stdout, stderr: output, now: () => new Date(place.now) },
    stdin: { isTerminal: false, async *stream() {} },
  };
  await using app = createApp(host, createTalk(host));
  const pushing = pushBuilt(app, names, { signal: undefined });
  await expect(pushing).rejects.toThrow(`registry ${refusing.host}: denied: not yours`);
  const { digest, size } = built.root;
  expect(printed).toBe(`${names[0]}: digest: ${digest} size: ${size}\n`);
});
