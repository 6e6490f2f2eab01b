import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AwsStandIn, type AwsUser, startAws } from '../../support/aws/stand-in.ts';
import { CANARY } from '../../support/canary.ts';
import { REGISTRY } from './ecr-helper.ts';
import { installHelper } from './helper-install.ts';
import { runProgram } from './program.ts';
import { workbench } from './workbench.ts';

const NAME = 'docker-credential-ecr-login';

const official = Bun.which(NAME);
/** Whether the official helper is here, in the version whose faults are known. */
export const isOfficialHere: boolean =
  official !== null && (await runProgram([official, '-v'])).stdout.includes('Version:    0.6.0\n');

/** What a helper is asked, and in which state of AWS. */
export interface Case {
  readonly args: readonly string[];
  readonly stdin?: string;
  readonly state?: State;
}

/** Everything around a helper but the helper. */
export interface Side {
  readonly home: string;
  readonly aws: AwsStandIn;
  readonly good: AwsUser;
  readonly denied: AwsUser;
  readonly expired: AwsUser;
  ask(asked: Case): Promise<string>;
}

/** Who the user is, and what is wrong with AWS. */
export interface State {
  env(side: Side): Record<string, string>;
  /** What stands in the files of AWS, in place of what usually does. */
  files?(side: Side): { readonly config?: string; readonly credentials?: string };
  arrange?(side: Side): void;
}

/** Good keys in the environment. */
export const asGood: State = { env: ({ aws, good }) => aws.environment(good) };

/** A state in which nothing is remembered, so that who is asked is seen too. */
export function withoutCache(state: State): State {
  return { ...state, env: (side) => ({ ...state.env(side), AWS_ECR_DISABLE_CACHE: '1' }) };
}

/** The two helpers, ours first, each beside an AWS of its own in which the same has happened. */
export interface BothHelpers extends AsyncDisposable {
  readonly sides: readonly Side[];
  /** What each answers, what it says beside that when all went well, and whom it asks. */
  answers(asked: Case): Promise<readonly string[]>;
  /** The names of the cases in which they do not agree. */
  differences(cases: Readonly<Record<string, Case>>): Promise<readonly string[]>;
}

/** Starts both. */
export async function bothHelpers(): Promise<BothHelpers> {
  const place = await workbench();
  const finch = await installHelper(place.path('bin'), 'symbolic link', { name: NAME });
  const sides = await Promise.all([
    openSide(finch.path, place.path('ours')),
    openSide(official ?? '', place.path('theirs')),
  ]);
  const answers = (asked: Case) => Promise.all(sides.map(({ ask }) => ask(asked)));
  return {
    sides,
    answers,
    async differences(cases) {
      const found: string[] = [];
      for (const [name, asked] of Object.entries(cases)) {
        const [ours, theirs] = await answers(asked);
        if (ours !== theirs) found.push(name);
      }
      return found;
    },
    async [Symbol.asyncDispose]() {
      for (const { aws } of sides) await aws[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** The two lines of a section that hold keys. */
export function keysOf({ accessKeyId, secretAccessKey }: AwsUser): string {
  return `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
}

async function openSide(program: string, home: string): Promise<Side> {
  const aws = await startAws();
  const good = aws.addUser();
  const role = aws.addRole({ trusts: [good.arn] });
  await mkdir(join(home, '.aws'), { recursive: true });
  const denied = aws.addUser({ name: 'bob', allow: [] });
  await writeFile(join(home, '.aws/credentials'), `[dev]\n${keysOf(good)}[bob]\n${keysOf(denied)}`);
  await writeFile(
    join(home, '.aws/config'),
    `[profile role]\nregion = us-east-1\nrole_arn = ${role.arn}\nsource_profile = dev\n` +
      '[profile sso]\nsso_session = s\nsso_account_id = 111222333444\nsso_role_name = r\n' +
      '[sso-session s]\nsso_start_url = https://x.example/start\nsso_region = us-east-1\n',
  );
  const side: Side = {
    ...{ home, aws, good, denied, expired: aws.addUser({ name: 'eve', expired: true }) },
    async ask({ args, stdin = '', state = asGood }) {
      const env = { ...state.env(side), ...(await writeFiles(home, state.files?.(side))) };
      state.arrange?.(side);
      const before = aws.log.length;
      const child = Bun.spawn([program, ...args], {
        argv0: NAME,
        env: { PATH: process.env['PATH'], HOME: home, FINCH_HOME: join(home, '.finch'), ...env },
        stdin: new TextEncoder().encode(stdin),
        ...{ stdout: 'pipe', stderr: 'pipe' },
      });
      const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
      const exitCode = await child.exited;
      aws.recover();
      const asked = aws.log.slice(before).map(({ service, host, principal, status }) => {
        // In which region a role is taken on is nobody's fault; nor is the name of a session.
        const where = service === 'sts' ? 'sts' : host;
        return [where, principal?.replace(/[^/]*\d{10,}$/, 'SESSION'), status].join(' ');
      });
      // Why something failed is told by ours alone.
      const said = exitCode === 0 ? [stderr] : [];
      return JSON.stringify([exitCode, described(stdout, aws), ...said, ...new Set(asked)]);
    },
  };
  return side;
}

/** Writes the files of a state, and gives the variables that lead to them. */
async function writeFiles(
  home: string,
  files: ReturnType<NonNullable<State['files']>> | undefined,
): Promise<Record<string, string>> {
  if (files === undefined) return {};
  const [config, credentials] = [join(home, 'config'), join(home, 'credentials')];
  await writeFile(config, files.config ?? '');
  await writeFile(credentials, files.credentials ?? '');
  return { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials };
}

/** An answer with what its password is good for in place of it. */
function described(stdout: string, aws: AwsStandIn): string {
  return stdout.replace(/"Secret":"([^"]*)"/, (_, secret: string) => {
    const { account: id, region, service: name } = aws.issued(secret) ?? {};
    return `for ${name} ${id} ${region}`;
  });
}

/** Leaves a token that has ended for a user in the cache that both helpers read. */
export async function writeEndedToken(home: string, { accessKeyId }: AwsUser): Promise<void> {
  // Version 0.6.0 puts the hash of nothing behind the id.
  const nothing = Buffer.from('d41d8cd98f00b204e9800998ecf8427e', 'hex');
  const legacy = Buffer.concat([Buffer.from(accessKeyId), nothing]).toString('base64');
  const entry = {
    AuthorizationToken: Buffer.from(`AWS:${CANARY}`).toString('base64'),
    RequestedAt: '2020-01-01T00:00:00Z',
    ExpiresAt: '2020-01-01T12:00:00Z',
    ProxyEndpoint: `https://${REGISTRY}`,
    Service: 'ecr',
  };
  const hash = new Bun.CryptoHasher('sha256').update(accessKeyId).digest('base64');
  const names = [legacy, hash].map((name) => `eu-west-1-${name}-111222333444`);
  const cache = {
    Registries: Object.fromEntries(names.map((name) => [name, entry])),
    Version: '1.0',
  };
  await mkdir(join(home, '.ecr'), { recursive: true });
  await writeFile(join(home, '.ecr/cache.json'), JSON.stringify(cache));
}
