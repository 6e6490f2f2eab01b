import { FinchError, hasCode } from '../errors.ts';
import { quote } from '../text.ts';
import { type Digest, isDigest } from './digest.ts';

/**
 * The name of an image: where it lives, and which one. At least one of `tag` and `digest` is there.
 * The rules are those of the distribution project's reference package, which docker and finch share.
 * https://github.com/distribution/reference/blob/v0.6.0/reference.go
 */
export interface Reference {
  /** `host[:port]`; `docker.io` when the user names none. */
  readonly registry: string;
  /** Path in the registry, for example `library/alpine`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** A {@link Reference} and whether its tag was typed or is the default `latest`. */
export interface ParsedReference extends Reference {
  readonly tagGiven: boolean;
}

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const PATH = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const DOMAIN_LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = new RegExp(
  `^(?:${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]{1,5})?$`,
);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
/** Characters of a repository path, without the registry. */
const MAX_PATH = 255;

/** The registry that a name without one means. */
export const DEFAULT_REGISTRY = 'docker.io';
const DEFAULT_TAG = 'latest';

/**
 * The reference that a user typed: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`. The first part is a host when
 * it has a dot or a colon or an upper-case letter, or is `localhost`. Docker Hub's one-part names
 * stand below `library/`. Without tag and digest the tag is `latest`.
 * @throws FinchError `REFERENCE_INVALID`
 */
export function parseReference(text: string): ParsedReference {
  const { name, tag, digest } = splitReference(text);
  const { registry, repository } = splitName(name, text);
  if (tag !== undefined && !isTag(tag)) throw invalid(text, `its tag ${quote(tag)} is not valid`);
  if (digest !== undefined && !isDigest(digest)) {
    throw invalid(text, `its digest ${quote(digest)} is not valid`);
  }
  return {
    registry,
    repository,
    ...(tag !== undefined ? { tag } : digest === undefined && { tag: DEFAULT_TAG }),
    ...(digest !== undefined && { digest }),
    tagGiven: tag !== undefined,
  };
}

/** The reference that `text` is; undefined when it is none ({@link parseReference}). */
export function tryParseReference(text: string): ParsedReference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (hasCode(error, 'REFERENCE_INVALID')) return undefined;
    throw error;
  }
}

function splitReference(text: string): { name: string; tag?: string; digest?: string } {
  const at = text.indexOf('@');
  const beforeDigest = at === -1 ? text : text.slice(0, at);
  const colon = beforeDigest.lastIndexOf(':');
  const hasTag = colon > beforeDigest.lastIndexOf('/');
  return {
    name: hasTag ? beforeDigest.slice(0, colon) : beforeDigest,
    ...(hasTag && { tag: beforeDigest.slice(colon + 1) }),
    ...(at !== -1 && { digest: text.slice(at + 1) }),
  };
}

function splitName(name: string, text: string): { registry: string; repository: string } {
  if (/^[0-9a-f]{64}$/.test(name)) {
    throw invalid(text, 'a repository name cannot be 64 hexadecimal digits');
  }
  const slash = name.indexOf('/');
  const hasHost = startsWithHost(name);
  const host = hasHost ? name.slice(0, slash) : DEFAULT_REGISTRY;
  const path = hasHost ? name.slice(slash + 1) : name;
  const registry = host === 'index.docker.io' ? DEFAULT_REGISTRY : host;
  const repository =
    registry === DEFAULT_REGISTRY && !path.includes('/') ? `library/${path}` : path;
  if (/[A-Z]/.test(path)) throw invalid(text, 'a repository name must be lower case');
  if (!isRegistry(registry) || !isRepository(repository)) throw invalid(text);
  return { registry, repository };
}

/** Whether the first of several parts of a name is a host, and not part of a path on Docker Hub. */
function startsWithHost(name: string): boolean {
  const [first = '', ...path] = name.split('/');
  return path.length > 0 && (/[.:A-Z]/.test(first) || first === 'localhost');
}

/** Whether `text` is a registry as names have it: `host[:port]`, which cannot be taken for a part of a path. */
export function isRegistry(text: string): boolean {
  return DOMAIN.test(text) && startsWithHost(`${text}/`);
}

/** Whether `text` is a repository path as registries accept it. */
export function isRepository(text: string): boolean {
  return text.length <= MAX_PATH && PATH.test(text);
}

/** Whether `text` is a tag: 1 to 128 of `A-Za-z0-9_.-`, not beginning with a dot or a hyphen. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** The whole name, under which the store keeps an image: `docker.io/library/alpine:latest`. */
export function formatReference(reference: Reference): string {
  return `${reference.registry}/${reference.repository}${suffix(reference)}`;
}

/** The name as users write it, without `docker.io/` and `library/`: `alpine:latest`. */
export function familiarReference(reference: Reference): string {
  return `${familiarRepository(reference)}${suffix(reference)}`;
}

/** The repository as users write it: `alpine`, `ghcr.io/a/b`. */
export function familiarRepository({ registry, repository }: Reference): string {
  if (registry !== DEFAULT_REGISTRY || startsWithHost(repository)) {
    return `${registry}/${repository}`;
  }
  const path = /^library\/([^/]+)$/.exec(repository);
  return path?.[1] ?? repository;
}

function suffix({ tag, digest }: Reference): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

function invalid(typed: string, why?: string): FinchError {
  // Who types a login as in a URL does not want to read the password.
  const text = typed.replace(/^[^/@]*(?=@[^/]*\/)/, '***');
  return new FinchError(
    'REFERENCE_INVALID',
    `invalid reference format: ${quote(text)}${why === undefined ? '' : `: ${why}`}`,
    { hint: 'a name is [HOST[:PORT]/]PATH[:TAG], for example ghcr.io/me/app:1.0' },
  );
}
