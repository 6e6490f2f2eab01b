import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** A session with a Secret Service: an unlocked and empty keyring of GNOME. */
export interface Keyring extends AsyncDisposable {
  /** What leads programs to it: variables of the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Locks what is kept, as a session does when its user goes away. */
  lock(): Promise<void>;
}

/** Whether this machine has what {@link openKeyring} and `docker-credential-secretservice` need. */
export function hasKeyring(): boolean {
  const programs = ['dbus-run-session', 'dbus-send', 'gnome-keyring-daemon'];
  return ['docker-credential-secretservice', ...programs].every(
    (program) => Bun.which(program) !== null,
  );
}

/**
 * Opens a session bus, starts the keyring in it, waits until it can be asked, says where the bus is, and
 * ends with its stdin.
 */
const SESSION = `
set -e
printf unlocked | gnome-keyring-daemon --unlock --components=secrets > /dev/null
until dbus-send --session --print-reply --dest=org.freedesktop.DBus / \\
  org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets | grep -q 'boolean true'
do :; done
echo "$DBUS_SESSION_BUS_ADDRESS"
exec cat > /dev/null
`;

/** Starts a session with a keyring, which ends with its \`await using\`. */
export async function openKeyring(): Promise<Keyring> {
  const root = await mkdtemp('/tmp/finch-keyring-');
  const runtime = join(root, 'run');
  await mkdir(runtime, { mode: 0o700 });
  const env = { HOME: root, XDG_RUNTIME_DIR: runtime };
  const child = Bun.spawn(['dbus-run-session', '--', 'sh', '-c', SESSION], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
    env: { PATH: process.env['PATH'], ...env },
  });
  const close = async () => {
    await child.stdin.end();
    await child.exited;
    await rm(root, { recursive: true, force: true });
  };
  let address = '';
  for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
    address += piece;
    if (address.endsWith('\n')) break;
  }
  if (!address.endsWith('\n')) {
    await close();
    throw new Error('the keyring ended before it was ready');
  }
  const session = { XDG_RUNTIME_DIR: runtime, DBUS_SESSION_BUS_ADDRESS: address.trim() };
  return {
    env: session,
    async lock() {
      const secrets = '/org/freedesktop/secrets';
      const lock = Bun.spawn(
        [
          ...['dbus-send', '--session', '--print-reply', '--dest=org.freedesktop.secrets', secrets],
          ...['org.freedesktop.Secret.Service.Lock', `array:objpath:${secrets}/collection/login`],
        ],
        { env: { PATH: process.env['PATH'], ...session }, stdio: ['ignore', 'ignore', 'inherit'] },
      );
      if ((await lock.exited) !== 0) throw new Error('the keyring cannot be locked');
    },
    [Symbol.asyncDispose]: close,
  };
}
