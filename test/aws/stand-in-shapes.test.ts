import { expect, test } from 'bun:test';
import { pythonPrograms } from '../support/aws/python-programs.ts';
import { type Signing, signed, type Unsigned } from '../support/aws/signed.ts';
import { startAws } from '../support/aws/stand-in.ts';

const REGION = 'eu-west-1';

/** What is asked of both, in order. */
const calls: readonly (readonly [service: 'ecr' | 'sts', action: string, input: object])[] = [
  ['ecr', 'GetAuthorizationToken', {}],
  ['ecr', 'GetAuthorizationToken', { registryIds: ['111222333444', '444455556666'] }],
  ['ecr', 'CreateRepository', { repositoryName: 'team/app', imageTagMutability: 'IMMUTABLE' }],
  ['ecr', 'CreateRepository', { repositoryName: 'team/app' }],
  ['ecr', 'DescribeRepositories', {}],
  ['ecr', 'DescribeRepositories', { repositoryNames: ['nope'] }],
  ['ecr', 'DescribeImages', { repositoryName: 'team/app' }],
  ['ecr', 'DescribeImages', { repositoryName: 'team/app', imageIds: [{ imageTag: '1' }] }],
  ['ecr', 'DescribeRegistry', {}],
  ['ecr', 'DeleteRepository', { repositoryName: 'team/app' }],
  ['ecr', 'DeleteRepository', { repositoryName: 'team/app' }],
  ['sts', 'GetCallerIdentity', {}],
  ['sts', 'AssumeRole', { RoleArn: 'ROLE', RoleSessionName: 'me' }],
];

/** moto's server, which is independent of this one, as far as it goes. */
async function startMoto() {
  const child = Bun.spawn([pythonPrograms.moto, '-H', '127.0.0.1', '-p', '0'], {
    env: { PATH: process.env['PATH'], PYTHONUNBUFFERED: '1' },
    stdout: 'ignore',
    stderr: 'pipe',
  });
  const decoder = new TextDecoder();
  let log = '';
  for await (const piece of child.stderr) {
    log += decoder.decode(piece, { stream: true });
    const origin = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(log)?.[1];
    if (origin === undefined) continue;
    const end = async () => {
      child.kill();
      await child.exited;
    };
    return { origin, [Symbol.asyncDispose]: end };
  }
  throw new Error(`moto ended before it was ready:\n${log}`);
}

function requestOf(
  [service, action, input]: (typeof calls)[number],
  { host, role }: { host: string; role: string },
): Unsigned {
  const headers = { 'content-type': 'application/x-amz-json-1.1' };
  if (service === 'ecr') {
    const target = `AmazonEC2ContainerRegistry_V20150921.${action}`;
    return { host, headers: { ...headers, 'x-amz-target': target }, body: JSON.stringify(input) };
  }
  const fields = Object.entries({ Action: action, Version: '2011-06-15', ...input });
  const body = new URLSearchParams(
    fields.map(([name, value]): [string, string] => [name, `${value}`]),
  );
  return {
    host,
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: body.toString().replace('ROLE', encodeURIComponent(role)),
  };
}

/** The names and the types of what an answer holds, without its values. */
function shapeOf(text: string): unknown {
  if (!text.startsWith('<')) return typesIn(JSON.parse(text));
  const names = new Set(text.matchAll(/<([A-Za-z]+)/g).map(([, name]) => name));
  // AWS tells of it only when a role is taken on with a policy of the session.
  names.delete('PackedPolicySize');
  return [...names].sort();
}

function typesIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(typesIn);
  if (typeof value !== 'object' || value === null) return typeof value;
  // moto gives the message of an error twice.
  const fields = Object.entries(value)
    .filter(([name]) => name !== 'Message')
    .map(([name, it]) => [name, typesIn(it)] as const);
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}

test.skipIf(Bun.which(pythonPrograms.moto) === null)(
  'the stand-in answers in the shapes in which moto answers',
  async () => {
    const [aws, moto] = await Promise.all([startAws(), startMoto()]);
    await using _aws = aws;
    await using _moto = moto;
    const keys = aws.addUser();
    const role = aws.addRole({ trusts: [keys.arn] }).arn;
    const ask = async (origin: string, call: (typeof calls)[number]) => {
      const signing: Signing = { keys, service: call[0], region: REGION };
      const request = requestOf(call, { host: new URL(origin).host, role });
      const { headers, body, method } = await signed(request, signing);
      const answer = await fetch(origin, { method, headers: headers.map((it) => [...it]), body });
      const text = await answer.text();
      const type = /"__type": ?"([A-Za-z]+)"/.exec(text)?.[1];
      return { ok: answer.ok, ...(type && { type }), shape: shapeOf(text) };
    };
    for (const call of calls) {
      const theirs = await ask(moto.origin, call);
      expect({ call, ...(await ask(aws.endpoint, call)) }).toEqual({ call, ...theirs });
    }
  },
);
