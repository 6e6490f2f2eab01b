import { ecrSource } from '../credentials/ecr-source.ts';
import { explainFailure } from '../credentials/helper-failure.ts';
import { readRequest } from '../credentials/helper-request.ts';
import { openLogins } from '../credentials/open-logins.ts';
import { giveLogin, serveHelper } from '../credentials/serve-helper.ts';
import { servedLogins } from '../credentials/served-logins.ts';
import type { Host } from '../host/host.ts';
import { version } from '../version.ts';
import type { HelperProgram } from './helper-program.ts';

/** A port of this machine, or of the one that a virtual machine knows it by. */
const MAY_BE_BRIDGE = /^(?:https?:\/\/)?(?:localhost|[\d.]+|\[::1\]):\d/i;

const ABOUT = [`docker-credential-finch (finch) v${version}`];

/**
 * `docker-credential-finch`: gives finch's own logins to other programs, and keeps theirs, and gives the engine that of
 * the bridge that runs. On stderr there is nothing when all went well, because callers read it too, but where a login is
 * kept unencrypted; else there is the hint, and what could not be asked.
 */
export const finchProgram: HelperProgram = {
  about: { version: ABOUT, '-v': ABOUT },
  async answer(action, { app, stdin, signal }) {
    const { host, talk } = app;
    const { home } = host;
    const { note: report, trace } = talk;
    const source = ecrSource(app.aws, { report });
    const env = callersEnv(host.env);
    const places = { env, home, report, trace, source };
    const logins = servedLogins(places);
    if (action !== 'get') return serveHelper(action, { logins, stdin, signal });
    const request = await readRequest(stdin, { signal });
    // The engine, other than docker, has asked nobody before.
    const asked = env === host.env ? logins : openLogins(places);
    return [
      (await ownLogin(request, home)) ?? (await giveLogin(request, { logins: asked, signal })),
    ];
  },
  explain: explainFailure,
  isHeard: (action) => action === 'store',
};

/**
 * What finch calls the engine with says that its logins are finch's; what the user said comes beside it, and is empty
 * where the user said nothing.
 */
function callersEnv(env: Host['env']): Host['env'] {
  const { FINCH_DOCKER_CONFIG: given } = env;
  return given === undefined ? env : { ...env, DOCKER_CONFIG: given };
}

/** The answer about the registry of the bridge that runs; undefined for every other server. */
async function ownLogin(request: string, home: string): Promise<string | undefined> {
  // Most ask for another one, and wait.
  if (!MAY_BE_BRIDGE.test(request)) return undefined;
  const { runningBridge } = await import('../bridge/running-bridge.ts');
  const bridge = await runningBridge(home);
  if (bridge === undefined) return undefined;
  const { bridgeLogin } = await import('../bridge/bridge-login.ts');
  return bridgeLogin(request, bridge);
}
