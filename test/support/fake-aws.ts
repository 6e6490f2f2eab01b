import type { Aws, EcrTokenOptions } from '../../src/aws/aws.ts';
import type { EcrRegistry } from '../../src/aws/ecr-host.ts';
import { ecrSource } from '../../src/credentials/ecr-source.ts';
import type { LoginSource } from '../../src/credentials/login-source.ts';
import { CANARY } from './canary.ts';

/** A private registry of Amazon ECR. */
export const ECR = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';

/** An {@link Aws} that gives the tokens `CANARY-1`, `CANARY-2` and so on, or fails. */
export interface FakeAws {
  /** What it was asked for: the host, and the secret that was refused. */
  readonly asked: { readonly host: string; readonly refused?: string | undefined }[];
  /** What the user was told. */
  readonly reports: string[];
  readonly source: LoginSource;
}

/** The profile is `dev`; without `fails` there always is a token. */
export function fakeAws({
  fails = () => undefined,
}: {
  /** Why the token with this number, from 1 on, cannot be had. */
  readonly fails?: (number: number) => Error | undefined;
} = {}): FakeAws {
  const asked: { readonly host: string; readonly refused?: string | undefined }[] = [];
  const reports: string[] = [];
  const aws = {
    async identity() {
      return { source: 'profile dev' };
    },
    async token({ host }: EcrRegistry, { refused }: EcrTokenOptions = {}) {
      asked.push({ host, ...(refused !== undefined && { refused }) });
      const error = fails(asked.length);
      if (error !== undefined) throw error;
      const secret = `${CANARY}-${asked.length}`;
      return { username: 'AWS', secret, expires: new Date(Date.now() + 43_200_000) };
    },
  };
  const report = (line: string) => {
    reports.push(line);
  };
  // Nothing else of it is used.
  return { asked, reports, source: ecrSource(async () => aws as unknown as Aws, { report }) };
}

/** A password of Amazon ECR, which says when it ends. */
export function ecrPassword(expires: Date): string {
  const expiration = Math.floor(expires.getTime() / 1000);
  const payload = { payload: CANARY, version: '2', type: 'DATA_KEY', expiration };
  return Buffer.from(JSON.stringify(payload)).toString('base64');
}
