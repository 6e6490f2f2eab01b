import { expect, test } from 'bun:test';
import { bridgeEnvironment } from '../../src/bridge/bridge-environment.ts';

test('the bridge knows who the user is and how the network is reached', () => {
  const env = {
    ...{ HOME: '/home/me', PATH: '/bin', AWS_PROFILE: 'dev', AWS_SECRET_ACCESS_KEY: 'key' },
    ...{ DOCKER_CONFIG: '/d', XDG_RUNTIME_DIR: '/run/user/1', https_proxy: 'http://proxy' },
    ...{ DBUS_SESSION_BUS_ADDRESS: 'unix:path=/b', GNUPGHOME: '/g', LIMA_HOME: '/l' },
  };
  expect(bridgeEnvironment(env, '/f')).toEqual({ ...env, FINCH_HOME: '/f' });
});

test('what it has no use for it does not get', () => {
  const env = {
    ...{ GITHUB_TOKEN: 'a', DATABASE_URL: 'b', MY_PASSWORD: 'c', OPENAI_API_KEY: 'd' },
    ...{ HOMEBREW_GITHUB_API_TOKEN: 'e', LD_PRELOAD: 'f', NODE_OPTIONS: 'g', BUN_OPTIONS: 'h' },
    TMPDIR: undefined,
  };
  expect(bridgeEnvironment(env, '/f')).toEqual({ FINCH_HOME: '/f' });
});
