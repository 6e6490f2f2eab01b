/** One case of the suite that did not pass, and what the suite says of it. */
interface NotPassed {
  readonly name: string;
  readonly reason: string;
}

/** What one run of the suite found. */
export interface SuiteResults {
  readonly passed: number;
  /** What should have passed. */
  readonly failed: readonly NotPassed[];
  /** What finch does not do on purpose, with why. */
  readonly declined: readonly NotPassed[];
}

/** What does not pass on purpose: names of cases, and why. */
const DECLINED: readonly { readonly cases: RegExp; readonly reason: string }[] = [
  {
    cases: /^OCI Conformance Test\/sparse\/.*(?:manifest|tag-list)/,
    reason:
      'an image whose layers are missing is refused, which the specification allows: what the store has, it has whole (an index may have members elsewhere)',
  },
];

/** The results in a `junit.xml` that the suite wrote. Skipped is not passed: every API is switched on. */
export function readResults(junit: string): SuiteResults {
  let passed = 0;
  const failed: NotPassed[] = [];
  const declined: NotPassed[] = [];
  for (const [, attributes = '', content = ''] of junit.matchAll(
    /<testcase\b([^>]*)>(.*?)<\/testcase>/gs,
  )) {
    const attribute = (name: string) =>
      unescapeXml(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? '');
    const [name, status] = [attribute('name'), attribute('status')];
    const why = DECLINED.find(({ cases }) => cases.test(name))?.reason;
    if (status === 'passed') passed++;
    else if (why !== undefined) declined.push({ name, reason: why });
    else failed.push({ name, reason: `${status}: ${reasonIn(content)}` });
  }
  return { passed, failed, declined };
}

/**
 * Why a run that ended with `status` cannot have tried everything; undefined when all is accounted for.
 * The suite ends with 1 when a case did not pass.
 */
export function whyUnfinished(
  { passed, failed, declined }: SuiteResults,
  status: number | null,
): string | undefined {
  const notPassed = failed.length + declined.length;
  if (passed + notPassed === 0) return `ended with status ${status} and reports no case`;
  if (status === 0 || (status === 1 && notPassed > 0)) return undefined;
  return `ended with status ${status}, which no case explains`;
}

/** The errors of a case; of one that was not tried, the last of its transcript. */
function reasonIn(content: string): string {
  const text = (element: string) =>
    unescapeXml(new RegExp(`<${element}>(.*?)</${element}>`, 's').exec(content)?.[1] ?? '').trim();
  const reason = text('system-out') || (text('system-err').split('\n').at(-1) ?? '');
  return reason.trim() || 'no reason given';
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

function unescapeXml(text: string): string {
  return text.replaceAll(/&(?:#(x?)([0-9a-fA-F]+)|(\w+));/g, (whole, hex, code, name) =>
    code === undefined
      ? (ENTITIES[name] ?? whole)
      : String.fromCodePoint(Number.parseInt(code, hex === 'x' ? 16 : 10)),
  );
}
