import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startFinchRegistry } from '../e2e/support/finch-registry.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { readResults, whyUnfinished } from './results.ts';

// Runs the conformance suite of the OCI distribution specification, a Go program, against the built
// finch: every API and every shape of data switched on, for the next and for the current version of the
// specification. `--suite PATH` names a suite that is built already. Where there is none to be had, that
// is said, and the runs count as skipped.
// https://github.com/opencontainers/distribution-spec/tree/main/conformance

const SUITE = 'github.com/opencontainers/distribution-spec/conformance@latest';
const VERSIONS = ['dev', '1.1'];
const FETCH_MS = 5 * 60_000;
const RUN_MS = 5 * 60_000;

const APIS = [
  ...['PING', 'PULL', 'PUSH', 'TAGS_LIST', 'TAGS_DELETE', 'TAGS_ATOMIC', 'REFERRER'],
  ...['BLOBS_ATOMIC', 'BLOBS_DELETE', 'BLOBS_DIGEST_HEADER', 'BLOBS_MOUNT_ANONYMOUS'],
  ...['BLOBS_UPLOAD_CANCEL', 'MANIFESTS_ATOMIC', 'MANIFESTS_DELETE', 'MANIFESTS_DIGEST_HEADER'],
  'MANIFESTS_TAG_PARAM',
];
const DATA = [
  ...['IMAGE', 'INDEX', 'INDEX_LIST', 'SPARSE', 'ARTIFACT', 'ARTIFACT_LIST', 'SUBJECT'],
  ...['SUBJECT_LIST', 'SUBJECT_MISSING', 'DATA_FIELD', 'NONDISTRIBUTABLE', 'CUSTOM_FIELDS'],
  ...['NO_LAYERS', 'EMPTY_BLOB', 'SHA512'],
];
const SWITCHES = Object.fromEntries(
  [...APIS.map((name) => `OCI_API_${name}`), ...DATA.map((name) => `OCI_DATA_${name}`)].map(
    (name) => [name, 'true'],
  ),
);

const { values } = parseArgs({ options: { suite: { type: 'string' } } });
await using folder = await temporaryFolder();
const suite = values.suite ?? (await fetchSuite(folder.path));
let [passed, failed, skipped] = [0, 0, 0];
if (suite === undefined) skipped = VERSIONS.length;
else for (const version of VERSIONS) await runSuite(suite, version);
say(`conformance: ${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;

/** Builds the suite; its path, or undefined after saying why there is none. */
async function fetchSuite(bin: string): Promise<string | undefined> {
  const go = Bun.which('go');
  if (go === null) {
    say('the conformance suite is not run: Go is not installed');
    return undefined;
  }
  const child = Bun.spawn([go, 'install', SUITE], {
    env: { ...process.env, GOBIN: bin, GOFLAGS: '-mod=mod' },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    timeout: FETCH_MS,
  });
  const [status, messages] = await Promise.all([child.exited, child.stderr.text()]);
  if (status === 0) return join(bin, 'conformance');
  say(`the conformance suite is not run: it cannot be fetched\n${messages.trim()}`);
  return undefined;
}

/** Runs the suite once, against a registry with an empty store of its own. */
async function runSuite(program: string, version: string): Promise<void> {
  await using home = await temporaryFolder();
  await using registry = await startFinchRegistry(home.path);
  const results = join(home.path, 'results');
  const child = Bun.spawn([program], {
    cwd: home.path,
    env: {
      ...process.env,
      ...SWITCHES,
      OCI_REGISTRY: registry.host,
      OCI_TLS: 'disabled',
      OCI_VERSION: version,
      OCI_RESULTS_DIR: results,
    },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'inherit',
    timeout: RUN_MS,
  });
  const status = await child.exited;
  const report = Bun.file(join(results, 'junit.xml'));
  const found = readResults((await report.exists()) ? await report.text() : '');
  for (const { name, reason } of found.failed) say(`failed: ${name}\n  ${reason}`);
  for (const { name, reason } of found.declined) say(`declined: ${name}\n  ${reason}`);
  const cases = found.passed + found.failed.length + found.declined.length;
  const fault = whyUnfinished(found, status);
  if (fault !== undefined) say(`failed: the conformance suite ${fault}`);
  passed += found.passed;
  failed += found.failed.length + (fault === undefined ? 0 : 1);
  skipped += found.declined.length;
  say(`OCI_VERSION=${version}: ${found.passed} of ${cases} cases passed`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
