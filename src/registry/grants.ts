import { cleanText } from '../http/clean-text.ts';
import { isJsonObject } from '../oci/json.ts';

/** What a refused request had been allowed, as far as its token tells. */
export interface Denial {
  /** The scopes that the token was asked for. */
  readonly asked: readonly string[];
  /** What the token says it grants; undefined when it does not say. */
  readonly granted: readonly string[] | undefined;
}

/** A longer payload is not looked into. */
const MAX_PAYLOAD = 64 * 1024;

/** A message names no more scopes than this. */
const MAX_SHOWN = 4;

/**
 * The scopes that a JSON Web Token says it grants, or undefined when it is none or does not say. Nothing
 * is verified: this is for messages only.
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/jwt.md
 */
export function grantedScopes(token: string): readonly string[] | undefined {
  const payload = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(token)?.[1];
  if (payload === undefined || payload.length > MAX_PAYLOAD) return undefined;
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  const access = isJsonObject(claims) ? claims['access'] : undefined;
  if (access === null) return [];
  return Array.isArray(access) ? access.filter(isJsonObject).flatMap(scopeOf) : undefined;
}

/** What a message says of a denial, safe to show: `asked for …, the token grants …`. */
export function describeDenial({ asked, granted }: Denial): string {
  const wanted = `asked for ${listed(asked)}`;
  if (granted === undefined) return wanted;
  return `${wanted}, the token grants ${granted.length === 0 ? 'nothing' : listed(granted)}`;
}

function scopeOf(access: { readonly [key: string]: unknown }): readonly string[] {
  const { type, name, actions } = access;
  if (typeof type !== 'string' || typeof name !== 'string' || !Array.isArray(actions)) return [];
  const allowed = actions.filter((action) => typeof action === 'string');
  return allowed.length === 0 ? [] : [`${type}:${name}:${allowed.join(',')}`];
}

function listed(scopes: readonly string[]): string {
  const shown = scopes.slice(0, MAX_SHOWN).map((scope) => cleanText(scope, { limit: 150 }));
  const more = scopes.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(' ');
}

const denials = new WeakMap<Response, Denial>();

/** Notes why an answer that refuses may be one. */
export function noteDenial(response: Response, denial: Denial): void {
  denials.set(response, denial);
}

/** What {@link noteDenial} noted of an answer. */
export function denialOf(response: Response): Denial | undefined {
  return denials.get(response);
}
