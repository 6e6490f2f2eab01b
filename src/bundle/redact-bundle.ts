import { isIPv4, isIPv6 } from 'node:net';
import { redactText } from '../http/redact.ts';

/** Of whom nothing may be found in a bundle. */
export interface BundleOwner {
  /** The folder that finch is installed in; undefined when that is not known. */
  readonly install: string | undefined;
  readonly user: string;
  readonly hostName: string;
}

/** A name that tells nobody from another, or is a word of logs. */
const COMMON_NAMES: ReadonlySet<string> = new Set(['root', 'user', 'admin', 'finch', 'localhost']);

/** Where programs of the system are: says nothing of anybody. */
const SHARED_FOLDERS: ReadonlySet<string> = new Set(['/', '/usr', '/usr/local', '/opt/homebrew']);

const SHORTEST_NAME = 3;

/** Public keys, whatever is noted behind them, and the prints of keys. */
const SSH_KEY =
  /\b(?:sk-)?(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-[\w-]+)[\w@.-]* +[A-Za-z0-9+/=]{16,}(?: [^\n"']*)?/g;
const KEY_PRINT = /\b(?:SHA256:[A-Za-z0-9+/]{43}=?|MD5:(?:[0-9a-f]{2}:){15}[0-9a-f]{2})/g;
const PRIVATE_KEY =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/** The end of one whose beginning was left out. */
const END_OF_KEY = /^(?:(?!-----BEGIN )[\s\S])*?-----END [A-Z ]*PRIVATE KEY-----/;

const MAC_ADDRESS = /(?<![\w:-])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:-])/gi;
const MAYBE_IPV4 = /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)(?::\d{1,5})?/g;
const MAYBE_IPV6 =
  /\[?(?<![\w:.])[0-9a-f:]{2,39}(?:(?:\.\d{1,3}){3})?(?:%\w{1,16})?(?![\w:])(?:\](?::\d{1,5})?)?/gi;

/** Where a number is a port: not every number can be hidden. */
const PORTS = [
  /(\bport["']?\s*[:=]?\s*["']?)\d{1,5}\b/gi,
  /(\b(?:ssh)?LocalPort["']?\s*[:=]\s*["']?)\d{1,5}\b/gi,
  /((?:^|\s|")(?:-p|--port)[ =]["']?)\d{1,5}\b/g,
  /(\blocalhost:)\d{1,5}\b/gi,
  /('\[' -n )\d{1,5}(?= '\]')/g,
  /('\[' )\d{1,5}(?= -ne 0 '\]')/g,
];

/**
 * Takes out of texts what others are not to know: secrets, keys, addresses and ports of networks, where finch is
 * installed, and who the user is.
 */
export function bundleRedactor(owner: BundleOwner): (text: string) => string {
  const install =
    owner.install === undefined || SHARED_FOLDERS.has(owner.install)
      ? undefined
      : new RegExp(`${RegExp.escape(owner.install)}(?![\\w-])`, 'g');
  const names = [
    { pattern: nameOf(owner.user), by: '<username-elided>' },
    { pattern: nameOf(owner.hostName), by: '<host-name-elided>' },
  ];
  return (text) => {
    let clean = redactText(text)
      .replace(END_OF_KEY, '<key-elided>')
      .replace(PRIVATE_KEY, '<key-elided>')
      .replace(SSH_KEY, '<key-elided>')
      .replace(KEY_PRINT, '<key-elided>')
      .replace(MAC_ADDRESS, '<mac-address-elided>')
      .replace(MAYBE_IPV6, (found) => withoutAddress(found, { isAddress: isIPv6, port: /\]:\d+$/ }))
      .replace(MAYBE_IPV4, (found) => withoutAddress(found, { isAddress: isIPv4, port: /:\d+$/ }));
    for (const port of PORTS) clean = clean.replace(port, '$1<port-elided>');
    if (install !== undefined) clean = clean.replace(install, '<finch-install-location-elided>');
    for (const { pattern, by } of names)
      if (pattern !== undefined) clean = clean.replace(pattern, by);
    return clean;
  };
}

/** What a pattern took for an address; it may be a time, or a version. */
function withoutAddress(
  found: string,
  { isAddress, port }: { readonly isAddress: (text: string) => boolean; readonly port: RegExp },
): string {
  const bare = found.replace(port, '').replace(/^\[|\]$/g, '');
  return isAddress(bare) && /\w/.test(bare) ? '<ip-address-elided>' : found;
}

function nameOf(name: string): RegExp | undefined {
  if (name.length < SHORTEST_NAME || COMMON_NAMES.has(name.toLowerCase())) return undefined;
  return new RegExp(`(?<![A-Za-z0-9])${RegExp.escape(name)}(?![A-Za-z0-9])`, 'gi');
}
