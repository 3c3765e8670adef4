# shellcheck shell=bash
# An installation on three real Docker hosts in network namespaces, or on this machine's own Docker, with a real worker and
# proxy: for benchmarks.

. bin/lib/packages.sh
. bin/lib/postgres.sh
. bin/lib/configuration.sh
. bin/lib/docker.sh
. bin/lib/scratch.sh
. bin/lib/program.sh

HOSTS="$ROOT/tests/cluster/hosts"
STARTED=()

finish() {
    local pid
    for pid in "${STARTED[@]}"; do kill "$pid" 2>/dev/null || true; done
    "$HOSTS" down || true
    stop_cluster scratch
} >&2

bench_program() {
    make_folders
    if [ -z "${SAYOO_BIN:-}" ]; then
        env -u DATABASE_URL SQLX_OFFLINE=true cargo build --release --locked --bin sayoo >&2
        SAYOO_BIN=$(target_folder)/release/sayoo
    fi
    export SAYOO_BIN SAYOO=$SAYOO_BIN
}

# Containers on the hosts reach the tenants' databases at the bridge.
cluster_settings_scratch() {
    cluster_settings_both "$1"
    printf "listen_addresses = '127.0.0.1,10.77.0.1'\nmax_connections = 300\nfsync = off\njit = off\n"
}
cluster_access_scratch() {
    cluster_access_control
    printf 'host  all all 10.77.0.0/24 scram-sha-256\n'
}

# Starts the hosts. Everything ends with the script that calls it.
bench_hosts() {
    is_root || fail "only root can make network namespaces" "sudo bin/bench $BENCH"
    bench_program
    export SAYOO_CLUSTER_VAR=$SAYOO_VAR/cluster
    trap finish EXIT
    trap 'exit 130' INT TERM
    "$HOSTS" fresh >&2
}

bench_databases() {
    scratch_database sayoo_bench >&2
    PSQL="$(postgres_programs)/psql"
    ensure_secrets
    platform_sql | "$PSQL" --no-psqlrc --quiet "$DATABASE_URL" >&2
    port=${DATABASE_URL##*:} port=${port%%/*}
}

bench_image_here() {
    IMAGE=${BENCH_IMAGE:-sayoo/odoo:19.0}
    docker image inspect "$IMAGE" >/dev/null 2>&1 || fail "this machine's Docker has no image $IMAGE" "docker/odoo/build makes it; or set BENCH_IMAGE"
}

bench_image() {
    bench_image_here
    say "giving the hosts the image $IMAGE" >&2
    "$HOSTS" load "$IMAGE" >&2
}

# On the first of the three hosts; or on the engine BENCH_DOCKER, which publishes ports on BENCH_ADDRESS and whose containers find
# the databases at BENCH_GATEWAY.
bench_configuration() {
    local docker=${BENCH_DOCKER:-unix://${SAYOO_CLUSTER_VAR:-}/1/docker.sock} address=${BENCH_ADDRESS:-10.77.0.11}
    local gateway=${BENCH_GATEWAY:-10.77.0.1} registry='registry = "10.77.0.1:5000"'
    if [ -n "${BENCH_DOCKER:-}" ]; then registry=; fi
    SAYOO_CONFIG=$SAYOO_VAR/sayoo.toml
    export SAYOO_CONFIG
    PROXY_PORT=$(free_port 18990)
    cat >"$SAYOO_CONFIG" <<TOML
[installation]
name = "${BENCH_NAME:-sayoo-bench}"
data_dir = "$SAYOO_VAR"
[public]
portal_url = "http://localhost:$PROXY_PORT"
instances_url = "http://{name}.localhost:$PROXY_PORT"
mode = "development"
[database]
owner_url = "$DATABASE_URL"
web_url = "$DATABASE_URL"
worker_url = "$DATABASE_URL"
proxy_url = "$DATABASE_URL"
[web]
listen = "127.0.0.1:$(free_port $((PROXY_PORT + 1)))"
sso_key_file = "$SECRETS/sso.key"
cookie_key_file = "$SECRETS/cookie.key"
[proxy]
listen = "127.0.0.1:$PROXY_PORT"
web_upstream = "127.0.0.1:9"
table_file = "$SAYOO_VAR/proxy/routes.json"
[worker]
docker = "$docker"
sealing_key_file = "$SECRETS/sealing.key"
upstream_address = "$address"
sso_public_key_file = "$SAYOO_VAR/sso.public"
docker_certificates = "${SAYOO_CLUSTER_VAR:-$SAYOO_VAR}/certificates"
[tenants]
admin_url = "postgres://sayoo_platform:$(password_of platform)@127.0.0.1:$port/postgres"
host_for_containers = "$gateway"
port_for_containers = $port
[odoo]
image = "$IMAGE"
$registry
[pool]
spares = 0
[mail]
from = "Sayoo <no-reply@localhost>"
TOML
}

# bench_installation NAME: hosts, databases, worker and proxy, ready for orders.
bench_installation() {
    BENCH=$1
    bench_hosts
    bench_databases
    bench_image
    bench_configuration
    "$SAYOO_BIN" migrate >&2
    "$SAYOO_BIN" setup >&2
    for role in worker proxy; do
        "$SAYOO_BIN" "$role" >"$LOGS/$role.log" 2>&1 </dev/null &
        STARTED+=("$!")
    done
    "$SAYOO_BIN" host add 10.77.0.12 --name host-2 --wait >&2
    "$SAYOO_BIN" host add 10.77.0.13 --name host-3 --wait >&2
    "$SAYOO_BIN" wait-ready >&2
    # The first keeps the worker's orders.
    FIRST=$("$PSQL" -qAtX "$DATABASE_URL" -c "SELECT name FROM hosts WHERE upstream_address = '10.77.0.11'")
    export HOSTS PSQL DATABASE_URL PROXY_PORT IMAGE FIRST
}
