import { describe, expect, test } from 'bun:test';
import { homedir } from 'node:os';
import { signRequest } from '../../../src/aws/call/sign.ts';
import { AWS_SECRET_CANARY, AWS_SESSION_CANARY } from '../../support/aws/secrets.ts';
import { temporaryFolder } from '../../support/temporary.ts';

/** The AWS CLIs of this machine, of different versions. */
const programs = ['/usr/bin/aws', 'aws'].filter((name) => Bun.which(name) !== null);

const keys = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: `${AWS_SECRET_CANARY}/captured`,
};

const calls = [
  {
    line: 'ecr create-repository --repository-name team/app --tags Key=a,Value=ü --region eu-west-1',
    sessionToken: `${AWS_SESSION_CANARY}captured`,
  },
  { line: 'sts get-caller-identity --region us-gov-west-1', sessionToken: undefined },
];

/** A request as it came. */
interface Captured {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Runs a program of AWS against a server that only listens. */
async function capture(program: string, call: (typeof calls)[number]): Promise<Captured> {
  await using folder = await temporaryFolder();
  const captured: Captured[] = [];
  using server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch({ method, url, headers, body }) {
      const bytes = await new Response(body).bytes();
      captured.push({
        ...{ method, url: new URL(url), body: bytes },
        headers: Object.fromEntries(headers),
      });
      return new Response('no', { status: 400 });
    },
  });
  const child = Bun.spawn([program, ...call.line.split(' '), '--endpoint-url', server.url.href], {
    env: {
      // What chooses a Python by the user's home would not start without it.
      ...{
        PATH: process.env['PATH'],
        PYENV_ROOT: process.env['PYENV_ROOT'] ?? `${homedir()}/.pyenv`,
      },
      ...{ HOME: folder.path, AWS_EC2_METADATA_DISABLED: 'true', AWS_PAGER: '' },
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      ...(call.sessionToken !== undefined && { AWS_SESSION_TOKEN: call.sessionToken }),
    },
    stdout: 'ignore',
    stderr: 'ignore',
  });
  await child.exited;
  const [first] = captured;
  if (first === undefined) throw new Error(`${program} sent nothing`);
  return first;
}

describe('signRequest() and the AWS CLI', () => {
  const cases = programs.flatMap((program) => calls.map((call) => ({ program, call })));
  test.skipIf(programs.length === 0).each(cases)(
    'agree on a request of $program $call.line',
    async ({ program, call: { line, sessionToken } }) => {
      const { method, url, headers, body } = await capture(program, { line, sessionToken });
      const authorization = headers['authorization'] ?? '';
      const [, date = '', region = '', service = '', names = ''] =
        /Credential=[^/]+\/(\d+)\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+)/.exec(
          authorization,
        ) ?? [];
      const made = ['host', 'x-amz-date', 'x-amz-security-token'];
      const given = names.split(';').filter((name) => !made.includes(name));
      const time = headers['x-amz-date'] ?? '';
      expect(time.startsWith(date)).toBe(true);
      const iso = time.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5');
      const signed = signRequest(
        {
          ...{ method, url, body },
          headers: Object.fromEntries(given.map((name) => [name, headers[name] ?? ''])),
        },
        {
          ...{ region, service, now: Date.parse(iso) },
          keys: { ...keys, ...(sessionToken !== undefined && { sessionToken }) },
        },
      );
      expect(signed['authorization'] === authorization).toBe(true);
    },
  );
});
