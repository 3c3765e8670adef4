# shellcheck shell=bash
# Debian packages: asks what is missing, and installs only that.

has_package() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Adds a package to MISSING unless the command it brings is there already.
need_command() {
    command -v "$1" >/dev/null || MISSING+=("$2")
}

need_package() { has_package "$1" || MISSING+=("$1"); }

# Packages for building and running; `with_tests` adds those of bin/test.
install_packages() {
    MISSING=()
    need_command dockerd docker.io
    need_command mmdebstrap mmdebstrap
    need_command pip3 python3-pip
    need_command npm npm
    need_command node nodejs
    need_command cc build-essential
    need_command pkg-config pkg-config
    need_command curl curl
    need_command python3 python3
    python3 -m pip --version >/dev/null 2>&1 || MISSING+=(python3-pip)
    need_command ip iproute2
    need_command setsid util-linux
    need_command sg login
    if [ -n "${SAYOO_ADDRESS:-}" ] || [ "${1:-}" = with_tests ]; then need_command docker-registry docker-registry; fi
    need_package ca-certificates
    # Invoices are set in them.
    need_package fonts-noto-core
    postgres_programs >/dev/null || MISSING+=(postgresql)
    # dockerd refuses to start containers where the kernel has AppArmor and its parser is missing.
    if [ -d /sys/kernel/security/apparmor ]; then need_command apparmor_parser apparmor; fi
    if [ "${1:-}" = with_tests ]; then
        need_command chromium chromium
        python3 -c 'import ensurepip' 2>/dev/null || MISSING+=(python3-venv)
        need_command shellcheck shellcheck
        need_command pebble pebble
        need_command knotd knot
        python3 -c 'import ensurepip' 2>/dev/null || MISSING+=(python3-venv)
        docker compose version >/dev/null 2>&1 || need_command docker-compose docker-compose
    fi
    # Debian 13 has Docker's client in a package of its own; Debian 12 in docker.io.
    if ! command -v docker >/dev/null && [[ " ${MISSING[*]} " != *" docker.io "* ]]; then
        MISSING+=(docker-cli)
    fi
    [ ${#MISSING[@]} -eq 0 ] && return

    command -v apt-get >/dev/null || fail "this is not a Debian machine, and something is missing: ${MISSING[*]}" \
        "Install the equivalents of these packages by hand, then run bin/up again."
    say "Installing Debian packages: ${MISSING[*]}"
    ask_for_root
    run_together "packages" apt_install
}

apt_install() {
    as_root apt-get update
    if [[ " ${MISSING[*]} " == *" docker-registry "* ]] && [ -d /run/systemd/system ]; then
        # Debian's own would serve everybody without asking who they are; ours is started by us.
        as_root systemctl mask docker-registry.service
    fi
    if [[ " ${MISSING[*]} " == *" docker.io "* ]]; then
        # Before the package starts a daemon with Debian's defaults.
        write_docker_configuration
        if apt-cache show docker-cli >/dev/null 2>&1; then MISSING+=(docker-cli); fi
    fi
    if [[ " ${MISSING[*]} " == *" postgresql "* ]] && ! has_package postgresql-common; then
        # The clusters are ours and private: Debian's own on port 5432 would only take memory.
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql-common
        as_root sed -i 's/^#\? *create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${MISSING[@]}"
    if [[ " ${MISSING[*]} " == *" docker-registry "* ]] && [ ! -d /run/systemd/system ]; then
        as_root /etc/init.d/docker-registry stop || true
    fi
    if [[ " ${MISSING[*]} " == *" knot "* ]] && [ -d /run/systemd/system ]; then
        # Tests start name servers of their own; the machine needs none.
        as_root systemctl disable --now knot || true
    fi
}

# Rust is not a package of ours: people have it through rustup, in their own version.
check_rust() {
    local wanted have
    # shellcheck disable=SC1091
    if [ -f "$HOME/.cargo/env" ]; then . "$HOME/.cargo/env"; fi
    wanted=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
    command -v cargo >/dev/null || fail "cargo is not on the PATH" \
        "Install Rust $wanted or newer from https://rustup.rs, open a new shell, run bin/up again." \
        "With 'sudo bin/up' root's PATH counts: run bin/up as yourself, it asks for sudo where needed."
    have=$(rustc --version 2>/dev/null | cut -d' ' -f2 || true)
    [ -n "$have" ] || fail "rustup has no toolchain to run" "rustup default stable"
    if [ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -1)" != "$wanted" ]; then
        if command -v rustup >/dev/null; then
            fail "Rust $have is too old; $wanted or newer is needed" "rustup update stable"
        fi
        # Debian's own, most likely.
        fail "Rust $have in $(command -v rustc) is too old; $wanted or newer is needed" \
            "Install it from https://rustup.rs, open a new shell, run bin/up again."
    fi
}
