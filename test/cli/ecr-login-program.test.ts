import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type App, createApp } from '../../src/app.ts';
import type { Aws } from '../../src/aws/aws.ts';
import { repeatedError } from '../../src/aws/tokens/repeated.ts';
import { ecrLoginProgram } from '../../src/cli/ecr-login-program.ts';
import { createTalk } from '../../src/cli/talk.ts';
import type { HelperAction } from '../../src/credentials/serve-helper.ts';
import { FinchError } from '../../src/errors.ts';
import type { Host } from '../../src/host/host.ts';
import { CANARY } from '../support/canary.ts';

const REGISTRY = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';

/** The program among an AWS that gives a password to everyone; `asked` are the hosts that it is asked about. */
function program(env: Host['env'] = {}, remembered: readonly string[] = []) {
  const asked: string[] = [];
  const output = { isTerminal: false, columns: 80, write: () => {}, send: async () => {} };
  const host: Host = {
    ...{ env, home: '/nowhere', platform: { os: 'linux', architecture: 'amd64' } },
    ...{ now: () => new Date(), stdout: output, stderr: output },
    stdin: { isTerminal: false, async *stream() {} },
  };
  const aws: Pick<Aws, 'token' | 'remembered'> = {
    async token({ host: name = '' }) {
      asked.push(name);
      return { username: 'AWS', secret: CANARY, expires: new Date(0) };
    },
    remembered: async () => remembered,
  };
  const app: App = { ...createApp(host, createTalk(host)), aws: async () => aws as Aws };
  async function* stdin(text: string) {
    yield new Uint8Array(Buffer.from(text));
  }
  return {
    asked,
    answer: (action: HelperAction, text = '') =>
      ecrLoginProgram.answer(action, { app, stdin: stdin(text) }),
  };
}

/** How the reason why there is no password is told. */
function told(cause: FinchError, reports: readonly string[] = []) {
  const error = new FinchError('LOGIN_NOT_FOUND', 'there is none', { cause });
  return ecrLoginProgram.explain(error, reports);
}

describe('ecrLoginProgram', () => {
  test('answers about the host that is named, or not at all', async () => {
    const piece = fc.constantFrom(
      ...[
        'https://',
        'http://',
        REGISTRY,
        'public.ecr.aws',
        ':443',
        ':5000',
        '/',
        '/v2/',
        '@',
        '\n',
      ],
      ...['.', 'ghcr.io', '#', '?', '\\', '%2e', ' ', '\t', 'é', 'xn--', '\u0000', 'AWS', '\r\n'],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
        const text = pieces.join('');
        const { asked, answer } = program();
        const lines = await answer('get', text).catch((error: unknown) => {
          expect(error).toBeInstanceOf(FinchError);
          return undefined;
        });
        const url = text.replace(/\r?\n$/, '').replace(/^ +| +$/g, '');
        const host = /^(?:https?:\/\/)?([a-z0-9.-]+)(?::\d+)?(?:\/[!-~]*)?$/i.exec(url)?.[1];
        const isEcr = host === REGISTRY || host === 'public.ecr.aws';
        expect(asked).toEqual(isEcr && host ? [host] : []);
        const answered = { ServerURL: url, Username: 'AWS', Secret: CANARY };
        expect(lines).toEqual(isEcr ? [JSON.stringify(answered)] : undefined);
      }),
    );
  });

  test.each([
    REGISTRY.replace('.us', '\n.us').replace('.ecr', '\n.ecr'),
    `${REGISTRY.slice(0, 20)}\r\n${REGISTRY.slice(20)}`,
    `https://me:${CANARY}@${REGISTRY}/v2/`,
    `example.com#.${REGISTRY}`,
    `example.com\\@${REGISTRY}`,
  ])('has none for a registry in pieces or behind a login', async (text) => {
    const { asked, answer } = program();
    await expect(answer('get', text)).rejects.toBeInstanceOf(FinchError);
    expect(asked).toEqual([]);
  });

  test('lists what is remembered in the order of names', async () => {
    expect(await program().answer('list')).toEqual(['{}']);
    const { answer } = program({}, ['https://b.example', 'https://a.example']);
    expect(await answer('list')).toEqual(['{"https://a.example":"AWS","https://b.example":"AWS"}']);
  });

  test('takes a login for Amazon ECR whatever secret it has, and keeps it nowhere', async () => {
    const { answer, asked } = program();
    const login = { ServerURL: `https://${REGISTRY}`, Username: 'AWS', Secret: '' };
    expect(await answer('store', JSON.stringify(login))).toEqual([]);
    expect(await answer('erase', REGISTRY)).toEqual([]);
    expect(asked).toEqual([]);
  });

  test('tells people once what callers are told each time', () => {
    const failure = { code: 'AWS', message: 'AWS has no time', hint: 'wait a little' } as const;
    const first = new FinchError(failure.code, failure.message, { hint: failure.hint });
    const line = 'credentials not found in native keychain';
    const advice = ['docker-credential-ecr-login: AWS has no time; wait a little'];
    expect(told(first)).toEqual({ line, advice });
    const again = repeatedError({ code: 'AWS', isPassing: true, hash: '' }, REGISTRY);
    expect(told(again)).toEqual({ line, advice: [] });
  });

  test('tells people what is done only when they want to know', () => {
    const { advice } = told(new FinchError('AWS', 'no'), ['debug: one', 'warning: two']);
    expect(advice).toEqual(['debug: one', 'docker-credential-ecr-login: no']);
  });

  test('has no words for people where those of the protocol say it all', async () => {
    for (const [action, text, line] of [
      ['get', 'ghcr.io', 'credentials not found in native keychain'],
      ['get', '', 'no credentials server URL'],
      ['erase', '', 'no credentials server URL'],
    ] as const) {
      const error: unknown = await program()
        .answer(action, text)
        .catch((caught: unknown) => caught);
      if (!(error instanceof FinchError)) throw error;
      expect(ecrLoginProgram.explain(error, [])).toEqual({ line });
    }
  });
});
