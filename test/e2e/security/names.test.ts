import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { writeHelloFinch } from '../../demo/hello-finch.ts';
import { CANARY } from '../../support/canary.ts';
import { startFakeRegistry } from '../../support/fake-registry.ts';
import { expectError } from '../support/expectations.ts';
import { filesIn } from '../support/home-contents.ts';
import { type Lead, leadingRegistry } from '../support/leading-registry.ts';
import { type Workbench, workbench } from '../support/workbench.ts';

/** Whether this machine's own name is looked up as an address of this machine, as on most. */
const addresses = await lookup(hostname(), { all: true, order: 'ipv4first' }).catch(() => []);
const isHere =
  process.platform === 'linux' &&
  hostname() !== 'localhost' &&
  addresses[0]?.address === '127.0.0.1';

describe.skipIf(!isHere)('a registry elsewhere that leads to a name of this machine', () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await workbench();
    await writeHelloFinch(bench.path('hello-finch.tar'));
    await bench.ok('load -q -i hello-finch.tar');
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  test.each<[Lead, string]>([
    [
      'names a token server',
      'login --insecure-registry --trust-realm INNER -u me --password-stdin HOST',
    ],
    ['wants an upload', 'push --insecure-registry HOST/app:1'],
    ['redirects a download', 'pull --insecure-registry HOST/app:1'],
  ])('when it %s: %s is refused, and nothing is sent there', async (lead, line) => {
    await using victim = startFakeRegistry();
    const inner = `${hostname()}:${victim.host.split(':')[1]}`;
    // With a login no token server without TLS is asked at all.
    const scheme = lead === 'names a token server' ? 'https' : 'http';
    await using registry = leadingRegistry(lead, `${scheme}://${inner}/x`);
    // An address of no network: it is not known to be this machine, and leads here all the same.
    const outside = `0.0.0.0:${registry.host.split(':')[1]}`;
    await bench.ok(`tag hello-finch ${outside}/app:1`);
    const before = await filesIn(bench.home);
    const command = line.replace('HOST', outside).replace('INNER', inner);
    expectError(
      await bench.fails(command, { stdin: CANARY }),
      `${outside} sends requests to ${hostname()}, which is an address of this machine`,
      /^hint: /,
    );
    expect(victim.requests).toHaveLength(0);
    expect(await filesIn(bench.home)).toEqual(before);
  });
});
