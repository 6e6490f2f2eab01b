import { type AwsStandIn, type AwsUser, startAws } from '../../support/aws/stand-in.ts';
import type { Finished } from './finch.ts';
import { type HelperForm, type InstalledHelper, installHelper } from './helper-install.ts';
import { type Workbench, workbench } from './workbench.ts';

/** A registry of the account that the stand-in's users are of, unless a test says otherwise. */
export const REGISTRY = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';

/** `docker-credential-ecr-login` that is finch, beside an AWS that knows one user. */
export interface EcrHelperBench extends Workbench {
  readonly aws: AwsStandIn;
  readonly user: AwsUser;
  readonly helper: InstalledHelper;
  /** Runs the helper with the user's keys, and further variables. */
  ask(action: string, stdin?: string, env?: Readonly<Record<string, string>>): Promise<Finished>;
  /** {@link ask} without anything that says who the user is. */
  askAsNobody(
    action: string,
    stdin?: string,
    env?: Readonly<Record<string, string>>,
  ): Promise<Finished>;
  /** What the helper has asked AWS for, by the name of each action. */
  calls(): readonly string[];
}

/** Starts one. */
export async function ecrHelperBench(form?: HelperForm): Promise<EcrHelperBench> {
  const place = await workbench();
  const aws = await startAws();
  const user = aws.addUser();
  const name = 'docker-credential-ecr-login';
  const helper = await installHelper(place.path('bin'), form, { name });
  const { home } = place;
  return {
    ...{ ...place, aws, user, helper },
    ask: (action, stdin = '', env = {}) =>
      helper.run([action], { home, stdin, env: { ...aws.environment(user), ...env } }),
    askAsNobody: (action, stdin = '', env = {}) =>
      helper.run([action], { home, stdin, env: { ...aws.environment(), ...env } }),
    calls: () => aws.log.map(({ action }) => action),
    async [Symbol.asyncDispose]() {
      await aws[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** The answer to `get`, with the number of characters in place of the password. */
export function shown(stdout: string): string {
  return stdout.replace(/"Secret":"([^"]*)"/, (_, secret: string) =>
    secret.length > 500 ? '"Secret":"PASSWORD"' : '"Secret":"TOO SHORT"',
  );
}

/** The answer to a `get` that was given. */
export function given(url: string): Finished {
  const answer = `{"ServerURL":"${url}","Username":"AWS","Secret":"PASSWORD"}\n`;
  return { stdout: answer, stderr: '', exitCode: 0 };
}

/** The answer of helpers that have no login. */
export const NOT_FOUND = 'credentials not found in native keychain\n';
