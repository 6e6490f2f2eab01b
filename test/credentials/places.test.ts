import { describe, expect, test } from 'bun:test';
import { loginFiles, ownConfigPath } from '../../src/credentials/places.ts';

const home = '/home/me/.finch';
const runtime = `/run/containers/${process.getuid?.() ?? 0}/auth.json`;

function pathsOf(env: Record<string, string>, platform: NodeJS.Platform = 'linux') {
  return loginFiles({ env, home, platform }).map(({ path }) => path);
}

test("finch's own file is in DOCKER_CONFIG, else in its home", () => {
  expect(ownConfigPath({ DOCKER_CONFIG: '/docker' }, home)).toBe('/docker/config.json');
  expect(ownConfigPath({ DOCKER_CONFIG: '' }, home)).toBe('/home/me/.finch/config.json');
});

describe('loginFiles()', () => {
  const user = { HOME: '/home/me' };

  test("are finch's own, docker's and those of podman", () => {
    expect(
      pathsOf({ ...user, XDG_RUNTIME_DIR: '/run/user/7', XDG_CONFIG_HOME: '/etc/me' }),
    ).toEqual([
      '/home/me/.finch/config.json',
      '/home/me/.docker/config.json',
      '/run/user/7/containers/auth.json',
      '/etc/me/containers/auth.json',
    ]);
  });

  test('on Linux look where podman keeps the logins of who has no session', () => {
    expect(pathsOf(user).slice(2)).toEqual([runtime, '/home/me/.config/containers/auth.json']);
    expect(pathsOf(user, 'darwin').slice(2)).toEqual(['/home/me/.config/containers/auth.json']);
  });

  test("leave docker's file out when DOCKER_CONFIG names the place that replaces it", () => {
    expect(pathsOf({ ...user, DOCKER_CONFIG: '/d' })).not.toContain('/home/me/.docker/config.json');
    expect(pathsOf({ ...user, DOCKER_CONFIG: '/d' })[0]).toBe('/d/config.json');
  });

  test('look into REGISTRY_AUTH_FILE in the place of all of podman', () => {
    expect(
      pathsOf({ ...user, REGISTRY_AUTH_FILE: '/a.json', XDG_RUNTIME_DIR: '/run/user/7' }).slice(2),
    ).toEqual(['/a.json']);
  });

  test('name no file twice, and none of a user without a home', () => {
    expect(pathsOf({ REGISTRY_AUTH_FILE: '/d/config.json', DOCKER_CONFIG: '/d' })).toEqual([
      '/d/config.json',
    ]);
    expect(pathsOf({}, 'darwin')).toEqual(['/home/me/.finch/config.json']);
  });

  test('are ones that finch only reads, but for its own', () => {
    const files = loginFiles({ env: user, home, platform: 'linux' });
    expect(files.map(({ isOwn }) => isOwn)).toEqual([true, false, false, false]);
  });
});
