import { expect } from 'bun:test';
import { mkdir, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { writeHelloFinch } from '../../demo/hello-finch.ts';
import type { AwsStandIn } from '../../support/aws/stand-in.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { type Finished, finchBinary, finchEnvironment } from './finch.ts';

/** A shell of somebody who has an image and keys of AWS. */
export interface GuideShell extends AsyncDisposable {
  /** finch's own folder. */
  readonly home: string;
  /** Runs lines of a shell up to the first that fails. */
  run(script: string, env?: Readonly<Record<string, string>>): Promise<Finished>;
  /** Pushes the image by this name, and sees that it is there. */
  pushes(name: string, env?: Readonly<Record<string, string>>): Promise<void>;
}

/** What a {@link GuideShell} has beside finch. */
export interface GuideShellOptions {
  /** Programs by the names they are called by. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Folders that come before the usual ones in PATH. */
  readonly path?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly region: string;
}

/** Opens one. Where a machine was started in it, that is stopped at the end, and with it the bridge. */
export async function openGuideShell(
  stand: AwsStandIn,
  { programs = {}, path = [], env: more = {}, region }: GuideShellOptions,
): Promise<GuideShell> {
  const folder = await temporaryFolder();
  const [bin, home] = [join(folder.path, 'bin'), join(folder.path, 'home')];
  await Promise.all([bin, home].map((one) => mkdir(one)));
  await symlink(finchBinary, join(bin, 'finch'));
  for (const [name, program] of Object.entries(programs)) await symlink(program, join(bin, name));
  const image = await writeHelloFinch(join(folder.path, 'hello-finch.tar'));
  const usual = {
    ...finchEnvironment(home, stand.environment(stand.addUser())),
    ...more,
    AWS_REGION: region,
    PATH: [bin, ...path, process.env['PATH']].join(delimiter),
  };
  const run: GuideShell['run'] = async (script, env = {}) => {
    const child = Bun.spawn(['bash', '-e', '-o', 'pipefail', '-c', script], {
      ...{ cwd: folder.path, env: { ...usual, ...env } },
      ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    });
    const [stdout, stderr, exitCode] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    return { stdout, stderr, exitCode };
  };
  const loaded = await run('finch load -i hello-finch.tar');
  if (loaded.exitCode !== 0) throw new Error(loaded.stderr);
  return {
    home,
    run,
    async pushes(name, env) {
      const { stdout, stderr, exitCode } = await run(
        `finch tag hello-finch:latest ${name}\nfinch push ${name}`,
        env,
      );
      const error = stderr.split('\n').filter((line) => /^(?:finch|hint|warning):/.test(line));
      expect({ error, exitCode }).toMatchObject({ exitCode: 0 });
      expect(stdout).toBe(`${name}: digest: ${image.root.digest} size: ${image.root.size}\n`);
    },
    async [Symbol.asyncDispose]() {
      await run('if [ -e "$FINCH_HOME/machine" ]; then finch vm stop; fi');
      await folder[Symbol.asyncDispose]();
    },
  };
}
