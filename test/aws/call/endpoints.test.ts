import { describe, expect, test } from 'bun:test';
import { ECRClient } from '@aws-sdk/client-ecr';
import { ECRPUBLICClient } from '@aws-sdk/client-ecr-public';
import { STSClient } from '@aws-sdk/client-sts';
import { type AwsEndpoint, ecrEndpoint, stsEndpoint } from '../../../src/aws/call/endpoints.ts';
import { ecrOfRegion, parseEcrHost } from '../../../src/aws/ecr-host.ts';
import { FinchError } from '../../../src/errors.ts';

const REGIONS = [
  ...[
    'us-east-1',
    'us-east-2',
    'us-west-1',
    'us-west-2',
    'ca-central-1',
    'ca-west-1',
    'mx-central-1',
  ],
  ...[
    'sa-east-1',
    'eu-central-1',
    'eu-central-2',
    'eu-west-1',
    'eu-west-2',
    'eu-west-3',
    'eu-north-1',
  ],
  ...['eu-south-1', 'eu-south-2', 'ap-east-1', 'ap-south-1', 'ap-south-2', 'ap-northeast-1'],
  ...['ap-northeast-2', 'ap-northeast-3', 'ap-southeast-1', 'ap-southeast-2', 'ap-southeast-3'],
  ...[
    'ap-southeast-4',
    'ap-southeast-5',
    'me-south-1',
    'me-central-1',
    'il-central-1',
    'af-south-1',
  ],
  ...['us-gov-east-1', 'us-gov-west-1', 'cn-north-1', 'cn-northwest-1', 'eusc-de-east-1'],
  ...['us-iso-east-1', 'us-iso-west-1', 'us-isob-east-1', 'eu-isoe-west-1', 'us-isof-south-1'],
];

const MODES = [
  { useFipsEndpoint: false, useDualstackEndpoint: false },
  { useFipsEndpoint: true, useDualstackEndpoint: false },
  { useFipsEndpoint: false, useDualstackEndpoint: true },
  { useFipsEndpoint: true, useDualstackEndpoint: true },
] as const;

type Mode = (typeof MODES)[number];

/** An identity that wants a variant, and the services' own endpoints or one of its own. */
const wanting = (mode: Mode, endpoint?: URL) => ({
  endpointOf: async () => endpoint,
  variant: async () => ({ isFips: mode.useFipsEndpoint, isDualStack: mode.useDualstackEndpoint }),
});

const [USUAL] = MODES;

const nobody = wanting(USUAL);

/** The part of a client of the SDK that finds endpoints. */
interface Resolving {
  readonly config: {
    readonly endpointProvider: (parameters: {
      readonly Region: string;
      readonly UseFIPS: boolean;
      readonly UseDualStack: boolean;
      readonly UseGlobalEndpoint?: boolean;
    }) => { readonly url: URL };
  };
}

function ofSdk(client: Resolving, region: string, mode: Mode): string {
  const { useFipsEndpoint: UseFIPS, useDualstackEndpoint: UseDualStack } = mode;
  return client.config.endpointProvider({ ...{ Region: region, UseFIPS, UseDualStack } }).url.href;
}

