/** A private registry's host, in any partition and of any kind. */
const PRIVATE_HOST = /^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z0-9.-]+$/;

const PUBLIC_HOSTS: readonly string[] = ['public.ecr.aws', 'ecr-public.aws.com'];

/** A request to a registry of Amazon ECR, as the service reads it. */
export interface EcrRequest {
  readonly host: string;
  readonly isPublic: boolean;
  /** Twelve digits, or `public`. */
  readonly account: string;
  readonly region: string;
  /** What a policy calls it, for example `ecr:PutImage`; missing for `/v2/` itself. */
  readonly action: string | undefined;
  readonly isWrite: boolean;
  readonly kind: 'ping' | 'manifest' | 'blob' | 'upload' | 'tags';
  readonly name: string;
  /** What stands behind the name: `manifests/latest`. */
  readonly rest: string;
  /** The last part of the path: a tag, a digest, an upload's id. */
  readonly reference: string;
  readonly query: URLSearchParams;
}

/** Whether a host is ECR Public's. */
export function isPublicHost(host: string): boolean {
  return PUBLIC_HOSTS.includes(host);
}

/** Whether a host is a registry of Amazon ECR. */
export function isRegistryHost(host: string): boolean {
  return isPublicHost(host) || PRIVATE_HOST.test(host);
}

/** Reads what a request asks of a registry. */
export function readRequest({ url, method }: Request): EcrRequest {
  const { hostname: host, pathname, searchParams: query } = new URL(url);
  const isPublic = isPublicHost(host);
  const [, account = 'public', region = 'us-east-1'] = PRIVATE_HOST.exec(host) ?? [];
  const path = /^\/v2\/(.+)\/((manifests|blobs\/uploads|blobs|tags)\/([^/]*))$/.exec(pathname);
  const [, name = '', rest = '', place = '', reference = ''] = path ?? [];
  const kind = KINDS[place] ?? 'ping';
  const verb = verbOf(kind, method);
  const action = verb && `${isPublic ? 'ecr-public' : 'ecr'}:${verb}`;
  const isWrite = kind === 'upload' || method === 'PUT' || method === 'DELETE';
  return { host, isPublic, account, region, action, isWrite, kind, name, rest, reference, query };
}

const KINDS: Readonly<Record<string, EcrRequest['kind']>> = {
  manifests: 'manifest',
  'blobs/uploads': 'upload',
  blobs: 'blob',
  tags: 'tags',
};

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html */
function verbOf(kind: EcrRequest['kind'], method: string): string | undefined {
  if (kind === 'manifest') return method === 'PUT' ? 'PutImage' : 'BatchGetImage';
  if (kind === 'blob') {
    return method === 'HEAD' ? 'BatchCheckLayerAvailability' : 'GetDownloadUrlForLayer';
  }
  if (kind === 'tags') return 'ListImages';
  if (kind === 'ping') return undefined;
  if (method === 'POST') return 'InitiateLayerUpload';
  return method === 'PUT' ? 'CompleteLayerUpload' : 'UploadLayerPart';
}
