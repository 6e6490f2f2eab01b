import { type ApiAnswer, type Dialect, json, query } from './answers.ts';
import { ecrOperations } from './ecr-api.ts';
import { ecrPublicOperations } from './ecr-public-api.ts';
import { type Faults, onlyDelays } from './faults.ts';
import { apiHost, type Service } from './hosts.ts';
import { ApiFailure, Denied, type Operation, type World } from './operations.ts';
import { partitionOf } from './partitions.ts';
import { header, type RawRequest } from './raw-request.ts';
import type { AwsRequest, AwsUser, Fault } from './state.ts';
import { stsOperations, UNSIGNED } from './sts-api.ts';
import { verify } from './verify.ts';

/** What the control plane needs beside what operations do. */
export interface ControlPlane {
  readonly world: World;
  readonly faults: Faults;
  log(request: AwsRequest): void;
}

const SERVICES: Readonly<Record<Service, readonly [Dialect, Readonly<Record<string, Operation>>]>> =
  {
    ecr: [json, ecrOperations],
    'ecr-public': [json, ecrPublicOperations],
    sts: [query, stsOperations],
  };

const TARGETS: Readonly<Record<string, Service>> = {
  AmazonEC2ContainerRegistry_V20150921: 'ecr',
  SpencerFrontendService: 'ecr-public',
};

/** What a request asks for. */
interface Asked {
  /** Missing when it is for no service at all. */
  readonly service: Service | undefined;
  readonly action: string;
  /** The region of the host; an endpoint of a test's own takes every one. */
  readonly region: string | undefined;
}

/** The answer to a request; `undefined` when the connection is to break. */
export async function answerApi(
  request: RawRequest,
  plane: ControlPlane,
): Promise<ApiAnswer | undefined> {
  const host = (header(request, 'host') ?? '').toLowerCase().replace(/:\d+$/, '');
  const asked = whatIsAsked(request, host);
  const { service = 'none', action } = asked;
  const authorization = header(request, 'authorization');
  const log = (more: Pick<AwsRequest, 'status' | 'type' | 'principal'>) =>
    plane.log({
      ...{ host, service, action, ...more },
      ...(authorization !== undefined && { authorization }),
    });
  const fault = plane.faults.take(`${service}:${action}`);
  if (fault?.delayMs !== undefined) await Bun.sleep(fault.delayMs);
  if (fault?.reset) {
    log({ status: 0 });
    return undefined;
  }
  const { answer, user } =
    fault === undefined || onlyDelays(fault)
      ? serve(request, { asked, world: plane.world })
      : { answer: broken(fault, asked), user: undefined };
  const { status, type } = answer;
  log({
    status,
    ...(type !== undefined && { type }),
    ...(user !== undefined && user !== NOBODY && { principal: user.arn }),
  });
  return answer;
}

function whatIsAsked(request: RawRequest, host: string): Asked {
  const [prefix = '', operation = ''] = (header(request, 'x-amz-target') ?? '').split('.');
  const byTarget = TARGETS[prefix];
  const action = byTarget ? operation : (form(request)['Action'] ?? '');
  const asked = byTarget ?? (action === '' ? undefined : 'sts');
  const at = apiHost(host);
  return { service: at?.service ?? asked, action, region: at?.region };
}

function serve(
  request: RawRequest,
  { asked, world }: { asked: Asked; world: World },
): { readonly answer: ApiAnswer; readonly user?: AwsUser } {
  const { service, action } = asked;
  if (service === undefined) {
    const type = 'UnknownOperationException';
    return { answer: json.error({ status: 404, type, message: 'no service is asked' }) };
  }
  const [dialect, operations] = SERVICES[service];
  const believed = believe(request, { asked: { ...asked, service }, world });
  if (!believed.ok) {
    const { kind, message } = believed;
    const type = dialect.names[kind];
    return { answer: dialect.error({ status: dialect.refusal, type, message }) };
  }
  const { owner: user, region } = believed;
  const { callsPerSecond: limit } = world.rules;
  if (limit !== undefined && world.rate.isTooMuch(user.account, { limit, now: world.now() })) {
    const type = service === 'sts' ? 'Throttling' : 'ThrottlingException';
    return { answer: dialect.error({ status: 400, type, message: 'Rate exceeded' }), user };
  }
  const operation = request.method === 'POST' && request.target === '/' && operations[action];
  if (!operation) {
    const [status, type] =
      service === 'sts' ? [400, 'InvalidAction'] : [400, 'UnknownOperationException'];
    const message = `Could not find operation ${action}`;
    return { answer: dialect.error({ status, type, message }), user };
  }
  try {
    const input = service === 'sts' ? form(request) : jsonInput(request);
    const result = operation({ input, user, region }, world);
    return { answer: dialect.success(result, action), user };
  } catch (error) {
    return { answer: dialect.error(described(error, dialect)), user };
  }
}

function believe(
  request: RawRequest,
  { asked, world }: { asked: Asked & { readonly service: Service }; world: World },
) {
  const { service, action, region } = asked;
  const isFree = service === 'sts' && UNSIGNED.includes(action);
  if (isFree && header(request, 'authorization') === undefined) {
    return { ok: true, owner: NOBODY, region: region ?? 'us-east-1' } as const;
  }
  const partition = region && partitionOf(region).name;
  const isDisabled = region !== undefined && world.rules.disabledRegions.includes(region);
  return verify(request, {
    ...{ service, region, now: world.now() },
    keyOf: (id) => (isDisabled ? undefined : world.users.keyOf(id, partition)),
  });
}

/** Stands for who needs not say who they are. */
const NOBODY: AwsUser = { accessKeyId: '', secretAccessKey: '', arn: '', account: '', userId: '' };

function described(error: unknown, { names, refusal }: Dialect) {
  if (error instanceof Denied) {
    return { status: refusal, type: names.denied, message: error.message };
  }
  if (!(error instanceof ApiFailure)) throw error;
  const { status, type, message } = error;
  return { status, type, message };
}

function broken(fault: Fault, { service = 'ecr' }: Asked): ApiAnswer {
  const { type = 'ServerException', message = 'this was arranged', body, headers = {} } = fault;
  const status =
    fault.status ?? (type.startsWith('Server') || type === 'InternalFailure' ? 500 : 400);
  const answer = SERVICES[service][0].error({ status, type, message });
  return { ...answer, body: body ?? answer.body, headers: { ...answer.headers, ...headers } };
}

function jsonInput({ body }: RawRequest): Record<string, unknown> {
  try {
    const input: unknown = JSON.parse(Buffer.from(body).toString());
    if (typeof input === 'object' && input !== null) return { ...input };
  } catch {}
  throw new ApiFailure('SerializationException', 'the input is no JSON object');
}

function form({ body }: RawRequest): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(Buffer.from(body).toString()));
}
