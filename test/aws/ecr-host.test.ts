import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ecrOfRegion, parseEcrHost } from '../../src/aws/ecr-host.ts';

const ACCOUNT = '111222333444';

const SUFFIXES = [
  'amazonaws.com',
  'amazonaws.com.cn',
  'amazonaws.eu',
  'on.aws',
  'on.amazonwebservices.com.cn',
  'sc2s.sgov.gov',
  'c2s.ic.gov',
  'cloud.adc-e.uk',
  'csp.hci.ic.gov',
] as const;

describe('parseEcrHost()', () => {
  test.each([
    [`${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com`, 'eu-west-1', 'amazonaws.com', false, false],
    [
      `${ACCOUNT}.dkr.ecr.us-gov-west-1.amazonaws.com`,
      'us-gov-west-1',
      'amazonaws.com',
      false,
      false,
    ],
    [
      `${ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn`,
      'cn-north-1',
      'amazonaws.com.cn',
      false,
      false,
    ],
    [
      `${ACCOUNT}.dkr.ecr.eusc-de-east-1.amazonaws.eu`,
      'eusc-de-east-1',
      'amazonaws.eu',
      false,
      false,
    ],
    [`${ACCOUNT}.dkr.ecr.us-iso-east-1.c2s.ic.gov`, 'us-iso-east-1', 'c2s.ic.gov', false, false],
    [
      `${ACCOUNT}.dkr.ecr.us-isob-east-1.sc2s.sgov.gov`,
      'us-isob-east-1',
      'sc2s.sgov.gov',
      false,
      false,
    ],
    [
      `${ACCOUNT}.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk`,
      'eu-isoe-west-1',
      'cloud.adc-e.uk',
      false,
      false,
    ],
    [
      `${ACCOUNT}.dkr.ecr.us-isof-south-1.csp.hci.ic.gov`,
      'us-isof-south-1',
      'csp.hci.ic.gov',
      false,
      false,
    ],
    [
      `${ACCOUNT}.dkr.ecr-fips.us-gov-east-1.amazonaws.com`,
      'us-gov-east-1',
      'amazonaws.com',
      true,
      false,
    ],
    [`${ACCOUNT}.dkr-ecr.us-west-2.on.aws`, 'us-west-2', 'on.aws', false, true],
    [`${ACCOUNT}.dkr-ecr-fips.us-west-2.on.aws`, 'us-west-2', 'on.aws', true, true],
    [
      `${ACCOUNT}.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn`,
      'cn-north-1',
      'on.amazonwebservices.com.cn',
      false,
      true,
    ],
  ] as const)('knows %s', (host, region, suffix, isFips, isDualStack) => {
    const registry = { kind: 'private', host, account: ACCOUNT, region, suffix } as const;
    expect(parseEcrHost(host)).toEqual({ ...registry, isFips, isDualStack });
  });

  test.each([
    ['public.ecr.aws', false],
    ['ecr-public.aws.com', true],
  ])('knows %s', (host, isDualStack) => {
    expect(parseEcrHost(host)).toEqual({ kind: 'public', host, isDualStack });
  });

  test('takes any case and the usual port', () => {
    const host = `${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com`;
    expect(parseEcrHost(`${host.toUpperCase()}:443`)).toEqual(parseEcrHost(host));
    expect(parseEcrHost('Public.ECR.aws:443')).toEqual(parseEcrHost('public.ecr.aws'));
  });

  test.each([
    '',
    'amazonaws.com',
    'docker.io',
    `${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com:5000`,
    `${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com:`,
    `${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com:443:443`,
    `${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com.`,
    `${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com.fake.example.com`,
    `${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com\n`,
    `${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com\nexample.com`,
    `${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/app`,
    `https://${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com`,
    `user@${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com`,
    `x.${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com`,
    `${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.co`,
    `${ACCOUNT}.dkr.ecr.eu-west-1xamazonaws.com`,
    `${ACCOUNT}.dkr.ecr..amazonaws.com`,
    `${ACCOUNT}.dkr.ecr.amazonaws.com`,
    `${ACCOUNT}.dkr.ecr.eu-west-1.evil.com.amazonaws.com`,
    `${ACCOUNT}.dkr.ecr.cn-north-1.on.aws.com.cn`,
    `${ACCOUNT}.dkrxecr.eu-west-1.amazonaws.com`,
    `${ACCOUNT}.ecr.eu-west-1.amazonaws.com`,
    '11122233344.dkr.ecr.eu-west-1.amazonaws.com',
    '1112223334445.dkr.ecr.eu-west-1.amazonaws.com',
    '١١١٢٢٢٣٣٣٤٤٤.dkr.ecr.eu-west-1.amazonaws.com',
    // The Kelvin sign is a `k` in lower case.
    `${ACCOUNT}.d\u212Ar.ecr.eu-west-1.amazonaws.com`,
    'api.ecr.eu-west-1.amazonaws.com',
    'public.ecr.aws.example.com',
    'x.public.ecr.aws',
    'public.ecr.aws:80',
    'constructor',
    '__proto__',
  ])('does not take %j for a registry of ECR', (host) => {
    expect(parseEcrHost(host)).toBeUndefined();
  });

  const names = fc.record({
    account: fc.stringMatching(/^\d{12}$/),
    dkr: fc.constantFrom('dkr.ecr', 'dkr-ecr', 'dkr.ecr-fips', 'dkr-ecr-fips'),
    region: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/),
    suffix: fc.constantFrom(...SUFFIXES),
  });

  test('reads back what a name was made of', () => {
    fc.assert(
      fc.property(names, ({ account, dkr, region, suffix }) => {
        const registry = parseEcrHost(`${account}.${dkr}.${region}.${suffix}`);
        expect(registry).toMatchObject({ account, region, suffix });
      }),
    );
  });

  test('knows a name with anything before or behind it no more', () => {
    fc.assert(
      fc.property(names, fc.string({ minLength: 1 }), ({ account, dkr, region, suffix }, more) => {
        fc.pre(more !== ':443');
        const host = `${account}.${dkr}.${region}.${suffix}`;
        expect(parseEcrHost(`${more}${host}`)).toBeUndefined();
        // `.cn` behind `amazonaws.com` is a name too.
        if (more !== '.cn') expect(parseEcrHost(`${host}${more}`)).toBeUndefined();
      }),
    );
  });
});

describe('ecrOfRegion()', () => {
  test.each([
    ['eu-west-1', 'amazonaws.com'],
    ['us-gov-west-1', 'amazonaws.com'],
    ['cn-northwest-1', 'amazonaws.com.cn'],
    ['eusc-de-east-1', 'amazonaws.eu'],
    ['us-iso-west-1', 'c2s.ic.gov'],
    ['us-isob-east-1', 'sc2s.sgov.gov'],
    ['eu-isoe-west-1', 'cloud.adc-e.uk'],
    ['us-isof-east-1', 'csp.hci.ic.gov'],
  ])('puts %s below %s', (region, suffix) => {
    expect(ecrOfRegion(region)).toMatchObject({
      region,
      suffix,
      isFips: false,
      isDualStack: false,
    });
  });
});
