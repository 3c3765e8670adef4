# shellcheck shell=bash
# Secrets and the configuration file: made once, never overwritten.

# secret NAME BYTES: the path of a file of random hexadecimal text, made when it is missing.
ensure_secret() {
    local file="$SECRETS/$1"
    [ -s "$file" ] && return
    # Renamed into place, so that a run that was killed leaves no half a key.
    (umask 077 && random_hex "$2" >"$file.new")
    mv "$file.new" "$file"
}

password_of() { cat "$SECRETS/$1.password"; }

ensure_secrets() {
    local role
    for role in owner web worker proxy sandbox platform; do ensure_secret "$role.password" 24; done
    # What seals the tenants' database passwords; read by the worker only.
    ensure_secret sealing.key 32
    # Signs the tickets with which a customer enters an Odoo; read by the web process only.
    ensure_secret sso.key 32
    # Signs the cookies; read by the web process only.
    ensure_secret cookie.key 64
}

control_url() { printf 'postgres://sayoo_%s:%s@127.0.0.1:%s/sayoo' "$1" "$(password_of "$1")" "$SAYOO_CONTROL_PORT"; }

# Where sandboxes are made: beside the control database, by a role that cannot enter it.
sandbox_url() { printf 'postgres://sayoo_sandbox:%s@127.0.0.1:%s/postgres' "$(password_of sandbox)" "$SAYOO_CONTROL_PORT"; }

ensure_configuration() {
    if [ -f "$SAYOO_CONFIG" ]; then
        # Written before there were sandboxes. Somebody else's control database has no such role.
        if [ -z "${DATABASE_URL:-}" ] && [ -z "$(configured database sandbox_url)" ]; then
            say "Sandboxes are not set up: add sandbox_url to [database] in $SAYOO_CONFIG"
            say "(docs/operations.md, Sandboxes; the password is in $SECRETS/sandbox.password)."
        fi
        return
    fi
    local owner web worker proxy sandbox=
    if [ -n "${DATABASE_URL:-}" ]; then
        # One role for all: docs/operations.md says how to give each process its own.
        owner=$DATABASE_URL web=$DATABASE_URL worker=$DATABASE_URL proxy=$DATABASE_URL
    else
        owner=$(control_url owner) web=$(control_url web) worker=$(control_url worker) proxy=$(control_url proxy)
        sandbox="sandbox_url = \"$(sandbox_url)\""
    fi
    local registry=
    if [ -n "${SAYOO_ADDRESS:-}" ]; then registry="registry = \"$SAYOO_ADDRESS:5000\""; fi
    (umask 077 && cat >"$SAYOO_CONFIG.new") <<TOML
# The configuration of this installation. bin/up wrote it once and leaves it alone: edit it,
# then run bin/up again. Every key is explained in docs/sayoo.example.toml, and can be set by
# the environment as well: SAYOO__SECTION__KEY.

[installation]
name = "$SAYOO_NAME"
data_dir = "$SAYOO_VAR"

[public]
portal_url = "http://localhost:$SAYOO_PORT"
instances_url = "http://{name}.localhost:$SAYOO_PORT"
mode = "development"

[database]
owner_url = "$owner"
web_url = "$web"
worker_url = "$worker"
proxy_url = "$proxy"
$sandbox

[web]
listen = "127.0.0.1:$SAYOO_WEB_PORT"
sso_key_file = "$SECRETS/sso.key"
cookie_key_file = "$SECRETS/cookie.key"

[proxy]
listen = "127.0.0.1:$SAYOO_PORT"
web_upstream = "127.0.0.1:$SAYOO_WEB_PORT"
table_file = "$SAYOO_VAR/proxy/routes.json"

[worker]
docker = "unix:///var/run/docker.sock"
sealing_key_file = "$SECRETS/sealing.key"
upstream_address = "127.0.0.1"
sso_public_key_file = "$SAYOO_VAR/sso.public"

[tenants]
admin_url = "postgres://sayoo_platform:$(password_of platform)@127.0.0.1:$SAYOO_TENANTS_PORT/postgres"
host_for_containers = "${SAYOO_ADDRESS:-$(docker_gateway)}"
port_for_containers = $SAYOO_TENANTS_PORT

[odoo]
image = "sayoo/odoo:19.0"
$registry

[pool]
spares = ${SAYOO_SPARES:-2}

[mail]
from = "Sayoo <no-reply@localhost>"
TOML
    mv "$SAYOO_CONFIG.new" "$SAYOO_CONFIG"
    done_with "configuration written to $SAYOO_CONFIG"
}

# The value of a key as written in the configuration file: configured SECTION KEY.
configured() {
    awk -v section="[$1]" -v key="$2" '
        /^\[/ { here = ($0 == section) }
        here && $1 == key { sub(/^[^=]*= */, ""); gsub(/^"|"$/, ""); print; exit }' "$SAYOO_CONFIG"
}
