import type { App } from '../app.ts';
import { type EnsuredRepository, ensureRepository } from '../aws/ecr/ensure-repository.ts';
import type { NewRepository } from '../aws/ecr/repositories.ts';
import { type EcrPlace, type EcrRegistry, ecrOfRegion, parseEcrHost } from '../aws/ecr-host.ts';
import type { AwsIdentity } from '../aws/identity.ts';
import { FinchError } from '../errors.ts';
import { excerpt, quote } from '../text.ts';
import type { Command, Invocation } from './command.ts';
import { profileFlag, regionFlag, regionOf } from './ecr-flags.ts';
import { parseNamedRepository } from './ecr-repository.ts';

/** `finch ecr create-repo`. */
export const command: Command = {
  usage: 'NAME',
  arity: { min: 1, max: 1 },
  about:
    'Makes a repository and writes what images in it are called. NAME may begin with the host of a registry; else it is one of your own account. One that exists stays as it is.',
  flags: [
    regionFlag,
    profileFlag,
    { name: 'immutable', summary: 'a tag that was pushed names the same image for ever' },
    { name: 'scan-on-push', summary: 'each image is searched for known faults when it is pushed' },
    { name: 'tag', value: 'KEY=VALUE', summary: 'a tag of the repository; may be repeated' },
    { name: 'public', summary: 'at Amazon ECR Public' },
  ],
  examples: [
    { line: 'finch ecr create-repo team/app', what: 'make a repository in your region' },
    {
      line: 'finch ecr create-repo --immutable 111222333444.dkr.ecr.eu-west-1.amazonaws.com/app',
      what: 'make one for images that are to be pushed by that name, each tag once',
    },
  ],
  async run(app, invocation) {
    const { args, signal } = invocation;
    const { registry: named, name, alias } = parseNamedRepository(args[0] ?? '');
    const registry = registryOf(invocation, named);
    const repository = { name, ...settings(invocation, registry) };
    const aws = await app.aws();
    const profile = invocation.text('profile');
    const identity = await aws.identity({ registry, profile });
    const place = await placeOf(invocation, { registry, identity });
    const { surroundings } = aws;
    const options = { repository, alias, surroundings, signal };
    const ensured = await ensureRepository(place, identity, options);
    if (!ensured.isNew) tellOfExisting(app, repository, ensured);
    return { kind: 'lines', lines: [ensured.uri] };
  },
};

/**
 * Says that a repository stays as it is, and which wishes it does not fulfil.
 * @throws FinchError `AWS` when its tags can be given to other images though they are not to: whoever relies on
 * that has to hear of it
 */
function tellOfExisting(
  { talk }: App,
  { immutable, scanOnPush, tags }: NewRepository,
  { uri, found }: EnsuredRepository,
): void {
  if (immutable && found?.isImmutable === false) {
    throw new FinchError('AWS', `${uri} exists already, and its tags can be overwritten`, {
      hint: `forbid it with: ${forbidOverwriting(uri, found.name)}`,
    });
  }
  talk.note(`${uri} exists already, and stays as it is`);
  const unknown = found === undefined && (immutable || scanOnPush);
  if (unknown) talk.note('warning: AWS does not let you see how it is set');
  else if (scanOnPush && !found?.scanOnPush) {
    talk.note('warning: images are not searched for known faults when they are pushed there');
  }
  if (tags?.length) talk.note('warning: it was given none of the tags');
}

function forbidOverwriting(uri: string, name: string): string {
  const registry = parseEcrHost(uri.slice(0, uri.indexOf('/')));
  const where =
    registry?.kind === 'private'
      ? ` --region ${registry.region} --registry-id ${registry.account}`
      : '';
  return `aws ecr put-image-tag-mutability --repository-name ${name} --image-tag-mutability IMMUTABLE${where}`;
}

/** The registry that the user named, by its host or by `--public`. */
function registryOf(
  invocation: Invocation,
  named: EcrRegistry | undefined,
): EcrRegistry | undefined {
  const region = invocation.text('region');
  const isPublic = invocation.on('public');
  if (named === undefined && !isPublic) return undefined;
  const registry = named ?? { kind: 'public', host: 'public.ecr.aws', isDualStack: false };
  if (isPublic && registry.kind !== 'public') {
    throw new FinchError('USAGE', `${registry.host} is not Amazon ECR Public`, {
      hint: 'leave out --public, or the host',
    });
  }
  const own = registry.kind === 'public' ? 'us-east-1' : registry.region;
  if (region !== undefined && region !== own) {
    throw new FinchError('USAGE', `${registry.host} is in ${own}, not in ${excerpt(region)}`, {
      hint: 'leave out --region',
    });
  }
  return registry;
}

async function placeOf(
  invocation: Invocation,
  { registry, identity }: { registry: EcrRegistry | undefined; identity: AwsIdentity },
): Promise<EcrPlace> {
  return registry ?? ecrOfRegion(await regionOf(invocation, identity));
}

function settings(
  invocation: Invocation,
  registry: EcrRegistry | undefined,
): Omit<NewRepository, 'name'> {
  const immutable = invocation.on('immutable');
  const scanOnPush = invocation.on('scan-on-push');
  if (registry?.kind === 'public' && (immutable || scanOnPush)) {
    const flag = immutable ? '--immutable' : '--scan-on-push';
    throw new FinchError('USAGE', `Amazon ECR Public has nothing like ${flag}`, {
      hint: `leave out ${flag}`,
    });
  }
  return { immutable, scanOnPush, tags: invocation.list('tag').map(parseTag) };
}

function parseTag(text: string): { readonly key: string; readonly value: string } {
  const [, key, value] = /^([^=]{1,128})=(.{0,256})$/su.exec(text) ?? [];
  if (key !== undefined && value !== undefined) return { key, value };
  throw new FinchError('USAGE', `${quote(text)} is no tag of a repository`, {
    hint: 'write --tag KEY=VALUE',
  });
}
