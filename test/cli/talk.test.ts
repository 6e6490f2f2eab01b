import { expect, test } from 'bun:test';
import { createTalk } from '../../src/cli/talk.ts';
import type { Host } from '../../src/host/host.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';

test.each([
  ['xterm', true],
  ['dumb', false],
])('createTalk() draws bars on a terminal whose cursor can be moved: %s', (name, isDrawn) => {
  let written = '';
  const output = { isTerminal: true, columns: 80, write: (_: string) => {}, async send() {} };
  const stderr = { ...output, write: (text: string) => (written += text) };
  const host: Host = {
    ...{ env: { TERM: name }, home: '/', platform: { os: 'linux', architecture: 'amd64' } },
    ...{ stdout: output, stderr, now: () => new Date(0) },
    stdin: { isTerminal: false, async *stream() {} },
  };
  using progress = createTalk(host).progress({ active: 'uploading', done: 'done' });
  const digest = digestOf(new Uint8Array());
  const descriptor = { mediaType: mediaTypes.layer, digest, size: 1 };
  progress.update({ kind: 'started', descriptor });
  expect(written.includes('\x1b')).toBe(isDrawn);
  expect(written).toContain('uploading');
});
