# shellcheck shell=bash
# What the benchmarks of `sayoo proxy` alone need: programs, a release build, and a control database of their own. Sourced after common.sh.

. bin/lib/packages.sh
. bin/lib/postgres.sh
. bin/lib/configuration.sh
. bin/lib/docker.sh
. bin/lib/scratch.sh
. bin/lib/program.sh

# Prepares a benchmark that uses these programs (PROGRAM:PACKAGE …), and exports SAYOO_BIN, PSQL and DATABASE_URL.
prepare_proxy_bench() {
    local need missing=()
    # Debian has some of them in folders that are an administrator's.
    export PATH="$PATH:/usr/sbin:/sbin"
    for need in "$@"; do
        command -v "${need%%:*}" >/dev/null || missing+=("${need#*:}")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        # Debian starts nginx when it is installed; this one is only a program to us.
        as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends "${missing[@]}" >&2
    fi
    make_folders
    if [ -z "${SAYOO_BIN:-}" ]; then
        env -u DATABASE_URL SQLX_OFFLINE=true cargo build --release --locked --bin sayoo >&2
        SAYOO_BIN=$(target_folder)/release/sayoo
    fi
    trap 'stop_cluster scratch >&2' EXIT
    scratch_database sayoo_bench >&2
    apply_migrations
    PSQL="$(postgres_programs)/psql"
    export SAYOO_BIN PSQL DATABASE_URL
}
