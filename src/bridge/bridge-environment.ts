type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What says who the user is, where their keys, passwords and files are, and how the network is reached. Of the
 * variables of AWS all: the keys in them may be who the user is.
 */
const KEPT =
  /^(?:AWS_\w+|FINCH_\w+|LIMA_\w+|CONTAINERD_\w+|XDG_\w+|LC_\w+|(?:HTTPS?|NO|ALL)_PROXY|SSL_CERT_(?:FILE|DIR)|NODE_EXTRA_CA_CERTS|HOME|USER|LOGNAME|SHELL|PATH|LANG|TZ|TMPDIR|TEMP|TMP|DOCKER_CONFIG|REGISTRY_AUTH_FILE|DBUS_SESSION_BUS_ADDRESS|DISPLAY|WAYLAND_DISPLAY|SSH_AUTH_SOCK|GNUPGHOME|GPG_TTY|PASSWORD_STORE_\w+|USERPROFILE|APPDATA|LOCALAPPDATA|SYSTEMROOT|COMSPEC|PATHEXT)$/i;

/**
 * What the process of the bridge gets of the user's environment. It lives as long as the machine, and answers as the
 * user was when it began: other keys of AWS, or another profile, count from the next `finch vm start` on, while what
 * is in the files of AWS counts at once. What it has no use for it does not get: there may be secrets in it.
 */
export function bridgeEnvironment(env: Environment, home: string): Record<string, string> {
  const kept = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && KEPT.test(name) ? [[name, value] as const] : [],
  );
  return { ...Object.fromEntries(kept), FINCH_HOME: home };
}
