#!/bin/sh
# A limactl without machines: it keeps the files and answers as Lima 2.1.3 does, and its host agent and its QEMU
# are two processes that do nothing. Tests tell it what goes wrong by files in the folder `state` beside its own:
#   fail-VERB    what it says on stderr before it ends with status 1 (VERB as in `disk-create`)
#   hold-VERB    it does not go on while this file is there
#   version      what it says it is; 2.1.3 without it
#   broken       what Lima would say is wrong with its machine
#   guest/       programs of the machine, first on its PATH
#   root         it refuses all, as it does when root calls it
# https://github.com/lima-vm/lima/tree/v2.1.3/cmd/limactl
state="$(cd "$(dirname "$0")/.." && pwd)/state"
lima="${LIMA_HOME:-$HOME/.lima}"
instance="$lima/finch"
disk="$lima/_disks/finch"
self="$(cd "$(dirname "$0")" && pwd)/$(basename "$0")"

say() { printf 'time="2026-08-20T15:40:09-07:00" level=%s msg="%s"\n' "$1" "$2" >&2; }
fatal() { say fatal "$1"; exit 1; }
trouble() { # VERB: waits, and ends, where a test wants it
  while [ -e "$state/hold-$1" ]; do sleep 0.05; done
  if [ -e "$state/fail-$1" ]; then cat "$state/fail-$1" >&2; exit 1; fi
}
lives() { # PID: and is not only waiting for somebody to notice its end
  kill -0 "$1" 2> /dev/null || return 1
  case "$(ps -o stat= -p "$1")" in Z* | '') return 1 ;; esac
}
alive() { # FILE: prints the process it names, if that lives
  [ -s "$1" ] || return 1
  read -r pid < "$1"
  lives "$pid" && echo "$pid"
}
setting() { sed -n "s/^$1: *\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" "$lima/_config/override.yaml" "$instance/lima.yaml" 2> /dev/null | head -1; }
bytes() { # SIZE
  case "$1" in
  *[Gg]*) echo $((${1%%[Gg]*} * 1073741824)) ;;
  *[Mm]*) echo $((${1%%[Mm]*} * 1048576)) ;;
  *[Kk]*) echo $((${1%%[Kk]*} * 1024)) ;;
  *) echo "${1%[Bb]}" ;;
  esac
}
sectors() { echo $((($1 + 511) / 512 * 512)); }
# FILE: a folder of the system is none that a machine may see
refused() { grep -Eqs '^ *- location: /(bin|dev|etc|home|opt|sbin|tmp|usr|var)?$' "$1"; }
REFUSED='field `mounts[1].mountPoint` must not be a system path such as /etc or /usr'
seen() { # FOLDER: whether the machine sees it
  sed -n 's/^ *- location: //p' "$instance/lima.yaml" | while read -r location; do
    case "$1/" in "$location"/*) echo yes; break ;; esac
  done
}
gib() { if [ $(($1 % 1073741824)) = 0 ]; then echo "$(($1 / 1073741824))GiB"; else echo "$(($1 / 1048576))MiB"; fi; }

# The processes of a machine end with its files, and so with the folder of the test.
case "$1" in
fake-hostagent)
  "$self" fake-qemu & qemu=$!
  echo "$qemu" > "$instance/qemu.pid"
  # A machine that was stopped lets go of its disk.
  trap 'kill -9 "$qemu" 2> /dev/null; rm -f "$instance/qemu.pid" "$instance/ha.sock" "$disk/in_use_by" "$instance/ha.pid"; exit' INT TERM
  echo $$ > "$instance/ha.pid.new"
  : > "$instance/ha.sock"
  mv "$instance/ha.pid.new" "$instance/ha.pid"
  echo '{"time":"2026-08-20T15:40:09-07:00","status":{}}' >> "$instance/ha.stdout.log"
  # It goes on although limactl is killed.
  while [ -e "$instance/ha.pid" ]; do
    if [ -n "$qemu" ] && [ ! -e "$state/hold-start" ] && [ ! -e "$state/fail-start" ]; then
      [ -n "$booted" ] || echo '{"time":"2026-08-20T15:40:09-07:00","status":{"running":true,"sshLocalPort":60022}}' >> "$instance/ha.stdout.log"
      booted=yes
    fi
    sleep 0.05
  done
  exit ;;
fake-qemu)
  while [ -e "$instance/qemu.pid" ] || [ ! -e "$instance/ha.pid" ] && [ -e "$instance/lima.yaml" ]; do sleep 0.1; done
  exit ;;
esac

printf '%s\n' "$*" >> "$state/calls"
env > "$state/environment"
[ ! -e "$state/root" ] || { echo 'limactl: must not run as the root user' >&2; exit 1; }

status() {
  host="$(alive "$instance/ha.pid")" || rm -f "$instance/ha.pid"
  driver="$(alive "$instance/qemu.pid")" || rm -f "$instance/qemu.pid"
  error=
  if refused "$instance/lima.yaml"; then
    error="$REFUSED"; status=
  elif [ -e "$state/broken" ]; then
    error="$(cat "$state/broken")"; status=Broken
  elif [ -n "$host" ] && [ -n "$driver" ]; then status=Running
  elif [ -n "$host" ]; then status=Broken; error='host agent is running but driver is not'
  elif [ -n "$driver" ]; then status=Broken; error='qemu driver is running but host agent is not'
  else status=Stopped
  fi
}

force=
case "$*" in *" -f "* | *" --force"*) force=yes ;; esac

case "$1" in
validate)
  trouble validate
  if refused "$2"; then fatal "failed to validate YAML file \`$2\`: $REFUSED"; fi
  say info "\`$2\`: OK" ;;
--version) trouble version; echo "limactl version $(cat "$state/version" 2> /dev/null || echo 2.1.3)" ;;
ls | list)
  trouble ls
  if [ ! -e "$instance/lima.yaml" ]; then
    [ ! -d "$instance" ] || fatal "unable to load instance finch: open $instance/lima.yaml: no such file or directory"
    say warning 'No instance matching finch found.'
    fatal 'unmatched instances'
  fi
  status
  [ -z "$error" ] || printf 'time="2026-08-20T15:40:09-07:00" level=warning msg="instance `finch` has errors" errors="[%s]"\n' "$error" >&2
  case "$*" in
  *--json*)
    printf '{"name":"finch","hostname":"lima-finch","status":"%s","dir":"%s","vmType":"qemu","arch":"x86_64"' "$status" "$instance"
    [ -z "$status" ] || printf ',"cpus":%s,"memory":%s,"disk":%s' "$(setting cpus)" "$(bytes "$(setting memory)")" "$(bytes "$(setting disk)")"
    [ -z "$host" ] || printf ',"sshLocalPort":60022,"hostAgentPID":%s' "$host"
    [ -z "$driver" ] || printf ',"driverPID":%s' "$driver"
    # Lima's own errors are empty there.
    [ -z "$error" ] || printf ',"errors":[]'
    printf ',"sshAddress":"127.0.0.1","protected":false,"limaVersion":"2.1.3","HostOS":"linux","HostArch":"x86_64","LimaHome":"%s"}\n' "$lima" ;;
  *) echo "$status" ;;
  esac ;;
start)
  trouble start-early
  made=
  for word in "$@"; do case "$word" in *.yaml) document="$word" ;; esac; done
  if [ ! -e "$instance/lima.yaml" ]; then
    [ ! -d "$instance" ] || fatal "instance \\\"finch\\\" already exists (\\\"$instance\\\")"
    [ -n "$document" ] || fatal 'template \"_images/ubuntu.yaml\" not found'
    [ -r "$document" ] || fatal "open $document: no such file or directory"
    if refused "$document"; then fatal "$REFUSED"; fi
    mkdir -p "$instance" && cp "$document" "$instance/lima.yaml" && printf 2.1.3 > "$instance/lima-version"
    say info 'Terminal is not available, proceeding without opening an editor'
    made=yes
  else
    [ -z "$document" ] || fatal 'instance `finch` already exists'
    say info 'Using the existing instance `finch`'
  fi
  status
  case "$status" in
  '')
    printf 'panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV]\n\ngoroutine 1 [running]:\nmain.main()\n' >&2
    exit 2 ;;
  Broken) fatal "errors inspecting instance: [$error]" ;;
  Running) say info 'The instance `finch` is already running. Run `limactl shell finch` to open the shell.'; exit ;;
  esac
  [ ! -e "$instance/ha.pid" ] || fatal "instance \\\"finch\\\" seems running (hint: remove \\\"$instance/ha.pid\\\" if the instance is not actually running)"
  say info 'Starting the instance \"finch\" with internal VM driver \"qemu\"'
  if [ -n "$made" ]; then
    say info 'Attempting to download the image" arch=x86_64 digest= location="https://example.com/image'
    say info 'Downloaded the image from `https://example.com/image`'
  fi
  : > "$instance/ha.stdout.log"
  {
    echo '{"level":"debug","msg":"Creating iso file","time":"2026-08-20T15:40:09-07:00"}'
    if [ -e "$state/fail-start" ]; then
      sed 's/[\\"]/\\&/g; s/'"$(printf '\033')"'/\\u001b/g; s/.*/{"level":"info","msg":"&","time":"2026-08-20T15:40:09-07:00"}/' "$state/fail-start"
    fi
  } > "$instance/ha.stderr.log"
  if grep -qs 'name: finch' "$instance/lima.yaml" "$lima/_config/override.yaml"; then
    [ -d "$disk" ] || fatal 'could not load disk \"finch\": disk does not exist'
    [ ! -e "$disk/in_use_by" ] || fatal 'could not attach disk \"finch\", in use by instance \"finch\"'
    echo "$instance" > "$disk/in_use_by"
  fi
  # Like Lima, which gives it a session of its own, so that it outlives limactl.
  setsid "$self" fake-hostagent < /dev/null > /dev/null 2>&1 &
  while [ ! -e "$instance/ha.pid" ]; do sleep 0.02; done
  say info '[hostagent] hostagent socket created at '"$instance/ha.sock"
  say info '[hostagent] Starting QEMU (hint: to watch the boot progress, see \"'"$instance"'/serial*.log\")'
  say info 'SSH Local Port: 60022'
  say info '[hostagent] Waiting for the essential requirement 1 of 3: \"ssh\"'
  say info '[hostagent] Waiting for the essential requirement 1 of 3: \"ssh\"'
  # The machine stays up when limactl gives up.
  trouble start
  until grep -q '"running":true' "$instance/ha.stdout.log"; do
    [ -e "$instance/ha.pid" ] || fatal 'host agent process has exited: signal: killed'
    sleep 0.02
  done
  say info '[hostagent] The essential requirement 1 of 3 is satisfied'
  say info '[hostagent] Waiting for the essential requirement 2 of 3: \"user session is ready for ssh\"'
  say info '[hostagent] Waiting for the optional requirement 2 of 2: \"containerd binaries to be installed\"'
  say info '[hostagent] Waiting for the final requirement 1 of 1: \"boot scripts must have finished\"'
  say info 'READY. Run `limactl shell finch` to open the shell.' ;;
