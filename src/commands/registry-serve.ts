import { FinchError } from '../errors.ts';
import { openFilesLimit } from '../host/open-files.ts';
import { redactText } from '../http/redact.ts';
import { affordableRequests } from '../server/open-files-budget.ts';
import { serveRegistry } from '../server/serve-registry.ts';
import { quote } from '../text.ts';
import { type Command, silence } from './command.ts';

/** A connection is one open file, an upload or download another one. */
const ENOUGH_OPEN_FILES = 2100;

/** `finch registry serve`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Serves the local store as a registry, without authentication, until it is interrupted. Prints one line when it is ready.',
  flags: [
    {
      name: 'listen',
      value: 'HOST:PORT',
      summary: 'where to listen; port 0 takes a free one (default: 127.0.0.1:5000)',
    },
    { name: 'read-only', summary: 'refuse everything that writes' },
    { name: 'allow-remote', summary: 'listen also where other machines can reach it' },
  ],
  examples: [
    { line: 'finch registry serve', what: 'serve on 127.0.0.1:5000' },
    { line: 'finch registry serve --listen 127.0.0.1:0 --read-only', what: 'let others only pull' },
  ],
  async run(app, invocation) {
    const { signal } = invocation;
    const server = await serveRegistry(await app.store(), {
      ...parseListen(invocation.text('listen') ?? '127.0.0.1:5000'),
      readOnly: invocation.on('read-only'),
      allowRemote: invocation.on('allow-remote'),
      platform: app.host.platform,
      onRequest: ({ method, path, status, error }) => {
        if (error === undefined) return;
        const why = error instanceof Error ? error.message : String(error);
        app.talk.note(redactText(`${method} ${path}: ${status}: ${why}`));
      },
    });
    const limit = openFilesLimit();
    if (limit !== undefined && limit < ENOUGH_OPEN_FILES) {
      const clients = `about ${affordableRequests(limit)} clients at once`;
      app.talk.note(`only ${limit} files may be open, which serves ${clients}; see ulimit -n`);
    }
    app.talk.print(`listening on ${server.url}`);
    const interrupted = new Promise<undefined>((stopped) => {
      if (signal.aborted) stopped(undefined);
      else signal.addEventListener('abort', () => stopped(undefined), { once: true });
    });
    const failure = await Promise.race([interrupted, server.broken]);
    await server.stop();
    if (failure !== undefined) throw failure;
    return silence;
  },
};

function parseListen(text: string): { hostname: string; port: number } {
  const parts = /^(?:(\[[0-9a-fA-F:]+\]|[^:[\]]*):)?(\d{1,5})$/.exec(text);
  const port = Number(parts?.[2]);
  if (parts === null || port > 65535) {
    throw new FinchError('USAGE', `${quote(text)} is no address to listen on`, {
      hint: 'an address is HOST:PORT, for example 127.0.0.1:5000',
    });
  }
  return { hostname: parts[1]?.replace(/^\[|\]$/g, '') || '127.0.0.1', port };
}
