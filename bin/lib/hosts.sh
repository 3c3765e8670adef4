# shellcheck shell=bash
# More than one machine: this one gets an address on the private network, and a registry from
# which the others get the instance image. All of it only when SAYOO_ADDRESS is set.

# The private network of this machine's address, such as 10.0.0.0/24.
private_network() {
    local own
    own=$(ip -4 -o address show | awk -v address="$SAYOO_ADDRESS" '$4 ~ "^" address "/" { print $4; exit }')
    [ -n "$own" ] || fail "this machine does not have the address $SAYOO_ADDRESS" \
        "SAYOO_ADDRESS is its own address on the network that it shares with the other machines: ip address"
    python3 -c 'import ipaddress, sys; print(ipaddress.ip_interface(sys.argv[1]).network)' "$own"
}

# The Swarm of one listened on loopback: its services and secrets stay, its address changes.
ensure_swarm_address() {
    local now
    now=$(docker info --format '{{.Swarm.NodeAddr}}' 2>/dev/null)
    [ "$now" = "$SAYOO_ADDRESS" ] && return
    if [ "$(docker info --format '{{.Swarm.Nodes}}')" -gt 1 ]; then
        fail "the Swarm of several machines knows this one as $now, not as $SAYOO_ADDRESS" \
            "An address cannot change under a Swarm: set SAYOO_ADDRESS=$now in $SETTINGS"
    fi
    docker swarm init --force-new-cluster --advertise-addr "$SAYOO_ADDRESS" \
        --listen-addr "$SAYOO_ADDRESS:2377" >"$LOGS/swarm.log" 2>&1 ||
        fail "the Swarm could not be given the address $SAYOO_ADDRESS: $(tail -n 1 "$LOGS/swarm.log")" \
            "Port 2377 must be free there. The log: $LOGS/swarm.log"
    done_with "Swarm listens on $SAYOO_ADDRESS"
}

# What an older configuration must say before other machines can take part.
check_hosts_configuration() {
    local wrong=()
    [ "$(configured tenants host_for_containers)" = "$SAYOO_ADDRESS" ] ||
        wrong+=("[tenants] host_for_containers = \"$SAYOO_ADDRESS\"")
    [ -n "$(configured odoo registry)" ] || wrong+=("[odoo] registry = \"$SAYOO_ADDRESS:5000\"")
    [ ${#wrong[@]} -eq 0 ] && return
    fail "the configuration is still that of one machine" "Change in $SAYOO_CONFIG, then run bin/up again:" \
        "${wrong[@]}" "Running instances start anew once, because they reach their databases at another address."
}

# Starts the registry, unless the configuration names one elsewhere. One that does not start is
# said and keeps nothing else from starting: machines have what they run.
ensure_registry() {
    local registry=$SAYOO_ADDRESS:5000 certificates=$SAYOO_VAR/certificates trust
    [ "$(configured odoo registry)" = "$registry" ] || return 0
    alive "$(cat "$RUN/registry.pid" 2>/dev/null || true)" && return
    sayoo_step "certificates made" host certs "$SAYOO_ADDRESS"
    trust=/etc/docker/certs.d/$registry
    as_root mkdir -p "$trust"
    as_root cp "$certificates/ca.pem" "$trust/ca.crt"
    mkdir -p "$SAYOO_VAR/registry"
    cat >"$SAYOO_VAR/registry.yml" <<YML
# Written by bin/up and overwritten by it.
version: 0.1
log: { level: warn }
storage: { filesystem: { rootdirectory: $SAYOO_VAR/registry }, delete: { enabled: false } }
http:
  addr: $registry
  tls:
    certificate: $certificates/hosts/$SAYOO_ADDRESS/server-cert.pem
    key: $certificates/hosts/$SAYOO_ADDRESS/server-key.pem
YML
    sweep_registry
    # Started again when it dies. The group has the number of its first process.
    # shellcheck disable=SC2016  # the inner shell expands it
    setsid nohup bash -c 'while :; do docker-registry serve "$1"; sleep 2; done' \
        sayoo-registry "$SAYOO_VAR/registry.yml" >"$LOGS/registry.log" 2>&1 </dev/null 8>&- 9>&- &
    printf '%s' "$!" >"$RUN/registry.pid"
    local _
    for _ in $(seq 1 50); do
        if (exec 3<>"/dev/tcp/$SAYOO_ADDRESS/5000") 2>/dev/null; then
            done_with "image registry runs at $registry"
            return
        fi
        sleep 0.1
    done
    say "  ! the image registry does not start; the log: $LOGS/registry.log"
}

# Removes what nobody has needed for a week, while the registry does not run: over its API nobody
# deletes anything.
sweep_registry() {
    local place=$SAYOO_VAR/registry/docker/registry/v2/repositories name manifests digest tag
    "$SAYOO" image unneeded 2>>"$SAYOO_LOG" | while read -r name; do
        name=${name#*/} digest=${name#*@}
        manifests=$place/${name%@*}/_manifests
        for tag in "$manifests"/tags/*/current/link; do
            [ "$(cat "$tag" 2>/dev/null)" = "$digest" ] && rm -rf "${tag%/current/link}"
        done
        rm -rf "$manifests/revisions/sha256/${digest#sha256:}"
    done || true
    [ ! -d "$place" ] || docker-registry garbage-collect "$SAYOO_VAR/registry.yml" \
        >"$LOGS/registry-sweep.log" 2>&1 || say "  ! the registry was not swept; the log: $LOGS/registry-sweep.log"
}

stop_registry() {
    local pid
    pid=$(cat "$RUN/registry.pid" 2>/dev/null || true)
    # One that an older version started is the registry itself.
    if alive "$pid" && grep -qz -e registry.yml "/proc/$pid/cmdline"; then
        kill -- "-$pid"
        done_with "image registry stopped"
    fi
    rm -f "$RUN/registry.pid"
}
