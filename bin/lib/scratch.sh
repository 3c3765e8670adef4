# shellcheck shell=bash
# A PostgreSQL cluster whose data may be lost at any moment: for tests and for checking queries.

# Without fsync. Containers reach it as they reach the tenants' cluster, where Docker runs.
cluster_settings_scratch() {
    cluster_settings_both "$1"
    local gateway=
    if docker_answers; then gateway=",$(docker_gateway)"; fi
    cat <<CONF
listen_addresses = '127.0.0.1$gateway'
max_connections = 300
fsync = off
synchronous_commit = off
full_page_writes = off
jit = off
CONF
}

cluster_access_scratch() {
    cluster_access_control
    if docker_answers; then printf 'host  all all      %s scram-sha-256\n' "$(docker_network)"; fi
}

# Starts it, makes an empty database NAME in it, and exports its address as DATABASE_URL.
# The role may do anything: tests make databases, roles and platform roles as they need.
scratch_database() {
    local port name=$1 address
    ensure_secret scratch.password 24
    find_postgres_home
    port=$(free_port "${SAYOO_SCRATCH_PORT:-15450}")
    ensure_cluster scratch "$port"
    {
        ensure_role_sql sayoo_scratch "$(password_of scratch)" SUPERUSER
        echo "DROP DATABASE IF EXISTS $name WITH (FORCE);"
        echo "CREATE DATABASE $name OWNER sayoo_scratch TEMPLATE template0;"
    } | superuser_sql "$port" postgres
    address="postgres://sayoo_scratch:$(password_of scratch)@127.0.0.1:$port/$name"
    export DATABASE_URL=$address
}

# The schema, from the migrations, without a program that could be out of date.
apply_migrations() {
    local file
    for file in migrations/*.sql; do
        "$(postgres_programs)/psql" --no-psqlrc --quiet --single-transaction --set ON_ERROR_STOP=1 \
            --file "$file" "$DATABASE_URL" >/dev/null || fail "the migration $file fails" "See above."
    done
}

# The schema in the template that each test's database is a copy of: copying takes a tenth of the time of the migrations.
# They are noted as sqlx notes them, so that it looks at their checksums and finds nothing left to do.
template_with_schema() {
    local file name
    DATABASE_URL=${DATABASE_URL%/*}/template1 apply_migrations
    {
        echo "CREATE TABLE _sqlx_migrations (
                  version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now()
                , success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL);"
        for file in migrations/*.sql; do
            name=$(basename "$file" .sql)
            printf "INSERT INTO _sqlx_migrations VALUES (%s, '%s', now(), true, '\\\\x%s', 0);\n" \
                "${name%%_*}" "$(tr _ ' ' <<<"${name#*_}")" "$(sha384sum "$file" | cut -d' ' -f1)"
        done
    } | "$(postgres_programs)/psql" --no-psqlrc --quiet --set ON_ERROR_STOP=1 "${DATABASE_URL%/*}/template1" ||
        fail "the tests' template cannot be made" "See above."
}

# Writes what each query answers, as sqlx wants it while compiling without a database:
# prepare_queries FOLDER. The roots of the crates are touched, because cargo does not look at
# the queries of a crate again that has not changed.
prepare_queries() {
    mkdir -p "$1"
    find src/lib.rs src/main.rs tests -maxdepth 2 -name '*.rs' -exec touch {} +
    SQLX_OFFLINE_DIR="$(realpath "$1")" SQLX_OFFLINE=false cargo check --locked --all-targets
}
