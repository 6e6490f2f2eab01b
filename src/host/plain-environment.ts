type Environment = Readonly<Record<string, string | undefined>>;

/** What says who the user is, where their programs and files are, how the network is reached, and how Lima is set up. */
const PLAIN =
  /^(?:FINCH_\w+|LIMA_\w+|QEMU_\w+|CONTAINERD_\w+|XDG_\w+|LC_\w+|(?:HTTPS?|NO|ALL)_PROXY|SSL_CERT_(?:FILE|DIR)|NODE_EXTRA_CA_CERTS|HOME|USER|LOGNAME|SHELL|TERM|COLORTERM|NO_COLOR|PATH|LANG|TZ|TMPDIR|TEMP|TMP|DBUS_SESSION_BUS_ADDRESS|DISPLAY|WAYLAND_DISPLAY|SSH_AUTH_SOCK|NERDCTL_TOML|BUILDKIT_HOST|ROOTLESSKIT_STATE_DIR|USERPROFILE|APPDATA|LOCALAPPDATA|PROGRAMDATA|SYSTEMROOT|SYSTEMDRIVE|COMSPEC|PATHEXT)$/i;

/**
 * What a program gets of the user's environment that needs nothing of what only the user knows: it may outlive the
 * command that starts it, and what it does not get it cannot lose.
 */
export function plainEnvironment(env: Environment): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && PLAIN.test(name) ? [[name, value] as const] : [],
    ),
  );
}
