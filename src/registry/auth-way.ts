import type { Credential } from '../credentials/credential.ts';
import { basicHeader } from './token.ts';
import type { Token } from './token-answer.ts';

/** What the registry wants to see, once it has said so. */
export type Way =
  | { readonly kind: 'fixed'; readonly header: string }
  | { readonly kind: 'bearer'; readonly realm: string; readonly service: string | undefined };

/** A {@link Way} by tokens of a token server. */
export type BearerWay = Way & { readonly kind: 'bearer' };

/** The header of a request that shows a credential itself. */
export function fixedHeader(credential: Credential): string {
  return credential.kind === 'registry-token'
    ? `Bearer ${credential.token}`
    : basicHeader(credential).authorization;
}

/** What tokens for these scopes are kept under. */
export function keyOf({ realm, service }: BearerWay, scopes: readonly string[]): string {
  return JSON.stringify([realm, service, scopes.toSorted()]);
}

/** The header of a request that shows a token. */
export function bearer({ value }: Token): string {
  return `Bearer ${value}`;
}
