import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes `docker-credential-NAME`, a program in shell, into a folder; gives its path. */
export async function writeHelper(
  folder: string,
  name: string,
  script: string,
  { mode = 0o755 }: { readonly mode?: number } = {},
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `docker-credential-${name}`);
  await Bun.write(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, mode);
  return path;
}

/** A helper that does what it should, with files. */
export interface FileHelper {
  /** What it was asked so far: `get ghcr.io`, in order. */
  asked(): Promise<readonly string[]>;
  /** The arguments and the environment of all its runs. */
  surroundings(): Promise<string>;
  /** The logins it keeps, by server. */
  kept(): Promise<Readonly<Record<string, { readonly Username: string; readonly Secret: string }>>>;
  /** Puts a login there, past the protocol. */
  put(server: string, username: string, secret: string): Promise<void>;
}

/**
 * Writes `docker-credential-NAME`, which keeps each login in a file below `FOLDER/NAME-logins`, and
 * writes down what it was asked and what surrounded it.
 * @param broken actions of which it says `not implemented`
 * @param first lines that stand before what it does; `$1` is the action
 */
export async function writeFileHelper(
  folder: string,
  name: string,
  {
    broken = [],
    first = '',
  }: { readonly broken?: readonly string[]; readonly first?: string } = {},
): Promise<FileHelper> {
  const data = join(folder, `${name}-logins`);
  const [log, around] = [join(folder, `${name}-asked`), join(folder, `${name}-surroundings`)];
  await mkdir(data, { recursive: true });
  await Promise.all([log, around].map((path) => Bun.write(path, '')));
  const refusals = broken
    .map((action) => `${action}) echo 'not implemented'; exit 1 ;;`)
    .join('\n');
  await writeHelper(
    folder,
    name,
    `
input=$(cat)
key=$input
[ "$1" != store ] || key=$(printf %s "$input" | sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/')
asked=$1
[ -z "$key" ] || asked="$1 $key"
printf '%s\\n' "$asked" >> '${log}'
{ printf '<%s>' "$@"; env; } >> '${around}'
${first}
file='${data}'/$(printf %s "$key" | tr / '|')
case $1 in
${refusals}
get)
  [ -f "$file" ] || { echo 'credentials not found in native keychain'; exit 1; }
  cat "$file" ;;
store) printf '%s\\n' "$input" > "$file" ;;
erase)
  [ -f "$file" ] || { echo 'credentials not found in native keychain'; exit 1; }
  rm "$file" ;;
list)
  printf '{'
  separator=
  for file in '${data}'/*; do
    [ -f "$file" ] || continue
    printf '%s%s' "$separator" "$(sed 's/.*"ServerURL":\\("[^"]*"\\).*"Username":\\("[^"]*"\\).*/\\1:\\2/' "$file")"
    separator=,
  done
  printf '}\\n' ;;
esac`,
  );
  return {
    async asked() {
      return (await Bun.file(log).text()).split('\n').filter((line) => line !== '');
    },
    surroundings: () => Bun.file(around).text(),
    async kept() {
      const files = await Array.fromAsync(new Bun.Glob('*').scan({ cwd: data, absolute: true }));
      const logins = await Promise.all(files.map((path) => Bun.file(path).json()));
      return Object.fromEntries(
        logins.map(({ ServerURL, Username, Secret }) => [ServerURL, { Username, Secret }]),
      );
    },
    async put(server, username, secret) {
      const login = { ServerURL: server, Username: username, Secret: secret };
      await Bun.write(join(data, server.replaceAll('/', '|')), `${JSON.stringify(login)}\n`);
    },
  };
}
