import type { AbortOptions } from '../content.ts';
import type { ImageRow } from '../images/image-row.ts';
import { isDigest } from '../oci/digest.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { familiarRepository, formatReference, tryParseReference } from '../oci/reference.ts';
import { runEngine } from './ask-engine.ts';
import type { Engine } from './engine.ts';

/** How long nerdctl may take to list images: it is asked in passing. */
const TIMEOUT_MS = 5000;
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_ROWS = 10_000;

/** How nerdctl begins to name an image that is there only while it pushes. */
const PASSING = /-tmp-reduced-platform$/;

/** How BuildKit calls an image that the user gave no name: https://github.com/containerd/nerdctl/blob/v2.2.2/pkg/cmd/builder/build.go */
const NAMELESS = '<none>@';
/** How nerdctl calls the image of a running container whose name was taken by force. */
const FORCED = ':';

const SIZE = /^([0-9]+(?:\.[0-9]+)?) ?([kKMGTP]?)(i?)B$/;
const MOMENT = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? ([+-]\d\d)(\d\d)\b/;
const PLATFORM = /^[a-z0-9]+(?:\([A-Za-z0-9.]+\))?(?:\/[A-Za-z0-9_.-]+){1,2}$/;

/**
 * The images that nerdctl has, one row for each platform that is there, newest first. What it says is taken
 * word by word; an image whose name or digest is none is left out. One that lost its name, or never had one, is
 * called `<none>@` and its digest.
 * @throws FinchError `VM` when nerdctl fails, or takes more than five seconds; the signal's reason
 */
export async function listEngineImages(
  engine: Engine,
  { signal }: AbortOptions,
): Promise<readonly ImageRow[]> {
  const args = ['image', 'ls', '--all', '--no-trunc', '--format', 'json'];
  const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES };
  const { stdout } = await runEngine(engine, args, { ...limits, signal });
  const lines = new TextDecoder().decode(stdout).split('\n').slice(0, MAX_ROWS);
  const rows = lines.flatMap((line) => rowOf(line) ?? []);
  return rows.toSorted(
    (a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.platform < b.platform ? -1 : 1),
  );
}

/** Whether a row's name is none: the image can be named only by its id. */
export function isNameless(name: string): boolean {
  return name === FORCED || name.startsWith(NAMELESS);
}

/** https://github.com/containerd/nerdctl/blob/v2.2.2/pkg/cmd/image/list.go (imagePrintable) */
function rowOf(line: string): ImageRow | undefined {
  const json = objectIn(line);
  if (json === undefined) return undefined;
  const { Name: name, Digest: digest } = json;
  if (typeof name !== 'string' || !isDigest(digest) || PASSING.test(name)) return undefined;
  const named = namedPart(name);
  if (named === undefined) return undefined;
  const platform = textIn(json, 'Platform');
  return {
    name,
    ...named,
    digest,
    createdAt: momentIn(textIn(json, 'CreatedAt')),
    platform: PLATFORM.test(platform) ? platform : '',
    size: sizeIn(textIn(json, 'Size')),
    blobSize: sizeIn(textIn(json, 'BlobSize')),
  };
}

function objectIn(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The parts of a name that is written as the store writes it, or of one that is none. */
function namedPart(name: string): Pick<ImageRow, 'repository' | 'tag'> | undefined {
  if (isNameless(name)) return { repository: '<none>', tag: '<none>' };
  const reference = tryParseReference(name);
  if (reference === undefined || formatReference(reference) !== name) return undefined;
  return { repository: familiarRepository(reference), tag: reference.tag ?? '<none>' };
}

function textIn(json: JsonObject, key: string): string {
  const value = json[key];
  return typeof value === 'string' ? value : '';
}

/** `2026-11-22 18:13:07 +0000 UTC`, as Go writes it; 1970 for anything else. */
function momentIn(text: string): Date {
  const [, day, time, hours, minutes] = MOMENT.exec(text) ?? [];
  const moment = new Date(`${day}T${time}${hours}:${minutes}`);
  return Number.isNaN(moment.getTime()) ? new Date(0) : moment;
}

/** Bytes of `1.085MB` or `3.2MiB`; 0 for anything else. */
function sizeIn(text: string): number {
  const [, number = '0', prefix = '', binary] = SIZE.exec(text) ?? [];
  const base = binary === 'i' ? 1024 : 1000;
  return Math.round(Number(number) * base ** ' KMGTP'.indexOf(prefix.toUpperCase() || ' '));
}
