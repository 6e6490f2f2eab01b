import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { forbidCoreDump } from '../host/core-dump.ts';
import { NOT_STARTED, runProgram } from '../host/run-program.ts';
import { cleanText } from '../http/clean-text.ts';
import { quote } from '../text.ts';
import { assertOurHelper, brokenLink, type FindHelperOptions, findHelper } from './find-helper.ts';
import {
  assertServerText,
  type HelperLogin,
  isHelperName,
  isNotImplemented,
  NOT_FOUND,
} from './helper-protocol.ts';

/** What surrounds a helper. */
export interface HelperOptions extends FindHelperOptions {
  /** Takes a line about each run. */
  readonly trace?: (line: string) => void;
  /** How long one run may take. Default: 30 s. */
  readonly timeoutMs?: number;
  /** Called when a run takes longer than people wait without a word: 2 s. */
  readonly onSlow?: () => void;
}

/** Tells a finch that a helper runs which helpers wait for it. */
const ASKING = 'FINCH_ASKED_BY';

/** The helpers that have run this program, perhaps through others, and wait for it. */
export function askingHelpers(env: HelperOptions['env']): readonly string[] {
  return env[ASKING]?.split(' ') ?? [];
}

/** What a helper is asked. */
export type HelperRequest =
  | { readonly action: 'get' | 'erase'; readonly key: string }
  | { readonly action: 'store'; readonly key: string; readonly login: HelperLogin }
  | { readonly action: 'list' };

/** How a helper answered. */
export type HelperAnswer =
  | { readonly kind: 'done'; readonly stdout: Uint8Array }
  | { readonly kind: 'not found' | 'not implemented' };

const TIMEOUT_MS = 30_000;
const SLOW_MS = 2000;

/** The most characters of a helper's own words in a message. */
const MAX_WORDS = 300;

const HELPERS = 'golang-docker-credential-helpers';

/** How to get the helpers that people have most, by platform. */
const INSTALL: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  linux: {
    pass: `apt install ${HELPERS} pass`,
    secretservice: `apt install ${HELPERS} gnome-keyring`,
  },
  darwin: {
    osxkeychain: 'brew install docker-credential-helper',
  },
};

/**
 * Runs `docker-credential-HELPER` once. On stdin it gets the server and the login, and nowhere else.
 * @throws FinchError `CREDENTIAL_STORE` when it is not there, cannot be run, takes too long, writes too
 *   much or fails: in its own words, made safe to show. `USAGE` when the key is that of no server
 */
export async function runHelper(
  helper: string,
  request: HelperRequest,
  { env, timeoutMs = TIMEOUT_MS, onSlow, trace, signal, ...options }: HelperOptions & AbortOptions,
): Promise<HelperAnswer> {
  if (!isHelperName(helper)) throw badName(helper);
  const stdin = new TextEncoder().encode(inputOf(request));
  const { action } = request;
  const name = `docker-credential-${helper}`;
  const path = findHelper(helper, { env, ...options });
  if (path === undefined) throw notInstalled(helper, { env, ...options });
  assertOurHelper(path, options);
  // Before it is started, so that it is held to it as well.
  await forbidCoreDump();
  const began = performance.now();
  const asking = [...askingHelpers(env), helper].join(' ');
  const slow = setTimeout(() => onSlow?.(), SLOW_MS);
  const run = await runProgram(path, [action], {
    ...{ stdin, timeoutMs, signal },
    env: { ...env, [ASKING]: asking },
  }).finally(() => clearTimeout(slow));
  const took = Math.round(performance.now() - began);
  const about = action === 'list' ? '' : ` ${request.key}`;
  trace?.(`${path} ${action}${about}: ${run.fault ?? `status ${run.status}`}, ${took} ms`);
  if (run.fault !== undefined) throw failure(name, run.fault, path);
  if (run.status === 0) return { kind: 'done', stdout: run.stdout };
  // The protocol has errors on stdout; programs that fail before they know it use stderr.
  const said = [run.stdout, run.stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
  if (said.some((text) => text.toLowerCase() === NOT_FOUND)) return { kind: 'not found' };
  if (said.some(isNotImplemented)) return { kind: 'not implemented' };
  // What it writes where no errors belong may be a secret, of which only the one to store is known.
  const words = said.slice(0, action === 'store' ? 2 : 1).find((text) => text !== '') ?? '';
  const shown = cleanText(words, { limit: MAX_WORDS }) || `it ended with status ${run.status}`;
  throw failure(name, `failed to ${action}: ${shown}`, path);
}

function inputOf(request: HelperRequest): string {
  if (request.action === 'list') return '';
  const { action, key } = request;
  assertServerText(key);
  return action === 'store' ? JSON.stringify({ ServerURL: key, ...request.login }) : key;
}

function badName(helper: string): FinchError {
  return new FinchError('CREDENTIAL_STORE', `${quote(helper)} is no name of a credential helper`, {
    hint: 'correct credsStore and credHelpers in config.json: a name is what stands behind docker-credential-',
  });
}

function failure(name: string, what: string, path: string): FinchError {
  const isStarted = !what.startsWith(NOT_STARTED);
  return new FinchError('CREDENTIAL_STORE', `${name} ${what}`, {
    hint: isStarted ? `try it with: ${name} list` : `check it with: ls -lL ${path}`,
  });
}

function notInstalled(helper: string, options: FindHelperOptions): FinchError {
  const { home, platform = process.platform } = options;
  const name = `docker-credential-${helper}`;
  const link = brokenLink(helper, options);
  if (link !== undefined) {
    return new FinchError('CREDENTIAL_STORE', `${link} is a link that leads to no program`, {
      hint: `install ${name} again, or remove the link and its name from config.json`,
    });
  }
  const command = INSTALL[platform]?.[helper];
  return new FinchError('CREDENTIAL_STORE', `there is no ${name} on this machine`, {
    hint:
      command === undefined
        ? `put it on PATH or into ${home}/cred-helpers, or remove it from config.json`
        : `install it, for example with: ${command}`,
  });
}
