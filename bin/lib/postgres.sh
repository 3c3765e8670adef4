# shellcheck shell=bash
# Two private PostgreSQL clusters: `control` (the portal's own database) and `tenants` (the
# customers'). They are apart so that either can be down, or restored, without the other.

# The folder with initdb, pg_ctl and postgres of one version: postgres_programs [VERSION].
postgres_programs() {
    local found
    # A client of a newer version may be there without a server.
    found=$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path "*/${1:-[0-9]*}/bin/initdb" 2>/dev/null | sort -V | tail -n 1)
    [ -n "$found" ] && printf '%s' "${found%/initdb}"
}

# PostgreSQL refuses to run as root; then it runs as Debian's `postgres`.
if is_root; then POSTGRES_USER=postgres; else POSTGRES_USER=$(id -un); fi

as_postgres() {
    if is_root; then
        (cd / && runuser -u postgres -- "$@")
    else
        (cd / && "$@")
    fi
}

# var/postgres, or what it links to. A clone below a closed folder (/root, say) cannot be
# entered by the user `postgres`; then the clusters live in /var/lib/sayoo, under a name made
# from the path of the clone, and var/postgres is a link to them.
find_postgres_home() {
    local link="$SAYOO_VAR/postgres"
    if [ ! -e "$link" ]; then
        if is_root && { ! as_postgres test -x "$SAYOO_VAR" || [ ${#link} -gt 80 ]; }; then
            local elsewhere
            elsewhere=/var/lib/sayoo/$(printf '%s' "$SAYOO_VAR" | sha256sum | cut -c 1-12)
            mkdir -p "$elsewhere"
            ln -sfn "$elsewhere" "$link"
        else
            mkdir -p "$link"
        fi
        if is_root; then chown "$POSTGRES_USER:" "$link/"; fi
    fi
    POSTGRES_HOME=$(realpath "$link")
    mkdir -p "$POSTGRES_HOME/run"
    if is_root; then chown "$POSTGRES_USER:" "$POSTGRES_HOME" "$POSTGRES_HOME/run"; fi
    # The path of a socket may not be longer than 107 bytes.
    if [ ${#POSTGRES_HOME} -gt 80 ]; then
        fail "the path $POSTGRES_HOME is too long for PostgreSQL's socket" "Clone into a shorter path, or set SAYOO_VAR."
    fi
}

# SQL from standard input, as the local superuser: superuser_sql PORT DATABASE. Statements are
# kept out of the server's log, because they carry passwords.
superuser_sql() {
    { printf 'SET log_min_error_statement = panic; SET client_min_messages = warning;\n'; cat; } |
        as_postgres "$(postgres_programs)/psql" --no-psqlrc --quiet --tuples-only --no-align \
            --set ON_ERROR_STOP=1 --host "$POSTGRES_HOME/run" --port "$1" --username postgres --dbname "$2"
}

# ensure_cluster NAME PORT: made, configured and running.
ensure_cluster() {
    local name=$1 port=$2 data="$POSTGRES_HOME/$1" version programs changed=
    if ! as_postgres test -f "$data/PG_VERSION"; then
        programs=$(postgres_programs) || fail "PostgreSQL is not installed" "apt-get install postgresql"
        as_postgres "$programs/initdb" --pgdata "$data" --username postgres --encoding UTF8 --locale C.UTF-8 \
            --data-checksums --auth-local peer --auth-host scram-sha-256 >"$LOGS/initdb-$name.log" 2>&1 ||
            fail "initdb failed: $(tail -n 1 "$LOGS/initdb-$name.log")" "The log: $LOGS/initdb-$name.log"
        printf "include 'sayoo.conf'\ninclude_if_exists 'local.conf'\n" | as_postgres tee -a "$data/postgresql.conf" >/dev/null
        done_with "PostgreSQL cluster '$name' made"
    fi
    version=$(as_postgres cat "$data/PG_VERSION")
    programs=$(postgres_programs "$version") || fail "the cluster $data is of PostgreSQL $version, which is not installed" \
        "apt-get install postgresql-$version (upgrading a cluster: docs/operations.md)"

    if replace_as_postgres "$data/sayoo.conf" "$("cluster_settings_$name" "$port")"; then changed=restart; fi
    if replace_as_postgres "$data/pg_hba.conf" "$("cluster_access_$name")"; then changed=${changed:-reload}; fi
    if replace_as_postgres "$data/pg_ident.conf" "sayoo $POSTGRES_USER postgres"; then changed=${changed:-reload}; fi

    if as_postgres "$programs/pg_ctl" --pgdata "$data" status >/dev/null 2>&1; then
        case $changed in
            restart) as_postgres "$programs/pg_ctl" --pgdata "$data" --mode fast --wait stop >/dev/null ;;
            reload) as_postgres "$programs/pg_ctl" --pgdata "$data" reload >/dev/null && return ;;
            *) return 0 ;;
        esac
    elif port_answers "$port"; then
        port_is_taken "$port" "the PostgreSQL cluster '$name'"
    fi
    # A session that wants more memory is refused it, instead of the kernel ending one, and with it those of all tenants. The largest
    # value that PostgreSQL answers with takes 2.5 GiB.
    as_postgres prlimit --data=$((3 << 30)) "$programs/pg_ctl" --pgdata "$data" --log "$POSTGRES_HOME/$name.log" --wait --timeout 120 start >/dev/null </dev/null 8>&- 9>&- ||
        fail "the PostgreSQL cluster '$name' does not start" \
            "$(as_postgres tail -n 3 "$POSTGRES_HOME/$name.log")" "The log: $POSTGRES_HOME/$name.log"
    done_with "PostgreSQL cluster '$name' runs on port $port"
}

# Writes a file if its content is to change; says whether it did.
replace_as_postgres() {
    [ "$(as_postgres cat "$1" 2>/dev/null)" = "$2" ] && return 1
    printf '%s\n' "$2" | as_postgres tee "$1" >/dev/null
    as_postgres chmod 600 "$1"
}

cluster_settings_both() {
    cat <<CONF
# Written by bin/up and overwritten by it: put your own settings into local.conf beside it.
port = $1
unix_socket_directories = '$POSTGRES_HOME/run'
unix_socket_permissions = 0700
shared_buffers = 128MB
wal_compression = on
min_wal_size = 256MB
max_wal_size = 2GB
checkpoint_timeout = 15min
password_encryption = scram-sha-256
log_line_prefix = '%m [%p] %q%u@%d '
log_timezone = 'UTC'
timezone = 'UTC'
CONF
}

cluster_settings_control() {
    cluster_settings_both "$1"
    cat <<CONF
listen_addresses = '127.0.0.1'
max_connections = 300
CONF
}

cluster_settings_tenants() {
    cluster_settings_both "$1"
    cat <<CONF
# Containers come in at the address of Docker's bridge, and those of other machines at ours.
listen_addresses = '127.0.0.1,$(docker_gateway)${SAYOO_ADDRESS:+,$SAYOO_ADDRESS}'
max_connections = 500
superuser_reserved_connections = 5
# Odoo's queries are many and short: compiling them costs more than it saves.
jit = off
# A tenant that forgets a transaction keeps vacuum from its tables.
idle_in_transaction_session_timeout = '10min'
# Whose client is gone need not be answered.
client_connection_check_interval = '10s'
# One sort of one tenant does not fill everybody's disk. Only a superuser may raise it.
temp_file_limit = '2GB'
# All databases share one table of locks; the worker ends who takes much of it.
max_locks_per_transaction = 256
CONF
}

# The bootstrap superuser exists for this machine's own user and the socket only.
cluster_access_control() {
    cat <<'CONF'
local all postgres              peer map=sayoo
host  all postgres 0.0.0.0/0    reject
local all all                   scram-sha-256
host  all all      127.0.0.1/32 scram-sha-256
CONF
}

cluster_access_tenants() {
    cluster_access_control
    printf 'host  all sayoo_platform 0.0.0.0/0 reject\n'
    printf 'host  all all      %s scram-sha-256\n' "$(docker_network)"
    if [ -n "${SAYOO_ADDRESS:-}" ]; then printf 'host  all all      %s scram-sha-256\n' "$(private_network)"; fi
}

# The control database and its roles. What each may touch is granted by `sayoo migrate`.
ensure_control_database() {
    local port=$SAYOO_CONTROL_PORT
    {
        local role
        for role in owner web worker proxy; do ensure_role_sql "sayoo_$role" "$(password_of "$role")" ""; done
        ensure_role_sql sayoo_sandbox "$(password_of sandbox)" "NOSUPERUSER NOCREATEROLE CREATEDB"
    } | superuser_sql "$port" postgres
    if [ -z "$(echo "SELECT 1 FROM pg_database WHERE datname = 'sayoo';" | superuser_sql "$port" postgres)" ]; then
        echo "CREATE DATABASE sayoo OWNER sayoo_owner TEMPLATE template0;" | superuser_sql "$port" postgres
    fi
    superuser_sql "$port" postgres <<'SQL'
REVOKE CONNECT ON DATABASE postgres, template1, sayoo FROM PUBLIC;
GRANT CONNECT ON DATABASE sayoo TO sayoo_web, sayoo_worker, sayoo_proxy;
-- It makes databases for sandboxes, from here, and never enters ours.
GRANT CONNECT ON DATABASE postgres TO sayoo_sandbox;
SQL
}

# The role that makes databases and roles for tenants, without being a superuser.
ensure_tenants_server() { platform_sql | superuser_sql "$SAYOO_TENANTS_PORT" postgres; }

platform_sql() {
    ensure_role_sql sayoo_platform "$(password_of platform)" "NOSUPERUSER CREATEDB CREATEROLE"
    cat <<'SQL'
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE postgres, template1 TO sayoo_platform;
GRANT pg_signal_backend, pg_read_all_stats TO sayoo_platform;
-- Who wrote how much to temporary files: the names and sizes, not what is in them.
GRANT EXECUTE ON FUNCTION pg_ls_tmpdir() TO sayoo_platform;
-- What tenants' sessions say stays out of the server's log: one statement may raise a hundred megabytes. New roles are made
-- so by the platform, those of before here.
DO $$ DECLARE tenant name; BEGIN
    IF current_setting('server_version_num')::int >= 150000 THEN
        EXECUTE 'GRANT SET ON PARAMETER log_min_messages, log_min_error_statement TO sayoo_platform';
    END IF;
    FOR tenant IN
        SELECT rolname FROM pg_roles
         WHERE shobj_description(oid, 'pg_authid') ~ '^sayoo [^ ]+ role'
           AND NOT coalesce(rolconfig, '{}') @> '{log_min_messages=panic,log_min_error_statement=panic}'
    LOOP
        EXECUTE format('ALTER ROLE %I SET log_min_messages = panic', tenant);
        EXECUTE format('ALTER ROLE %I SET log_min_error_statement = panic', tenant);
    END LOOP;
END $$;
-- From PostgreSQL 16 on, the maker of a role is its member only if it asks to be.
DO $$ BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        ALTER ROLE sayoo_platform SET createrole_self_grant = 'set, inherit';
    END IF;
END $$;
SQL
}

ensure_role_sql() {
    cat <<SQL
DO \$\$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$1') THEN CREATE ROLE $1 NOLOGIN; END IF;
END \$\$;
ALTER ROLE $1 LOGIN NOREPLICATION NOBYPASSRLS ${3:-NOSUPERUSER} PASSWORD '$2';
SQL
}

# Where the control database is: the embedded cluster, unless DATABASE_URL names another.
ensure_databases() {
    find_postgres_home
    if [ -z "${DATABASE_URL:-}" ]; then
        ensure_cluster control "$SAYOO_CONTROL_PORT"
        ensure_control_database
    fi
    ensure_cluster tenants "$SAYOO_TENANTS_PORT"
    ensure_tenants_server
}

stop_cluster() {
    local home data programs
    home=$(realpath "$SAYOO_VAR/postgres" 2>/dev/null) || return 0
    data="$home/$1"
    as_postgres test -f "$data/PG_VERSION" 2>/dev/null || return 0
    programs=$(postgres_programs "$(as_postgres cat "$data/PG_VERSION")") || return 0
    as_postgres "$programs/pg_ctl" --pgdata "$data" status >/dev/null 2>&1 || return 0
    as_postgres "$programs/pg_ctl" --pgdata "$data" --mode fast --wait --timeout 300 stop >/dev/null ||
        fail "the PostgreSQL cluster '$1' does not stop" "Its log: $home/$1.log"
    done_with "PostgreSQL cluster '$1' stopped"
}