stop)
  [ -e "$instance/lima.yaml" ] || fatal "open $instance/lima.yaml: no such file or directory"
  status
  if [ -n "$force" ]; then
    trouble stop-force
    [ -z "$driver" ] || { say info "Sending SIGKILL to the qemu driver process $driver"; kill -9 "$driver"; }
    [ -z "$host" ] || { say info "Sending SIGKILL to the host agent process $host"; kill -9 "$host"; }
    say info "Removing *.pid *.sock *.tmp under \\\"$instance\\\""
    rm -f "$instance"/*.pid "$instance"/*.sock "$instance"/*.tmp "$disk/in_use_by" "$state/broken"
    exit
  fi
  [ "$status" = Running ] || fatal "expected status \\\"Running\\\", got \\\"$status\\\" (maybe use \`limactl stop -f\`?)"
  say info "Sending SIGINT to hostagent process $host"
  trouble stop
  # A shell's background process may not hear SIGINT.
  kill -TERM "$host"
  say info 'Waiting for the host agent and the driver processes to shut down'
  while lives "$host"; do sleep 0.02; done
  say info 'The instance finch has shut down' ;;
delete | remove | rm)
  trouble delete
  if [ ! -d "$instance" ]; then say warning 'Ignoring non-existent instance `finch`'; exit; fi
  status
  [ -n "$force" ] || [ "$status" = Stopped ] || fatal "failed to delete instance \`finch\`: expected status \\\"Stopped\\\", got \\\"$status\\\""
  [ -z "$driver" ] || kill -9 "$driver"
  [ -z "$host" ] || kill -9 "$host"
  rm -rf "$instance" "$disk/in_use_by" "$state/broken"
  say info "Deleted \`finch\` (\`$instance\`)" ;;
shell)
  shift
  where=
  while :; do
    case "$1" in
    --workdir) where="$2"; shift 2 ;;
    --workdir=*) where="${1#*=}"; shift ;;
    -*) shift ;;
    *) break ;;
    esac
  done
  shift
  [ -e "$instance/lima.yaml" ] || fatal 'instance `finch` does not exist, run `limactl create finch` to create a new instance'
  status
  [ "$status" != Stopped ] || fatal 'instance `finch` is stopped, run `limactl start finch` to start the instance'
  trouble shell
  mkdir -p "$lima/guest-home"
  if [ -n "$where" ]; then cd "$where" || exit 1
  elif [ -z "$(seen "$PWD")" ]; then cd "${HOME:-$lima/guest-home}" || exit 1; fi
  # The socket that Lima forwards is here the one that it forwards to.
  socket="$(sed -n 's/^ *hostSocket: *//p' "$instance/lima.yaml")"
  for word; do
    shift
    case "$word" in
    FINCH_SOCKET=*) [ -z "$socket" ] || word="FINCH_SOCKET=$socket" ;;
    # Its own programs are where a machine's PATH leads to.
    PATH=*) word="PATH=$state/guest:${word#PATH=}" ;;
    esac
    set -- "$@" "$word"
  done
  # The machine knows nothing of the caller's environment.
  exec env -i "PATH=$state/guest:$state/guest/sudo:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    "HOME=$lima/guest-home" "USER=lima" "LANG=C.UTF-8" "FAKE_LIMA_STATE=$state" "$@" ;;
