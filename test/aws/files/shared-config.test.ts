import { describe, expect, test } from 'bun:test';
import { mkdir, symlink } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { authoritiesOf, endpointOf, regionOf, variantOf } from '../../../src/aws/files/settings.ts';
import { homeFolder, readSharedConfig } from '../../../src/aws/files/shared-config.ts';
import { startAws } from '../../support/aws/stand-in.ts';
import { temporaryFolder } from '../../support/temporary.ts';

async function homeWith(files: {
  readonly config?: string | Uint8Array;
  readonly credentials?: string;
}) {
  const folder = await temporaryFolder();
  await mkdir(join(folder.path, '.aws'));
  for (const [name, text] of Object.entries(files)) {
    await Bun.write(join(folder.path, '.aws', name), text);
  }
  return {
    ...folder,
    env: { HOME: folder.path },
    config: join(folder.path, '.aws/config'),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('readSharedConfig()', () => {
  test('finds profiles, sessions and services by their headers', async () => {
    await using home = await homeWith({
      config:
        '[default]\na = 1\n[profile "two words"]\na = 2\n[sso-session s]\nb = 3\n[services v]\nc = 4\n[other]\n[profile]\n[profile a b]\n',
    });
    const { profiles, ssoSessions, services } = await readSharedConfig(home.env);
    expect([...profiles.keys()]).toEqual(['default', 'two words']);
    expect(ssoSessions.get('s')?.get('b')).toBe('3');
    expect(services.get('v')?.get('c')).toBe('4');
  });

  test('lets the credentials file win, setting by setting', async () => {
    await using home = await homeWith({
      config: '[profile p]\na = config\nb = config\n',
      credentials: '[p]\na = credentials\n[only here]\na = 1\n',
    });
    const { profiles } = await readSharedConfig(home.env);
    expect(Object.fromEntries(profiles.get('p')?.settings ?? [])).toEqual({
      a: 'credentials',
      b: 'config',
    });
    expect(profiles.has('only here')).toBe(true);
  });

  test('reads the files that the environment names, with ~ and variables', async () => {
    await using home = await homeWith({ config: '[profile mine]\n' });
    await symlink(home.config, join(home.path, 'elsewhere'));
    const env = { ...home.env, WHERE: 'elsewhere', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
    for (const path of ['~/elsewhere', '$HOME/elsewhere', `${home.path}/\${WHERE}`]) {
      const { profiles } = await readSharedConfig({ ...env, AWS_CONFIG_FILE: path });
      expect([...profiles.keys()]).toEqual(['mine']);
    }
  });

  test('passes over a mark of byte order', async () => {
    await using home = await homeWith({ config: '\u{FEFF}[default]\nregion = r\n' });
    const { profiles } = await readSharedConfig(home.env);
    expect(profiles.get('default')?.settings.get('region')).toBe('r');
  });

  test('has nothing where there is no file, or a folder in its place', async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, '.aws/config'), { recursive: true });
    for (const env of [{ HOME: '/nonexistent' }, { HOME: folder.path }]) {
      expect((await readSharedConfig(env)).profiles.size).toBe(0);
    }
  });

  test('says what is wrong with a file that is too large or no text', async () => {
    await using large = await homeWith({ config: `[default]\na = ${'x'.repeat(1024 * 1024)}` });
    expect(readSharedConfig(large.env)).rejects.toThrow(`${large.config} has more than 1 MiB`);
    await using circle = await temporaryFolder();
    await mkdir(join(circle.path, '.aws'));
    const path = join(circle.path, '.aws/config');
    await symlink(path, path);
    expect(readSharedConfig({ HOME: circle.path })).rejects.toMatchObject({
      message: `cannot read ${path}: too many symbolic links`,
      hint: `check it with: ls -l ${path}`,
    });
    await using binary = await homeWith({ config: Uint8Array.of(0x5b, 0xff, 0x5d) });
    expect(readSharedConfig(binary.env)).rejects.toThrow(`${binary.config} is not UTF-8 text`);
  });
});

describe('homeFolder()', () => {
  test('is that of the environment, or else of the list of users', () => {
    expect(homeFolder({ HOME: '/a' })).toBe('/a');
    expect(homeFolder({})).toBe(userInfo().homedir);
    expect(homeFolder({ HOME: '' })).toBe(userInfo().homedir);
  });
});

