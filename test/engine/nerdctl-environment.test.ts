import { describe, expect, test } from 'bun:test';
import { nerdctlEnvironment, nerdctlFlags } from '../../src/engine/nerdctl-environment.ts';
import { CANARY } from '../support/canary.ts';

const HOME = '/home/me/.finch';
const USUAL = `${HOME}/certs.d,/etc/containerd/certs.d,/etc/docker/certs.d,${HOME}/machine/hosts.d`;

describe('nerdctlEnvironment()', () => {
  test('natively makes nerdctl ask finch for logins, and remembers what the user had', () => {
    const env = { PATH: '/usr/bin', DOCKER_CONFIG: '/home/me/docker', AWS_PROFILE: 'team' };
    expect(nerdctlEnvironment({ kind: 'native', home: HOME, env })).toEqual({
      CONTAINERD_NAMESPACE: 'finch',
      DOCKER_CONFIG: `${HOME}/machine/docker`,
      FINCH_HOME: HOME,
      FINCH_DOCKER_CONFIG: '/home/me/docker',
      PATH: `${HOME}/machine/bin:/usr/bin`,
    });
  });

  test('natively says that finch asks, also where the user has no configuration of docker', () => {
    const env = { PATH: '/usr/bin' };
    const { FINCH_DOCKER_CONFIG: given } = nerdctlEnvironment({ kind: 'native', home: HOME, env });
    expect(given).toBe('');
  });

  test('brings only what is no secret into a virtual machine', () => {
    const env = {
      ...{ PATH: '/opt/homebrew/bin', COMPOSE_FILE: 'a.yaml', SOURCE_DATE_EPOCH: '0' },
      ...{ AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: CANARY, AWS_SESSION_TOKEN: CANARY },
      ...{ AWS_PROFILE: 'team', COSIGN_PASSWORD: CANARY, GITHUB_TOKEN: CANARY },
    };
    expect(nerdctlEnvironment({ kind: 'lima', home: HOME, env })).toEqual({
      COMPOSE_FILE: 'a.yaml',
      SOURCE_DATE_EPOCH: '0',
      CONTAINERD_NAMESPACE: 'finch',
      DOCKER_CONFIG: `${HOME}/machine/docker`,
      FINCH_HOME: HOME,
      PATH: `${HOME}/machine/guest:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    });
  });

  test('keeps the namespace that the user chose', () => {
    for (const kind of ['native', 'lima'] as const) {
      const env = { CONTAINERD_NAMESPACE: 'moby' };
      expect(nerdctlEnvironment({ kind, home: HOME, env })['CONTAINERD_NAMESPACE']).toBe('moby');
    }
  });
});

describe('nerdctlFlags()', () => {
  test('have the folder of the bridge last, as it knows all registries', () => {
    expect(nerdctlFlags(['ps'], { home: HOME, asksRegistries: false })).toEqual([
      '--hosts-dir',
      USUAL,
    ]);
  });

  test('have the folders of the call first, however they are written', () => {
    const args = ['pull', '--hosts-dir', '/a,/b', '--hosts-dir=/c', 'app', '--hosts-dir'];
    expect(nerdctlFlags(args, { home: HOME, asksRegistries: false })).toEqual([
      '--hosts-dir',
      `/a,/b,/c,${USUAL}`,
    ]);
  });

  test('quote a folder with a comma in its name', () => {
    const [, value] = nerdctlFlags([], { home: '/home/a,b', asksRegistries: false });
    expect(value).toStartWith('"/home/a,b/certs.d",/etc/');
  });
});
