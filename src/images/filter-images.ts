import { findReadableImages } from '../copy/platforms.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { matchesPlatform, type Platform } from '../oci/platform.ts';
import {
  familiarReference,
  familiarRepository,
  formatReference,
  parseReference,
  tryParseReference,
} from '../oci/reference.ts';
import type { ImageRecord, ImageStore } from '../store/image-store.ts';
import { quote } from '../text.ts';
import { findImages } from './find-image.ts';

/** Whether a record passes. */
type Test = (record: ImageRecord) => boolean | Promise<boolean>;

/**
 * The records that `REPOSITORY[:TAG]` and every one of the filters let through, in their order.
 * @param records default: all of the store
 * @param filters `dangling=BOOL`, `label=KEY[=VALUE]`, `before=IMAGE`, `since=IMAGE`, `reference=PATTERN`
 * @param platform whose configuration is asked for labels, where an image has several
 * @throws FinchError `USAGE` for a filter that there is not, `IMAGE_NOT_FOUND`
 */
export async function filterImages(
  store: ImageStore,
  {
    name,
    filters,
    platform,
    records = store.names(),
  }: {
    name?: string;
    filters: readonly string[];
    platform: Platform;
    records?: readonly ImageRecord[];
  },
): Promise<readonly ImageRecord[]> {
  const tests = filters.map((filter) => parseFilter(filter, { store, platform }));
  if (name !== undefined) tests.unshift(nameTest(name));
  if (tests.length === 0) return records;
  const passed: ImageRecord[] = [];
  for (const record of records) {
    if (await passesAll(tests, record)) passed.push(record);
  }
  return passed;
}

async function passesAll(tests: readonly Test[], record: ImageRecord): Promise<boolean> {
  for (const test of tests) {
    if (!(await test(record))) return false;
  }
  return true;
}

function nameTest(text: string): Test {
  const wanted = parseReference(text);
  if (wanted.tagGiven || wanted.digest !== undefined) {
    const exact = formatReference(wanted);
    return ({ name }) => name === exact;
  }
  return ({ name }) => {
    const found = tryParseReference(name);
    return found?.registry === wanted.registry && found.repository === wanted.repository;
  };
}

function parseFilter(
  filter: string,
  { store, platform }: { store: ImageStore; platform: Platform },
): Test {
  const equals = filter.indexOf('=');
  const [key, value] = [filter.slice(0, Math.max(equals, 0)), filter.slice(equals + 1)];
  switch (key) {
    case 'dangling':
      if (value !== 'true' && value !== 'false') throw invalidFilter(filter);
      return ({ name }) => (tryParseReference(name)?.tag === undefined) === (value === 'true');
    case 'before':
    case 'since': {
      const limit = newest(store, value).createdAt.getTime();
      const sign = key === 'since' ? 1 : -1;
      return ({ createdAt }) => sign * (createdAt.getTime() - limit) > 0;
    }
    case 'reference':
      return ({ name }) => matchesPattern(value, name);
    case 'label': {
      const known = new Map<Digest, Promise<boolean>>();
      return ({ target }) => {
        const answer = known.get(target.digest) ?? hasLabel(value, target, { store, platform });
        known.set(target.digest, answer);
        return answer;
      };
    }
    default:
      throw invalidFilter(filter);
  }
}

function invalidFilter(filter: string): FinchError {
  return new FinchError('USAGE', `invalid filter ${quote(filter)}`, {
    hint: 'filters are dangling=BOOL, label=KEY[=VALUE], before=IMAGE, since=IMAGE, reference=PATTERN',
  });
}

function newest(store: ImageStore, text: string): ImageRecord {
  const [record] = findImages(store, text);
  if (record !== undefined) return record;
  throw new FinchError('IMAGE_NOT_FOUND', `no such image: ${text}`, {
    hint: 'see what is here with: finch images',
  });
}

/** A shell pattern on the familiar name, with or without the tag, or a regular expression on the whole name. */
function matchesPattern(pattern: string, name: string): boolean {
  const reference = tryParseReference(name);
  if (reference === undefined) return false;
  const glob = globExpression(pattern);
  if (glob.test(familiarReference(reference)) || glob.test(familiarRepository(reference)))
    return true;
  try {
    return new RegExp(pattern).test(name);
  } catch {
    return false;
  }
}

function globExpression(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\*/g, '[^/]*')
    .replace(/\?/g, '[^/]');
  try {
    return new RegExp(`^${source}$`);
  } catch {
    return /(?!)/;
  }
}

async function hasLabel(
  wanted: string,
  target: Descriptor,
  { store, platform }: { store: ImageStore; platform: Platform },
): Promise<boolean> {
  const equals = wanted.indexOf('=');
  const key = equals === -1 ? wanted : wanted.slice(0, equals);
  const images = await findReadableImages(store, target);
  const image = images.find((one) => matchesPlatform(platform, one.platform)) ?? images[0];
  const value = image?.config.labels[key];
  return value !== undefined && (equals === -1 || value === wanted.slice(equals + 1));
}
