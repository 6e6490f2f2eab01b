import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { writeHelloFinch } from '../../demo/hello-finch.ts';
import { CANARY } from '../../support/canary.ts';
import { type Certificates, makeAuthority } from '../../support/certificates.ts';
import { startFakeRegistry } from '../../support/fake-registry.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { expectError } from '../support/expectations.ts';
import { filesIn } from '../support/home-contents.ts';
import { type Lead, leadingRegistry } from '../support/leading-registry.ts';
import { areHere } from '../support/program.ts';
import { type Workbench, workbench } from '../support/workbench.ts';

describe.skipIf(!areHere('openssl'))(
  'a registry over TLS that leads to a server without it',
  () => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>;
    let certificates: Certificates;
    let bench: Workbench;
    beforeAll(async () => {
      folder = await temporaryFolder();
      certificates = await makeAuthority(folder.path);
      bench = await workbench({ SSL_CERT_FILE: certificates.ca });
      await writeHelloFinch(bench.path('hello-finch.tar'));
      await bench.ok('load -q -i hello-finch.tar');
    });
    afterAll(async () => {
      await bench[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    });

    test.each<[Lead, string, RegExp]>([
      [
        'names a token server',
        'login -u me --password-stdin HOST',
        /names a token server that does not use TLS$/,
      ],
      [
        'wants an upload',
        'push HOST/app:1',
        /wants the upload to go to 127\.0\.0\.1:\d+, which does not use TLS$/,
      ],
      ['redirects a download', 'pull HOST/app:1', /redirects to 127\.0\.0\.1:\d+ without TLS$/],
    ])('when it %s: %s is refused, and nothing is sent there', async (lead, line, message) => {
      await using plain = startFakeRegistry();
      const { certificate, key } = certificates;
      await using registry = leadingRegistry(lead, `${plain.origin}/x`, { certificate, key });
      const name = `${registry.host}/app:1`;
      await bench.ok(`tag hello-finch ${name}`);
      const before = await filesIn(bench.home);
      const command = line.replace('HOST', registry.host);
      expectError(await bench.fails(command, { stdin: CANARY }), message, /^hint: /);
      expect(plain.requests).toHaveLength(0);
      expect(registry.requests.length).toBeGreaterThan(0);
      expect(await filesIn(bench.home)).toEqual(before);
    });
  },
);
