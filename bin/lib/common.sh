# shellcheck shell=bash
# What every script in bin/ shares: where things are, how it speaks, how it stops.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$ROOT"

# Debian's `su` leaves out the folders of what root runs, and a service of systemd has no home.
PATH="$PATH:/usr/sbin:/sbin"
HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
export PATH HOME

# Everything an installation keeps on this machine is below this folder, so that a second
# installation (the one bin/test makes) needs nothing but another folder and other ports.
SAYOO_VAR=$(realpath -m "${SAYOO_VAR:-$ROOT/var}")
SECRETS="$SAYOO_VAR/secrets"
LOGS="$SAYOO_VAR/log"
RUN="$SAYOO_VAR/run"
SETTINGS="$SAYOO_VAR/settings"
SAYOO_CONFIG="$SAYOO_VAR/sayoo.toml"
export SAYOO_CONFIG

STARTED_AT=$(date +%s)

say() { printf '%s\n' "$*"; }

# A step that has been done; the time is that since the script began.
done_with() { printf '  ✓ %s (%s s)\n' "$*" "$(($(date +%s) - STARTED_AT))"; }

# Stops with what is wrong and, on the following lines, what to do about it.
fail() {
    printf '\n✗ %s\n' "$1" >&2
    shift
    local line
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# Runs a command as root: directly, or through sudo.
as_root() {
    if is_root; then
        "$@"
    elif command -v sudo >/dev/null; then
        # A question in the background would wait for ever: nobody sees it.
        sudo ${SAYOO_BACKGROUND:+-n} "$@"
    else
        fail "this needs root: $*" "Run bin/up as root, or install sudo and allow it for $(id -un)."
    fi
}

# Before long steps that need root in the background: sudo asks now, and remembers for a while.
ask_for_root() {
    is_root || as_root true || fail "sudo does not let $(id -un) run commands as root" \
        "Run bin/up as root, or as root: usermod -aG sudo $(id -un), then log in anew."
}

# Whether something accepts connections at 127.0.0.1:PORT.
port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The first free port of a range nobody is likely to use: free_port FROM.
free_port() {
    local port=$1
    while port_answers "$port"; do port=$((port + 1)); done
    printf '%s' "$port"
}

# Whether a process is alive (also when it belongs to another user).
alive() { [ -n "${1:-}" ] && [ -d "/proc/$1" ]; }

# Random bytes, as hexadecimal text: random_hex BYTES.
random_hex() { od -An -N "$1" -v -t x1 /dev/urandom | tr -d ' \n'; }

# The folders of the installation. The first is open for passing through only, because the
# database servers below it run as another user when bin/up runs as root.
make_folders() {
    mkdir -p "$SAYOO_VAR" "$SECRETS" "$LOGS" "$RUN" "$SAYOO_VAR/bin" "$SAYOO_VAR/proxy"
    chmod 711 "$SAYOO_VAR"
    chmod 700 "$SECRETS" "$LOGS" "$SAYOO_VAR/proxy"
}

# Ports and name of the installation. The first run decides (environment, else default) and
# writes them down: a later run, or bin/down, finds the same installation without being told.
load_settings() {
    local wanted=${SAYOO_PORT:-} address=${SAYOO_ADDRESS:-}
    if [ -f "$SETTINGS" ]; then
        # shellcheck disable=SC1090
        . "$SETTINGS"
        if [ -n "$wanted" ] && [ "$wanted" != "$SAYOO_PORT" ]; then
            fail "this installation uses port $SAYOO_PORT, not $wanted" \
                "To move it: bin/down, change the port in $SETTINGS and in $SAYOO_CONFIG, bin/up."
        fi
    fi
    SAYOO_PORT=${SAYOO_PORT:-8080}
    SAYOO_WEB_PORT=${SAYOO_WEB_PORT:-$((SAYOO_PORT + 1))}
    SAYOO_CONTROL_PORT=${SAYOO_CONTROL_PORT:-5440}
    SAYOO_TENANTS_PORT=${SAYOO_TENANTS_PORT:-5441}
    SAYOO_NAME=${SAYOO_NAME:-sayoo}
    # A machine that was alone may get an address later; one that has it keeps it.
    SAYOO_ADDRESS=${address:-${SAYOO_ADDRESS:-}}
}

# On the first run, while another choice still costs nothing.
check_ports() {
    [ -f "$SETTINGS" ] && return
    local name
    for name in SAYOO_PORT SAYOO_WEB_PORT SAYOO_CONTROL_PORT SAYOO_TENANTS_PORT; do
        # A control database elsewhere may well be at that port.
        [ "$name" = SAYOO_CONTROL_PORT ] && [ -n "${DATABASE_URL:-}" ] && continue
        if port_answers "${!name}"; then
            fail "port ${!name} is taken by something else" \
                "Stop it ('ss -ltnp' names it), or choose another: $name=$((${!name} + 1000)) bin/up"
        fi
    done
}

# What to do about a port that was taken after the first run: port_is_taken PORT FOR.
port_is_taken() {
    fail "port $1, for $2, is taken by something else" "Stop it ('ss -ltnp' names it), or move: bin/down," \
        "change the port in $SETTINGS and in $SAYOO_CONFIG, bin/up."
}

save_settings() {
    if [ -f "$SETTINGS" ]; then
        if [ -n "$SAYOO_ADDRESS" ] && ! grep -q '^SAYOO_ADDRESS=' "$SETTINGS"; then
            say "SAYOO_ADDRESS=$SAYOO_ADDRESS" >>"$SETTINGS"
        fi
        return
    fi
    {
        say "# Chosen by the first bin/up; see docs/operations.md before changing."
        say "SAYOO_PORT=$SAYOO_PORT"
        say "SAYOO_WEB_PORT=$SAYOO_WEB_PORT"
        say "SAYOO_CONTROL_PORT=$SAYOO_CONTROL_PORT"
        say "SAYOO_TENANTS_PORT=$SAYOO_TENANTS_PORT"
        say "SAYOO_NAME=$SAYOO_NAME"
        if [ -n "$SAYOO_ADDRESS" ]; then say "SAYOO_ADDRESS=$SAYOO_ADDRESS"; fi
    } >"$SETTINGS"
}