describe('ecrEndpoint()', () => {
  test('finds what the SDK finds, in every region and mode', async () => {
    const client = new ECRClient({ region: 'us-east-1' });
    for (const region of REGIONS) {
      for (const mode of MODES) {
        const { url, ...rest } = await ecrEndpoint(ecrOfRegion(region), wanting(mode));
        expect([region, mode, url.href]).toEqual([region, mode, ofSdk(client, region, mode)]);
        expect(rest).toMatchObject({ region, isOverridden: false });
      }
    }
  });

  test.each([
    ['111222333444.dkr.ecr.eu-west-1.amazonaws.com', 'api.ecr.eu-west-1.amazonaws.com'],
    ['111222333444.dkr.ecr.cn-north-1.amazonaws.com.cn', 'api.ecr.cn-north-1.amazonaws.com.cn'],
    ['111222333444.dkr.ecr-fips.us-east-1.amazonaws.com', 'api.ecr-fips.us-east-1.amazonaws.com'],
    ['111222333444.dkr-ecr.us-west-2.on.aws', 'ecr.us-west-2.api.aws'],
    ['111222333444.dkr-ecr-fips.us-west-2.on.aws', 'ecr-fips.us-west-2.api.aws'],
    [
      '111222333444.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn',
      'ecr.cn-north-1.api.amazonwebservices.com.cn',
    ],
    ['111222333444.dkr.ecr.eusc-de-east-1.amazonaws.eu', 'api.ecr.eusc-de-east-1.amazonaws.eu'],
    // A region that nobody has heard of is where its registry's name says it is.
    ['111222333444.dkr.ecr.xx-new-9.c2s.ic.gov', 'api.ecr.xx-new-9.c2s.ic.gov'],
    ['public.ecr.aws', 'api.ecr-public.us-east-1.amazonaws.com'],
    ['ecr-public.aws.com', 'ecr-public.us-east-1.api.aws'],
  ])('of %s is at %s', async (host, api) => {
    const { url } = await endpointOfHost(host);
    expect(url.href).toBe(`https://${api}/`);
  });

  test('has the name of before for FIPS', async () => {
    const { fallback } = await endpointOfHost('111222333444.dkr.ecr-fips.us-east-1.amazonaws.com');
    expect(fallback?.href).toBe('https://ecr-fips.us-east-1.amazonaws.com/');
  });

  test('of ECR Public is where the SDK has it, in us-east-1', async () => {
    const client = new ECRPUBLICClient({ region: 'us-east-1' });
    for (const mode of MODES.filter(({ useFipsEndpoint }) => !useFipsEndpoint)) {
      const { url, region } = await endpointOfHost('public.ecr.aws', mode);
      expect([url.href, region]).toEqual([ofSdk(client, 'us-east-1', mode), 'us-east-1']);
    }
  });

  test.each(['', 'eu west 1', 'evil.example/', 'a.b', 'EU-WEST-1', 'x'.repeat(64), '@x', '#'])(
    'takes %j for no region',
    async (region) => {
      const found = ecrEndpoint(ecrOfRegion(region), nobody);
      expect(await found.catch((error) => error)).toMatchObject({ code: 'USAGE' });
    },
  );
});

describe('an endpoint of the user', () => {
  test.each([
    ['http://127.0.0.1:4566', 'http://127.0.0.1:4566/'],
    ['http://localhost:4566/', 'http://localhost:4566/'],
    ['http://[::1]:4566/', 'http://[::1]:4566/'],
    ['http://10.1.2.3', 'http://10.1.2.3/'],
    ['http://192.168.1.9/aws', 'http://192.168.1.9/aws/'],
    ['https://vpce-1.api.ecr.eu-west-1.vpce.amazonaws.com', undefined],
    ['https://user:pass@example.com/?x=1#y', 'https://example.com/'],
  ])('%s stands in place of the usual one', async (given, url = `${given}/`) => {
    const identity = wanting(USUAL, new URL(given));
    const endpoints = [
      await ecrEndpoint(ecrOfRegion('eu-west-1'), identity),
      await stsEndpoint('eu-west-1', identity),
    ];
    for (const endpoint of endpoints) {
      expect(endpoint).toEqual({ url: new URL(url), region: 'eu-west-1', isOverridden: true });
    }
  });

  test.each([
    'http://example.com',
    'http://8.8.8.8:80',
    'http://169.254.169.254/',
    'ftp://127.0.0.1/',
  ])('%s is refused, and nothing goes there', async (given) => {
    const identity = wanting(USUAL, new URL(given));
    const found = ecrEndpoint(ecrOfRegion('eu-west-1'), identity);
    const error = await found.catch((thrown) => thrown);
    expect(error).toBeInstanceOf(FinchError);
    expect(error).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(new URL(given).host),
    });
  });
});

describe('stsEndpoint()', () => {
  test('finds what the SDK finds, in every region and mode', async () => {
    const client = new STSClient({ region: 'us-east-1' });
    for (const region of REGIONS) {
      for (const mode of MODES) {
        const { url } = await stsEndpoint(region, wanting(mode));
        expect([region, mode, url.href]).toEqual([region, mode, ofSdk(client, region, mode)]);
      }
    }
  });

  test('knows the one that is in no region', async () => {
    const { url, region } = await stsEndpoint('aws-global', nobody);
    expect([url.href, region]).toEqual(['https://sts.amazonaws.com/', 'us-east-1']);
  });
});

async function endpointOfHost(host: string, mode: Mode = USUAL): Promise<AwsEndpoint> {
  const registry = parseEcrHost(host);
  if (registry === undefined) throw new Error(`${host} is no registry of ECR`);
  return ecrEndpoint(registry, wanting(mode));
}
