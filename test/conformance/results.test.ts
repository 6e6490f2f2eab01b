import { expect, test } from 'bun:test';
import { readResults, whyUnfinished } from './results.ts';

const ROOT = 'OCI Conformance Test';

/** A report of our own, in the form that the suite writes. */
function junit(...cases: readonly { name: string; status: string; content?: string }[]): string {
  const elements = cases.map(
    ({ name, status, content = '' }) =>
      `<testcase name="${ROOT}/${name}" classname="" time="0.1" status="${status}">\n${content}</testcase>`,
  );
  return `<testsuites tests="9"><testsuite name="${ROOT}">${elements.join('\n')}</testsuite></testsuites>`;
}

test('what passed is counted, and what did not is named with its reason', () => {
  const report = junit(
    { name: 'ping', status: 'passed' },
    { name: 'image/pull', status: 'passed', content: '<system-err>200</system-err>' },
    {
      name: 'image/push',
      status: 'failure',
      content:
        '<system-out>expected &#34;a&#34;, not &lt;b&gt;&#xA;at all</system-out><system-err>x</system-err>',
    },
    {
      name: 'sha512 blobs/mount',
      status: 'skipped',
      content: '<system-err>GET /v2/\nskipping test:\n  not supported</system-err>',
    },
    { name: 'empty', status: 'error' },
  );
  expect(readResults(report)).toEqual({
    passed: 2,
    failed: [
      { name: `${ROOT}/image/push`, reason: 'failure: expected "a", not <b>\nat all' },
      { name: `${ROOT}/sha512 blobs/mount`, reason: 'skipped: not supported' },
      { name: `${ROOT}/empty`, reason: 'error: no reason given' },
    ],
    declined: [],
  });
});

test('images without their layers are declined on purpose, and nothing else of their set is', () => {
  const report = junit(
    { name: 'sparse/push/manifest-by-digest', status: 'failure' },
    { name: 'sparse/push/manifest-by-digest', status: 'passed' },
    { name: 'sparse/tag-list', status: 'failure' },
    { name: 'sparse/pull/blob-get', status: 'failure' },
    { name: 'image/push/manifest-by-digest', status: 'failure' },
  );
  const { passed, failed, declined } = readResults(report);
  expect([passed, declined.length, failed.length]).toEqual([1, 2, 2]);
});

test('a suite that broke off, or that failed without a case, has not tried everything', () => {
  const one = { name: 'one', reason: 'failure' };
  const good = { passed: 9, failed: [], declined: [] };
  const bad = { ...good, failed: [one] };
  expect(whyUnfinished(good, 0)).toBeUndefined();
  expect(whyUnfinished(bad, 1)).toBeUndefined();
  expect(whyUnfinished({ ...good, declined: [one] }, 1)).toBeUndefined();
  expect(whyUnfinished(good, 1)).toContain('which no case explains');
  for (const status of [2, 143, null]) expect(whyUnfinished(bad, status)).toContain(`${status}`);
  expect(whyUnfinished({ passed: 0, failed: [], declined: [] }, 0)).toContain('no case');
});

test('a file that is no report has no cases', () => {
  expect(readResults('<html>')).toEqual({ passed: 0, failed: [], declined: [] });
});
