import { type App, createApp } from '../app.ts';
import type { AskLogin } from '../bridge/credential-server.ts';
import { serveBridge } from '../bridge/serve-bridge.ts';
import { WANTED } from '../bridge/start-bridge.ts';
import type { AbortOptions } from '../content.ts';
import { ecrSource } from '../credentials/ecr-source.ts';
import { explainFailure } from '../credentials/helper-failure.ts';
import { openLogins } from '../credentials/open-logins.ts';
import { giveLogin } from '../credentials/serve-helper.ts';
import { FinchError } from '../errors.ts';
import { ownProgram } from '../host/own-program.ts';
import { type Command, silence } from './command.ts';

/** `finch bridge serve`: the process that finch starts beside its machine. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about: 'Serves logins and images to the virtual machine. finch starts and ends it itself.',
  flags: [
    { name: 'handshake', summary: 'end unless who started it says on stdin that it is wanted' },
  ],
  examples: [{ line: 'finch bridge serve', what: 'serve until the virtual machine ends' }],
  async run(app, invocation) {
    const { host } = app;
    const { signal } = invocation.on('handshake') ? whileWanted(app, invocation) : invocation;
    await serveBridge(host.home, {
      machine: await app.machine(),
      openStore: () => app.store(),
      ask: askFor(app),
      program: ownProgram(),
      ...{ platform: host.platform, signal },
    });
    return silence;
  },
};

/** A signal that fires also when whoever started this has gone, and has not said that it is wanted. */
function whileWanted({ host }: App, { signal }: AbortOptions): Required<AbortOptions> {
  const unwanted = new AbortController();
  const listen = async () => {
    let said = '';
    for await (const piece of host.stdin.stream()) {
      said += new TextDecoder().decode(piece);
      if (said.length > WANTED.length) break;
    }
    if (said !== WANTED) unwanted.abort();
  };
  void listen().catch(() => unwanted.abort());
  return { signal: AbortSignal.any([unwanted.signal, ...(signal ? [signal] : [])]) };
}

/** Asks for logins as finch's credential helper would now: nothing is remembered from one request to the next. */
function askFor({ host }: App): AskLogin {
  return async (server, { signal }) => {
    const reports: string[] = [];
    const report = (line: string) => void reports.push(line);
    const silent = { update() {}, [Symbol.dispose]() {} };
    const talk = {
      ...{ print: report, note: report, trace() {}, ask: nobody },
      ...{ progress: () => silent, showAs() {}, tell() {} },
    };
    try {
      await using app = createApp(host, talk, { isHelper: true });
      const { env, home } = host;
      const source = ecrSource(app.aws, { report });
      const logins = openLogins({ env, home, report, trace: talk.trace, source });
      return { kind: 'login', json: await giveLogin(server, { logins, signal }) };
    } catch (error) {
      if (!(error instanceof FinchError)) throw error;
      const kind = error.code === 'LOGIN_NOT_FOUND' ? 'none' : 'failure';
      return { kind, ...explainFailure(error, reports) };
    }
  };
}

async function nobody(): Promise<string> {
  throw new FinchError('USAGE', 'there is nobody to ask', {
    hint: 'run a command of finch in a terminal',
  });
}
