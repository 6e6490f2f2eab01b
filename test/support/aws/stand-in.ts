import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { temporaryFolder } from '../temporary.ts';
import { answerApi, type ControlPlane } from './control-plane.ts';
import { type Door, openPlain, openProxy, openTls, type ProxyDoor } from './doors.ts';
import { type EcrRegistrySide, startEcrRegistry } from './ecr-registry.ts';
import { isRegistryHost } from './ecr-request.ts';
import { authorityCertificate } from './host-certificates.ts';
import { apiHost } from './hosts.ts';
import { newState } from './new-state.ts';
import { readRaw } from './raw-request.ts';
import { openRegistryDoor } from './registry-door.ts';
import { LOGIN_PAGE } from './rules.ts';
import type { AwsState, AwsUser } from './state.ts';

export type { AwsRequest, AwsRole, AwsUser, Fault, IssuedToken } from './state.ts';

/** Amazon ECR, ECR Public and STS on loopback. It believes nobody whose signature is not right. */
export interface AwsStandIn extends AwsState, AsyncDisposable {
  /** `http://127.0.0.1:PORT`, for `AWS_ENDPOINT_URL` and its like. */
  readonly endpoint: string;
  /** `http://127.0.0.1:PORT`, for `HTTPS_PROXY`: `CONNECT` to any host of AWS ends in TLS here. */
  readonly proxy: string;
  /** The file of the authority that has signed the certificates of those hosts, as PEM. */
  readonly ca: string;
  /**
   * What a process needs to take the stand-in for AWS, over the proxy: the keys of the user, `HTTPS_PROXY`, the
   * authority, a region, and no instance metadata.
   */
  environment(user?: AwsUser): Record<string, string>;
  /** The registry's side, which starts when it is first asked. */
  registry(): Promise<EcrRegistrySide>;
}

/** Where layers are given out. */
const BLOB_HOST = /^prod-[a-z0-9-]+-starport-layer-bucket\.s3\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/;

/** Starts one, with no users but who is added. */
export async function startAws(): Promise<AwsStandIn> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const ca = join(folder.path, 'ca.pem');
  await Bun.write(ca, await authorityCertificate());
  const { state, plane } = newState();

  let side: Promise<EcrRegistrySide> | undefined;
  const registry = () => {
    side ??= startEcrRegistry({ ...state, fault: (action) => plane.faults.take(action) });
    return side;
  };
  stack.defer(async () => (await side)?.[Symbol.asyncDispose]());

  const listener = listenerOf(plane);
  const openDoor = async (host: string): Promise<Door | undefined> => {
    if (apiHost(host) !== undefined) return openTls(host, listener);
    if (!isRegistryHost(host) && !BLOB_HOST.test(host)) return undefined;
    const cut = (port: number) => proxy.cut(port);
    return openRegistryDoor(host, { plane, cut, side: await registry() });
  };
  const doors = new Map<string, Promise<Door | undefined>>();
  stack.defer(async () => {
    for (const door of doors.values()) await (await door)?.[Symbol.asyncDispose]();
  });
  const portOf = async (host: string): Promise<number | undefined> => {
    const { isCaptive } = state.rules;
    const name = isCaptive ? `the login page in place of ${host}` : host;
    const opening = doors.get(name) ?? (isCaptive ? openTls(host, showLogin) : openDoor(host));
    doors.set(name, opening);
    const door = await opening;
    if (!door) plane.log({ host, service: 'none', action: 'CONNECT', status: 502 });
    return door?.port;
  };
  const proxy: ProxyDoor = stack.use(await openProxy({ portOf }));
  const addresses = {
    endpoint: `http://127.0.0.1:${stack.use(await openPlain(listener)).port}`,
    proxy: `http://127.0.0.1:${proxy.port}`,
  };
  return Object.assign(state, {
    ...{ ...addresses, ca, registry },
    environment: (user?: AwsUser) => environment({ user, ca, proxy: addresses.proxy }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  });
}

/** What a network answers, whoever is asked for whatever. */
const showLogin: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-type': 'text/html' });
  response.end(LOGIN_PAGE);
};

function listenerOf(plane: ControlPlane): RequestListener {
  return (message, response) => {
    const answering = readRaw(message).then((request) => answerApi(request, plane));
    answering.then(
      (answer) => {
        if (answer === undefined) {
          message.socket.destroy();
          return;
        }
        const date = new Date(plane.world.now()).toUTCString();
        response.writeHead(answer.status, { ...answer.headers, Date: date });
        response.end(answer.body);
      },
      (error: unknown) => {
        response.writeHead(500);
        response.end(`${error}`);
      },
    );
  };
}

function environment({
  user,
  ca,
  proxy,
}: {
  user: AwsUser | undefined;
  ca: string;
  proxy: string;
}): Record<string, string> {
  return {
    ...(user && {
      AWS_ACCESS_KEY_ID: user.accessKeyId,
      AWS_SECRET_ACCESS_KEY: user.secretAccessKey,
    }),
    ...(user?.sessionToken !== undefined && { AWS_SESSION_TOKEN: user.sessionToken }),
    ...{
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_PAGER: '',
    },
    // Some take the one variable, some the other: both, lest what this machine has set is taken.
    ...{ HTTPS_PROXY: proxy, NO_PROXY: '', AWS_CA_BUNDLE: ca, SSL_CERT_FILE: ca },
  };
}
