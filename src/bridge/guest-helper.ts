import { NOT_FOUND } from '../credentials/helper-protocol.ts';

/**
 * The credential helper `finch` for a Linux without finch: a script for any shell of POSIX that asks the bridge with
 * curl. It gives logins, and keeps and removes none. The socket is where Lima has it
 * in the guest, for the user behind `sudo`; `FINCH_SOCKET` names another one.
 * https://github.com/docker/docker-credential-helpers/blob/v0.9.3/credentials/credentials.go
 */
export const guestHelper = `#!/bin/sh
# Written by finch: asks it, on the host, for logins of registries.
socket=\${FINCH_SOCKET:-/run/user/\${SUDO_UID:-$(id -u)}/finch-creds.sock}
case \${1-} in
get) ;;
list)
  echo '{}'
  exit 0
  ;;
version | --version | -v)
  echo 'docker-credential-finch (finch), in the virtual machine'
  exit 0
  ;;
store | erase)
  echo 'not implemented'
  echo 'finch keeps logins on the host: use finch login or finch logout there' >&2
  exit 1
  ;;
*)
  echo 'Usage: docker-credential-finch <store|get|erase|list|version>'
  exit 1
  ;;
esac
answer=$(curl -q --silent --show-error --noproxy '*' --max-time 90 --unix-socket "$socket" \\
  --data-binary @- --write-out '\\n%{http_code}' http://localhost/get) || {
  echo '${NOT_FOUND}'
  echo "finch on the host does not answer at $socket: restart it there with finch vm start" >&2
  exit 1
}
text=\${answer%
*}
text=\${text%
}
if [ "\${answer##*
}" = 200 ]; then
  printf '%s\\n' "$text"
  exit 0
fi
printf '%s\\n' "\${text%%
*}"
case $text in
*'
'*) printf '%s\\n' "\${text#*
}" >&2 ;;
esac
exit 1
`;