disk)
  verb="$2"; shift 2
  name= size=
  while [ $# -gt 0 ]; do
    case "$1" in
    --size) size="$2"; shift 2 ;;
    --format) shift 2 ;;
    --size=*) size="${1#*=}"; shift ;;
    -*) [ "$1" != --json ] || json=yes; shift ;;
    *) name="$1"; shift ;;
    esac
  done
  trouble "disk-$verb"
  case "$verb" in
  ls | list)
    if [ ! -d "$disk" ]; then
      [ -n "$json" ] || printf 'NAME    SIZE    FORMAT    DIR    IN-USE-BY\n'
      [ -z "$name" ] || say warning "No disk matching $name found."
      exit
    fi
    size="$(cat "$disk/datadisk")"
    used=; dir=
    if [ -e "$disk/in_use_by" ]; then used=finch; dir="$(cat "$disk/in_use_by")"; fi
    if [ -n "$json" ]; then
      printf '{"name":"finch","size":%s,"format":"qcow2","dir":"%s","instance":"%s","instanceDir":"%s","mountPoint":"/mnt/lima-finch"}\n' "$size" "$disk" "$used" "$dir"
    else
      human="$(gib "$size")"
      printf "%-9s%-9s%-10s%-$((${#disk} + 4))s%s\n" NAME SIZE FORMAT DIR IN-USE-BY
      printf '%-9s%-9s%-10s%s    %s\n' finch "$human" qcow2 "$disk" "$used"
    fi ;;
  create)
    [ ! -d "$disk" ] || fatal "disk \`finch\` already exists (\`$disk\`)"
    mkdir -p "$disk" && sectors "$(bytes "$size")" > "$disk/datadisk"
    say info "Creating raw disk \`finch\` with size $(gib "$(bytes "$size")")" ;;
  resize)
    [ -d "$disk" ] || fatal "disk \`$name\` does not exists"
    now="$(cat "$disk/datadisk")"; wanted="$(sectors "$(bytes "$size")")"
    [ "$wanted" -ge "$now" ] || fatal "specified size \`$(gib "$wanted")\` is less than the current disk size \`$(gib "$now")\`. Disk shrinking is currently unavailable"
    if [ -e "$disk/in_use_by" ]; then
      status
      [ "$status" != Running ] || fatal 'cannot resize disk `finch` used by running instance `finch`. Please stop the VM instance'
    fi
    echo "$wanted" > "$disk/datadisk"
    say info "Resized disk \`finch\` (\`$disk\`)" ;;
  unlock)
    if [ ! -d "$disk" ]; then say warning "Ignoring non-existent disk \`$name\`"; exit; fi
    if [ ! -e "$disk/in_use_by" ]; then say warning "Ignoring unlocked disk \`finch\`"; exit; fi
    status
    [ "$status" != Running ] || { say warning 'Cannot unlock disk `finch` used by running instance `finch`'; exit; }
    rm -f "$disk/in_use_by"
    say info "Unlocked disk \`finch\` (\`$disk\`)" ;;
  esac ;;
*) fatal "unknown command \\\"$1\\\" for \\\"limactl\\\"" ;;
esac
