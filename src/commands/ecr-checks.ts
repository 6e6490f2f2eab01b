import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { App } from '../app.ts';
import type { EcrToken } from '../aws/aws.ts';
import type { AwsIdentity } from '../aws/identity.ts';
import { isOfNobody } from '../aws/identity-errors.ts';
import { readFinchYaml } from '../config/finch-yaml.ts';
import { clientViews } from '../credentials/clients.ts';
import type { Credential } from '../credentials/credential.ts';
import type { Keychain } from '../credentials/keychain.ts';
import { serverName } from '../credentials/server-name.ts';
import { FinchError } from '../errors.ts';
import { keptLogin } from './ecr-kept-login.ts';
import {
  atRegistry,
  mayPull,
  mayPush,
  type Outcome,
  reach,
  repository,
  type Subject,
  shortId,
  whoAmI,
} from './ecr-steps.ts';

/** What one check found. A `note` stops nothing; `skipped` was not asked because of what failed before it. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'note' | 'FAIL' | 'skipped';
  readonly what: string;
  readonly hint?: string | undefined;
}

/** A check. */
interface Step {
  /** The checks without which there is nothing to ask. */
  readonly needs?: readonly string[];
  /** Whether finch can do without what it gives: then a failure is a note. */
  readonly isOptional?: boolean;
  readonly run: () => Promise<Outcome>;
}

/**
 * Goes the way that a push to Amazon ECR goes, one step after the other, and says what each finds. A step
 * that fails is no error; those that need what it should have given are skipped. Nothing is remembered of it.
 */
export async function* examine(app: App, subject: Subject): AsyncGenerator<Finding> {
  const { registry, reference, profile, signal } = subject;
  const failed = new Set<string>();
  const step = async (
    check: string,
    { needs = [], isOptional = false, run }: Step,
  ): Promise<Finding> => {
    const missing = needs.find((need) => failed.has(need));
    if (missing !== undefined) {
      failed.add(check);
      return { check, state: 'skipped', what: `not asked, because of "${missing}"` };
    }
    try {
      const found = await run();
      return typeof found === 'string'
        ? { check, state: 'ok', what: found }
        : { check, state: 'note', what: found.note };
    } catch (error) {
      if (!(error instanceof FinchError) || signal?.aborted) throw error;
      failed.add(check);
      const { message: what, hint } = error;
      return { check, state: isOptional ? 'note' : 'FAIL', what, hint };
    }
  };
  let kept: Credential | undefined;
  let identity: AwsIdentity | undefined;
  let isNobody = false;
  let token: EcrToken | undefined;
  yield await step('finch.yaml', { run: () => finchYaml(app) });
  yield* clientFindings(app, subject);
  yield await step('finch login', {
    run: async () => {
      const { repository } = reference ?? {};
      const { what, credential } = await keptLogin(app, registry, { repository, signal });
      kept = credential;
      return credential === undefined ? what : { note: what };
    },
  });
  // Who has a login needs no AWS credentials, nor does who pulls from ECR Public.
  const isOptional = kept !== undefined || registry.kind === 'public';
  const aws = await app.aws();
  yield await step('keys', {
    isOptional,
    run: async () => {
      identity = await aws.identity({ registry, profile });
      const { expires, accessKeyId } = await identity.keys({ signal }).catch((error: unknown) => {
        isNobody = error instanceof FinchError && isOfNobody(error);
        throw error;
      });
      const ends = expires === undefined ? '' : `, until ${expires.toISOString()}`;
      return `${identity.source}: ${shortId(accessKeyId)}${ends}`;
    },
  });
  const who = () => {
    if (identity === undefined) throw new Error('there is no identity');
    return { aws, identity };
  };
  // Who has not answered once is not asked again.
  const asAws = { needs: ['keys', 'endpoint'], isOptional };
  yield await step('endpoint', { needs: ['keys'], isOptional, run: () => reach(who(), subject) });
  // A push needs no STS, which may be out of reach where Amazon ECR is not.
  const named = { ...asAws, isOptional: true };
  yield await step('identity', { ...named, run: () => whoAmI(who(), subject) });
  yield await step('token', {
    ...asAws,
    run: async () => {
      token = await aws.token(registry, { profile, remember: false, signal });
      return `AWS gives one, which is good until ${token.expires.toISOString()}`;
    },
  });
  yield await step('registry', {
    ...{ needs: ['token'], isOptional },
    run: async () => {
      if (token === undefined) throw new Error('there is no token');
      return atRegistry(app, token, subject);
    },
  });
  if (reference === undefined) return;
  const image = { ...subject, reference };
  yield await step('repository', {
    ...{ needs: ['token'], isOptional },
    run: () => repository(who(), image),
  });
  const needs = ['finch login', ...(isOptional ? [] : ['registry', 'repository'])];
  const keychain: Keychain = {
    async credential(host, options) {
      if (serverName(host).registry === registry.host) return kept ?? asCredential(token);
      return (await app.logins()).credential(host, options);
    },
  };
  yield await step('pull', { needs, run: () => mayPull(app, image, keychain) });
  // Who has no keys at all does not mean to push.
  const isReader = kept === undefined && isNobody;
  yield await step('push', {
    ...{ needs, isOptional: isReader },
    run: () => mayPush(app, image, keychain),
  });
}

function asCredential(token: EcrToken | undefined): Credential | undefined {
  return token && { kind: 'password', username: token.username, secret: token.secret };
}

/** @throws FinchError `CONFIG_INVALID` with its place, `IO` */
async function finchYaml({ host }: App): Promise<Outcome> {
  const path = join(host.home, 'finch.yaml');
  await readFinchYaml(path);
  return existsSync(path) ? path : 'there is none, and none is needed';
}

/** What is used by the files of finch and of others. What stops others is not finch's business. */
async function* clientFindings(app: App, { registry }: Subject): AsyncGenerator<Finding> {
  const { env, home, now } = app.host;
  const { platform } = process;
  const options = { env, home, platform, now: () => now().getTime() };
  const views = await clientViews(serverName(registry.host), options);
  for (const { file, readers, isOwn, uses, problem, hint, remark } of views) {
    const what = [`${file} (${readers}): ${uses}`, problem ?? [], remark ?? []].flat().join('; ');
    const isBroken = isOwn && problem !== undefined;
    const state = isBroken ? 'FAIL' : (problem ?? remark) === undefined ? 'ok' : 'note';
    yield { check: 'configuration', state, what, hint };
  }
}