describe('variantOf()', () => {
  test('asks the environment, and then the profile', async () => {
    await using home = await homeWith({
      config: '[profile p]\nuse_fips_endpoint = True\nuse_dualstack_endpoint = true\n',
    });
    const config = await readSharedConfig(home.env);
    const variant = (env: Record<string, string>, profile = 'p') => {
      const { isFips, isDualStack } = variantOf({ env, config, profile });
      return [isFips, isDualStack];
    };
    expect(variant({})).toEqual([true, true]);
    expect(variant({}, 'none')).toEqual([false, false]);
    expect(variant({ AWS_USE_FIPS_ENDPOINT: 'false' })).toEqual([false, true]);
    expect(variant({ AWS_USE_DUALSTACK_ENDPOINT: 'TRUE' }, 'none')).toEqual([false, true]);
  });
});

describe('authoritiesOf()', () => {
  const broken = '-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n';

  test('says what is wrong with what AWS_CA_BUNDLE names', async () => {
    await using home = await homeWith({ config: broken });
    const config = await readSharedConfig({ HOME: '/nonexistent' });
    const why = async (path: string) =>
      authoritiesOf({ env: { AWS_CA_BUNDLE: path }, config, profile: 'p', trace() {} }).catch(
        (error) => error.message,
      );
    const names = `AWS_CA_BUNDLE names ${home.config}, which`;
    expect(await why(home.config)).toBe(`${names} holds a broken certificate`);
    expect(await why(home.path)).toBe(`AWS_CA_BUNDLE names ${home.path}, which is no file`);
    expect(await why('/dev/null')).toBe('AWS_CA_BUNDLE names /dev/null, which is no file');
    await Bun.write(home.config, broken.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'));
    expect(await why(home.config)).toBe(
      `${names} holds no certificate but OpenSSL's TRUSTED CERTIFICATE`,
    );
  });

  test('passes over a broken certificate among good ones', async () => {
    await using aws = await startAws();
    const good = await Bun.file(aws.ca).text();
    await using home = await homeWith({ config: `${broken}${good}${broken}` });
    const config = await readSharedConfig({ HOME: '/nonexistent' });
    const traced: string[] = [];
    const env = { AWS_CA_BUNDLE: home.config };
    const trace = (line: string) => traced.push(line);
    const found = await authoritiesOf({ env, config, profile: 'p', trace });
    expect(found?.map((each) => each.trim())).toEqual([good.trim()]);
    expect(traced).toEqual([
      `AWS_CA_BUNDLE names ${home.config}; passed over 2 broken of its certificates`,
    ]);
  });
});

describe('regionOf()', () => {
  test('asks AWS_REGION, AWS_DEFAULT_REGION and the profile, in this order', async () => {
    await using home = await homeWith({ config: '[profile p]\nregion = of-profile\n' });
    const config = await readSharedConfig(home.env);
    const region = (env: Record<string, string>) => regionOf({ env, config, profile: 'p' });
    expect(region({ AWS_REGION: 'a', AWS_DEFAULT_REGION: 'b' })).toBe('a');
    expect(region({ AWS_REGION: '', AWS_DEFAULT_REGION: 'b' })).toBe('b');
    expect(region({})).toBe('of-profile');
    expect(regionOf({ env: {}, config, profile: 'none' })).toBeUndefined();
  });
});

describe('endpointOf()', () => {
  const text =
    '[profile p]\nservices = s\nendpoint_url = https://all\n[services s]\necr_public =\n  endpoint_url = https://public\n[profile q]\nignore_configured_endpoint_urls = true\nendpoint_url = https://all\n';

  test('asks the environment for the service and for all, then the services section, then the profile', async () => {
    await using home = await homeWith({ config: text });
    const config = await readSharedConfig(home.env);
    const endpoint = (service: string, env: Record<string, string>, profile = 'p') =>
      endpointOf(service, { env, config, profile })?.host;
    const env = { AWS_ENDPOINT_URL_ECR: 'https://own', AWS_ENDPOINT_URL: 'https://every' };
    expect(endpoint('ecr', env)).toBe('own');
    expect(endpoint('ecr_public', env)).toBe('every');
    expect(endpoint('ecr_public', {})).toBe('public');
    expect(endpoint('ecr', {})).toBe('all');
    expect(endpoint('ecr', {}, 'q')).toBeUndefined();
    expect(endpoint('ecr', {}, 'none')).toBeUndefined();
    const ignored = { ...env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'TRUE' };
    expect(endpoint('ecr', ignored)).toBeUndefined();
  });

  test.each(['nowhere', 'ftp://host', 'https://user:secret@host'])('refuses %s', async (url) => {
    await using home = await homeWith({});
    const config = await readSharedConfig(home.env);
    expect(() =>
      endpointOf('sts', { env: { AWS_ENDPOINT_URL_STS: url }, config, profile: 'p' }),
    ).toThrow('AWS_ENDPOINT_URL_STS is no address of a service');
  });
});
