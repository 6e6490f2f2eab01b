import { isRepeated } from '../aws/tokens/repeated.ts';
import { ecrSource } from '../credentials/ecr-source.ts';
import { NOT_FOUND } from '../credentials/helper-protocol.ts';
import { serveHelper } from '../credentials/serve-helper.ts';
import { servedLogins } from '../credentials/served-logins.ts';
import { hasCode } from '../errors.ts';
import { version } from '../version.ts';
import type { HelperProgram } from './helper-program.ts';

const ABOUT = [`docker-credential-finch (finch) v${version}`];

/**
 * `docker-credential-finch`: gives finch's own logins to other programs, and keeps theirs. On stderr there
 * is nothing when all went well, because callers read it too, but where a login is kept unencrypted; else
 * there is the hint, and what could not be asked.
 */
export const finchProgram: HelperProgram = {
  about: { version: ABOUT, '-v': ABOUT },
  answer(action, { app, stdin, signal }) {
    const { host, talk } = app;
    const { env, home } = host;
    const { note: report, trace } = talk;
    const source = ecrSource(app.aws, { report });
    const logins = servedLogins({ env, home, report, trace, source });
    return serveHelper(action, { logins, stdin, signal });
  },
  explain(error, reports) {
    const { code, message, hint } = error;
    const advice = [...reports, ...(hint === undefined ? [] : [`hint: ${hint}`])];
    if (code === 'LOGIN_NOT_FOUND') return { line: NOT_FOUND, advice: reports };
    // Callers go on as nobody where nothing is found, and ask several times.
    if (isRepeated(error)) return { line: NOT_FOUND };
    if (hasCode(error, 'AWS', 'AWS_IDENTITY'))
      return { line: NOT_FOUND, advice: [message, ...advice] };
    return { line: message, advice };
  },
  isHeard: (action) => action === 'store',
};
