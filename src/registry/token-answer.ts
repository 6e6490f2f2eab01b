import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { discardBody, readWhole } from '../http/body.ts';
import { ASK_WHO_RUNS_IT } from '../http/failure.ts';
import { hideSecret, hideToken } from '../http/redact.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { readRefusal } from './errors.ts';
import { describeDenial } from './grants.ts';
import { deniedHint, loginCommand } from './profiles.ts';

/** What a token lets its bearer do, and for how long. */
export interface Token {
  readonly value: string;
  /** When it came: milliseconds since 1970. */
  readonly issuedAt: number;
  /** When it should be replaced, before the registry stops taking it: milliseconds since 1970. */
  readonly renewAt: number;
  /** With which the same token server, and no other, gives further tokens. */
  readonly refreshToken?: string;
}

/** Whose token server answered, and when. */
export interface TokenAnswerOptions extends AbortOptions {
  readonly registry: string;
  /** The token server. */
  readonly host: string;
  /** The scopes that it was asked for with a login. */
  readonly asked: readonly string[];
  /** Whether it has taken that login before. */
  readonly isAccepted: boolean;
  readonly now: () => number;
}

const MAX_ANSWER_BYTES = 128 * 1024;

/** The longest token: no longer a secret is hidden to its end. */
const MAX_TOKEN_LENGTH = 64 * 1024;

/** How token servers say that the login is good, and what it asks for is not. */
const SCOPE_REFUSED = /^(?:access.)?denied$|^invalid.scope$|^insufficient.scope$/i;

/** How long a token lives that does not say so, and the least that is believed. */
const SHORTEST_LIFE_MS = 60_000;

/** The longest life that is believed: a day. */
const LONGEST_LIFE_MS = 86_400_000;

/** A token is replaced when less than this is left of its life, or a tenth of it; but half of it is used. */
const LEAST_LEFT_MS = 60_000;

/**
 * The token in a token server's answer. Its life is counted from now on: what the server says of the
 * time is by its own clock.
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/token.md
 * @throws FinchError `UNAUTHENTICATED` or `DENIED` when the server refuses, `REGISTRY` when it answers
 * something else
 */
export async function readToken(response: Response, options: TokenAnswerOptions): Promise<Token> {
  const { registry, host, now, signal } = options;
  if (response.status !== 200) throw await tokenRefused(response, options);
  const answer = parseAnswer(await readWhole(response, { limit: MAX_ANSWER_BYTES, signal }));
  const value = secretOf(answer['token'], hideToken) ?? secretOf(answer['access_token'], hideToken);
  const refreshToken = secretOf(answer['refresh_token'], hideSecret);
  const isTooLong = Math.max(value?.length ?? 0, refreshToken?.length ?? 0) > MAX_TOKEN_LENGTH;
  if (value === undefined || isTooLong) {
    const sent = isTooLong ? 'a token of more than 64 KiB' : 'no token';
    throw new FinchError('REGISTRY', `${host}, the token server of ${registry}, sent ${sent}`, {
      hint: ASK_WHO_RUNS_IT,
    });
  }
  const life = lifeOf(answer['expires_in']);
  const issuedAt = now();
  const left = Math.max(Math.min(LEAST_LEFT_MS, life / 2), life / 10);
  const renewAt = issuedAt + life - left;
  return { value, issuedAt, renewAt, ...(refreshToken !== undefined && { refreshToken }) };
}

function parseAnswer(bytes: Uint8Array): JsonObject {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isJsonObject(json) ? json : {};
  } catch {
    return {};
  }
}

/** A token that a header can hold; from now on no message shows it. */
function secretOf(value: unknown, hide: (token: string) => void): string | undefined {
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) return undefined;
  hide(value);
  return value;
}

/** Milliseconds from seconds, which some servers write as a text. */
function lifeOf(seconds: unknown): number {
  const isText = typeof seconds === 'string' && /^\d{1,12}$/.test(seconds);
  const life = (isText || typeof seconds === 'number' ? Number(seconds) : 0) * 1000;
  return Math.min(LONGEST_LIFE_MS, Math.max(SHORTEST_LIFE_MS, life));
}

async function tokenRefused(
  response: Response,
  { registry, asked, isAccepted, signal }: TokenAnswerOptions,
): Promise<FinchError> {
  const { status } = response;
  if (status !== 401 && status !== 403 && status !== 400) {
    await discardBody(response);
    const message = `the token server of ${registry} answered ${status}`;
    return new FinchError('REGISTRY', message, { hint: 'try again later' });
  }
  const { reason, codes } = await readRefusal(response, { signal });
  const message = `registry ${registry}: ${reason}`;
  const isForScopes =
    asked.length > 0 && (isAccepted || codes.some((code) => SCOPE_REFUSED.test(code)));
  if (status !== 403 && !isForScopes) {
    const hint = `log in with: ${loginCommand(registry)}`;
    return new FinchError('UNAUTHENTICATED', message, { hint });
  }
  const what = asked.map((scope) => /^repository:(.+):/.exec(scope)?.[1]).find(Boolean);
  const hint = deniedHint(registry, what === undefined ? registry : `${registry}/${what}`);
  if (asked.length === 0) return new FinchError('DENIED', message, { hint });
  const why = describeDenial({ asked, granted: undefined });
  return new FinchError('DENIED', `${message} (${why})`, { hint });
}
