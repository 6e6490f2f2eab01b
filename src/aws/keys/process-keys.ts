import { delimiter, isAbsolute } from 'node:path';
import type { AbortOptions } from '../../content.ts';
import { NOT_STARTED, runProgram } from '../../host/run-program.ts';
import { cleanText } from '../../http/clean-text.ts';
import { splitCommand } from '../files/split-command.ts';
import type { AwsKeys } from '../identity.ts';
import { ofProgram, unusableIdentity } from '../identity-errors.ts';
import type { Environment } from '../surroundings.ts';
import { parseAnsweredKeys } from './answered-keys.ts';

/** As long as `aws sso login` may want somebody at a browser. */
const TIMEOUT_MS = 60_000;

/** The most bytes that such a program has to say. */
const MAX_BYTES = 64 * 1024;

/** The most characters of its own words in a message. */
const MAX_WORDS = 300;

/**
 * The keys that the program of `credential_process` writes. It is run here and not by the SDK, which lets the program's
 * stderr through to the terminal, runs it in a shell, and tells nothing of why it failed.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
 * @throws FinchError `AWS_IDENTITY`, with the first line that the program wrote to stderr
 */
export async function processKeys(
  { profile, command }: { readonly profile: string; readonly command: string },
  { env, signal }: AbortOptions & { readonly env: Environment },
): Promise<AwsKeys> {
  const name = `credential_process of AWS profile "${profile}"`;
  const fix = `run it by hand, or correct credential_process of profile ${profile} in ~/.aws/config`;
  const [program = '', ...args] = splitCommand(command) ?? [];
  if (program === '') throw unusableIdentity(`${name} is no command line`, fix);
  // A part of PATH that is not absolute would lead into whatever folder finch is run in.
  const folders = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  const path = Bun.which(program, { PATH: folders.join(delimiter) });
  if (path === null) throw ofProgram(unusableIdentity(`${name}: ${program} is not found`, fix));
  const options = { stdin: new Uint8Array(), env, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES };
  const run = await runProgram(path, args, { ...options, ...(signal && { signal }) });
  if (run.fault !== undefined || run.status !== 0) {
    const said = firstLine(run.stderr);
    const what = run.fault ?? `exited ${run.status}`;
    const words = said === '' || run.fault?.startsWith(NOT_STARTED) ? '' : `: ${said}`;
    throw ofProgram(unusableIdentity(`${name} ${what}${words}`, fix));
  }
  return parseAnsweredKeys(run.stdout, {
    token: 'SessionToken',
    version: 1,
    fault: (why) => ofProgram(unusableIdentity(`${name} answered ${why}`, fix)),
  });
}

function firstLine(stderr: Uint8Array): string {
  const lines = new TextDecoder().decode(stderr).split(/[\r\n]+/);
  return cleanText(lines.find((line) => line.trim() !== '') ?? '', { limit: MAX_WORDS });
}
