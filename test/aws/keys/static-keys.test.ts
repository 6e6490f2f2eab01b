import { describe, expect, test } from 'bun:test';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { openIdentity } from '../../../src/aws/keys/open-identity.ts';
import { AWS_SECRET_CANARY } from '../../support/aws/secrets.ts';
import { surroundingsWith } from '../../support/aws/surroundings.ts';
import { temporaryFolder } from '../../support/temporary.ts';

describe('keys of the environment', () => {
  const env = { AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: `${AWS_SECRET_CANARY}env` };

  test('do where a file of AWS is broken, which is reported, and counts as none', async () => {
    await using folder = await temporaryFolder();
    await Bun.write(join(folder.path, '.aws/config'), 'broken');
    const home = { HOME: folder.path };
    const surroundings = surroundingsWith({ ...home, ...env, AWS_REGION: 'r' });
    const identity = await openIdentity(surroundings);
    expect([await identity.region(), await identity.authorities()]).toEqual(['r', undefined]);
    expect(await identity.endpointOf('ecr')).toBeUndefined();
    expect(surroundings.traced).toEqual([
      expect.stringMatching(/^going on without the settings of AWS: line 1 of /),
    ]);
    const named = await openIdentity(surroundingsWith({ ...home, ...env }), { profile: 'p' });
    expect(named.region()).rejects.toThrow('line 1 of');
  });

  test('do where a file of AWS cannot be read, which is only traced', async () => {
    await using folder = await temporaryFolder();
    const config = join(folder.path, 'config');
    await symlink(config, config);
    const surroundings = surroundingsWith({ ...env, AWS_CONFIG_FILE: config });
    const report = (line: string) => {
      throw new Error(line);
    };
    const identity = await openIdentity({ ...surroundings, report });
    expect(await identity.region()).toBeUndefined();
    expect(surroundings.traced).toEqual([
      `going on without the settings of AWS: cannot read ${config}: too many symbolic links`,
    ]);
    const { AWS_SECRET_ACCESS_KEY: _, AWS_ACCESS_KEY_ID: __, ...nobody } = surroundings.env;
    const other = await openIdentity({ ...surroundings, env: nobody });
    expect(other.keys()).rejects.toThrow('too many symbolic links');
  });

  test('have the older name of the session token first, as with the AWS CLI', async () => {
    const tokens = { AWS_SECURITY_TOKEN: 'older', AWS_SESSION_TOKEN: 'newer' };
    const { sessionToken } = await (
      await openIdentity(surroundingsWith({ ...env, ...tokens }))
    ).keys();
    expect(sessionToken).toBe('older');
  });

  test.each([
    [{ AWS_SECRET_ACCESS_KEY: 'x' }, '(AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not)'],
    [
      { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: '"x"' },
      'AWS_SECRET_ACCESS_KEY of the environment stands in quotes, which are no part of a key',
    ],
  ])('say what is wrong with them: %#', async (some, message) => {
    const identity = await openIdentity(
      surroundingsWith({ AWS_EC2_METADATA_DISABLED: 'true', ...some }),
    );
    expect(identity.keys()).rejects.toThrow(message);
  });
});

describe('keys of a profile', () => {
  const id = 'aws_access_key_id = AKIA';
  const secret = `aws_secret_access_key = ${AWS_SECRET_CANARY}p`;
  const keysOf = async (config: string, credentials: string) => {
    await using folder = await temporaryFolder();
    await Bun.write(join(folder.path, '.aws/config'), config);
    await Bun.write(join(folder.path, '.aws/credentials'), credentials);
    return await (await openIdentity(surroundingsWith({ HOME: folder.path }))).keys();
  };

  test('come from one file, and not a half from each', async () => {
    expect(keysOf(`[default]\n${id}\n`, `[default]\n${secret}\n`)).rejects.toThrow(
      'aws_access_key_id is set but aws_secret_access_key is not, in profile default of the config file',
    );
    const whole = await keysOf(`[default]\n${id}\n${secret}\n`, `[default]\n${secret}more\n`);
    expect(whole.secretAccessKey).toBe(`${AWS_SECRET_CANARY}p`);
  });

  test('do not stand in quotes', async () => {
    const quoted = `[default]\n${id}\naws_secret_access_key = "${AWS_SECRET_CANARY}p"\n`;
    const error = await keysOf('', quoted).catch((thrown) => thrown);
    expect(error).toMatchObject({
      code: 'AWS_IDENTITY',
      message:
        'aws_secret_access_key of profile default stands in quotes, which are no part of a key',
      hint: 'remove the quotes around aws_secret_access_key in profile default',
    });
  });
});
