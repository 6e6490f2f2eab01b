import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** A store of `pass` with a key of its own, which `docker-credential-pass` keeps logins in. */
export interface PassStore extends AsyncDisposable {
  /** What leads programs to it: variables of the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder in which the encrypted files are. */
  readonly folder: string;
}

/** Whether this machine has what {@link openPassStore} and `docker-credential-pass` need. */
export function hasPass(): boolean {
  const programs = ['docker-credential-pass', 'pass', 'gpg', 'gpg-agent', 'gpgconf'];
  return programs.every((program) => Bun.which(program) !== null);
}

/** Makes an empty store of `pass`. Its key has no passphrase, so that nobody is asked for one. */
export async function openPassStore(): Promise<PassStore> {
  // Not in TMPDIR, which can be deep: the path of a socket has about 100 bytes.
  const root = await mkdtemp('/tmp/finch-pass-');
  const folder = join(root, 'store');
  const env = { GNUPGHOME: join(root, 'gpg'), PASSWORD_STORE_DIR: folder };
  const close = async () => {
    await run(['gpgconf', '--kill', 'all'], env);
    // The agent, on its way out, removes its sockets at the same time.
    for (let failed = 0; ; failed++) {
      try {
        return await rm(root, { recursive: true, force: true });
      } catch (error) {
        if (failed === 50) throw error;
        await Bun.sleep(10);
      }
    }
  };
  try {
    await mkdir(env.GNUPGHOME, { mode: 0o700 });
    const key = 'finch@test.example';
    // Keys of elliptic curves, which take no time to make.
    const kind = ['future-default', 'default', 'never'];
    await run(['gpg', '--batch', '--passphrase', '', '--quick-gen-key', key, ...kind], env);
    await run(['pass', 'init', key], env);
  } catch (error) {
    await close();
    throw error;
  }
  return { env, folder, [Symbol.asyncDispose]: close };
}

async function run(command: string[], env: Readonly<Record<string, string>>): Promise<void> {
  const child = Bun.spawn(command, {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    env: { PATH: process.env['PATH'], HOME: env['GNUPGHOME'], ...env },
  });
  const [status, talk] = await Promise.all([child.exited, child.stderr.text()]);
  if (status !== 0) throw new Error(`${command.join(' ')} failed: ${talk}`);
}
