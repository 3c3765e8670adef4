# shellcheck shell=bash
# Docker: a daemon that keeps instances apart, in Swarm mode.

DOCKER_CONFIGURATION=/etc/docker/daemon.json

# Published ports only on the loopback address, and no traffic between containers: the two
# settings that keep one customer's Odoo from reaching another's.
write_docker_configuration() {
    [ -e "$DOCKER_CONFIGURATION" ] && return
    as_root mkdir -p /etc/docker
    as_root tee "$DOCKER_CONFIGURATION" >/dev/null <<'JSON'
{
  "ip": "127.0.0.1",
  "icc": false,
  "no-new-privileges": true,
  "log-opts": { "max-size": "10m", "max-file": "3" }
}
JSON
}

docker_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

has_systemd() { [ -d /run/systemd/system ]; }

ensure_docker() {
    join_docker_group "$@"
    if ! docker_answers; then start_docker; fi
    check_docker_flags
    ensure_swarm
}

# Somebody who is not root may use Docker only as a member of its group, and becomes one only
# in a new login: `sg` gives the rest of this run the membership already.
join_docker_group() {
    is_root && return
    id -nG | grep -qw docker && return
    getent group docker >/dev/null || as_root groupadd --system docker
    if ! getent group docker | grep -qE "[:,]$(id -un)(,|\$)"; then
        say "Adding $(id -un) to the group docker."
        as_root usermod -aG docker "$(id -un)"
    fi
    exec sg docker -c "$(printf '%q ' "$ROOT/bin/$(basename "$0")" "$@")" 8>&- 9>&-
}

start_docker() {
    write_docker_configuration
    local patience=60 second
    if has_systemd; then
        as_root systemctl enable --now docker >"$LOGS/dockerd.log" 2>&1 || patience=1
    else
        start_docker_by_hand
    fi
    for second in $(seq 1 "$patience"); do
        if docker_answers; then
            done_with "Docker started"
            return
        fi
        [ "$second" -gt 5 ] && ! pgrep_dockerd && break
        sleep 1
    done
    tail -n 20 "$LOGS/dockerd.log" >&2 || true
    fail "the Docker daemon does not start" \
        "Its log: $LOGS/dockerd.log, or 'journalctl -u docker'." \
        "It needs root, cgroups and iptables: inside a container that means a privileged one."
}

pgrep_dockerd() { [ -z "${DOCKERD_PID:-}" ] || alive "$DOCKERD_PID"; }

start_docker_by_hand() {
    local daemon
    daemon=$(command -v dockerd) || fail "dockerd is not installed" "apt-get install docker.io"
    # A daemon that was killed leaves its pid file, and refuses to start while it looks alive.
    if [ -f /var/run/docker.pid ] && ! alive "$(cat /var/run/docker.pid)"; then as_root rm -f /var/run/docker.pid; fi
    ask_for_root
    # shellcheck disable=SC2024 # the log belongs to whoever runs bin/up
    as_root setsid nohup "$daemon" >"$LOGS/dockerd.log" 2>&1 </dev/null 8>&- 9>&- &
    DOCKERD_PID=$!
    touch "$RUN/dockerd.ours"
}

# The settings as the running daemon has them, whatever the files say.
check_docker_flags() {
    local options wrong=()
    mend_unused_docker
    options=$(docker network inspect bridge --format \
        'ip={{index .Options "com.docker.network.bridge.host_binding_ipv4"}} icc={{index .Options "com.docker.network.bridge.enable_icc"}}')
    [[ $options == *"icc=false"* ]] || wrong+=('"icc": false')
    [[ $options == *"ip=0.0.0.0"* || $options == "ip= "* ]] && wrong+=('"ip": "127.0.0.1"')
    [ ${#wrong[@]} -eq 0 ] && return
    if [ -n "${SAYOO_ALLOW_OPEN_DOCKER:-}" ]; then
        say "  ! Docker runs without ${wrong[*]}: instances can reach each other. Never do this with customers."
        return
    fi
    fail "the Docker daemon runs without ${wrong[*]}: instances could reach each other" \
        "1. Put these keys into $DOCKER_CONFIGURATION, with \"no-new-privileges\": true" \
        "2. Restart Docker: systemctl restart docker (running containers restart with it)" \
        "3. Run bin/up again." \
        "On a machine for trying things only, SAYOO_ALLOW_OPEN_DOCKER=1 bin/up goes on without."
}

# A daemon that Debian started with its defaults, and that nobody has used or configured yet,
# is given ours without asking.
mend_unused_docker() {
    has_systemd && [ ! -e "$DOCKER_CONFIGURATION" ] && [ -z "$(docker ps --all --quiet)" ] || return 0
    write_docker_configuration
    as_root systemctl restart docker
    docker_answers || start_docker
}

ensure_swarm() {
    local state
    state=$(docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}' 2>/dev/null)
    case $state in
        "active true") return ;;
        "inactive "*) ;;
        "active false") fail "this machine is a worker of another Swarm" \
            "Run bin/up on a manager of that Swarm, or leave it: docker swarm leave" ;;
        *) fail "Docker's Swarm mode is in the state '$state'" \
            "'docker swarm unlock' or 'docker swarm leave --force' (this forgets its services), then bin/up again." ;;
    esac
    # Loopback: a Swarm of one has no business on the network. The address pool avoids
    # 10.0.0.0/24, Swarm's default, which is the network of many a cloud machine.
    local address=${SAYOO_ADDRESS:-127.0.0.1}
    docker swarm init --advertise-addr "$address" --listen-addr "$address:2377" \
        --default-addr-pool 10.213.0.0/16 --default-addr-pool-mask-length 24 >"$LOGS/swarm.log" 2>&1 ||
        fail "Docker's Swarm mode could not be started: $(tail -n 1 "$LOGS/swarm.log")" \
            "Port 2377 must be free. The log: $LOGS/swarm.log"
    done_with "Swarm of one machine made"
}

# The address at which containers find this machine, and the network they come from.
docker_gateway() {
    local gateway
    gateway=$(docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}')
    # An engine that has never used the bridge knows its address only by interface.
    if [ -z "$gateway" ]; then
        gateway=$(ip -4 -o address show docker0 | awk '{sub("/.*", "", $4); print $4}')
    fi
    printf '%s' "$gateway"
}

docker_network() { docker network inspect bridge --format '{{(index .IPAM.Config 0).Subnet}}'; }

# Removes the services of this installation, and what its one-off tasks left; the worker makes
# the services again at the next start.
remove_services() {
    docker_answers || return 0
    local services containers
    services=$(docker service ls --quiet --filter "label=sayoo.installation=$SAYOO_NAME" 2>/dev/null || true)
    # shellcheck disable=SC2086 # one argument for each id
    if [ -n "$services" ]; then docker service rm $services >/dev/null; fi
    containers=$(docker ps --all --quiet --filter "label=sayoo.installation=$SAYOO_NAME")
    # A service's containers go with it, perhaps while this looks.
    # shellcheck disable=SC2086
    if [ -n "$containers" ]; then docker rm --force $containers >/dev/null 2>&1 || true; fi
    [ -z "$services" ] || done_with "$(wc -w <<<"$services") services removed"
}

# What a thrown-away installation leaves in the Swarm's own store.
remove_swarm_secrets() {
    docker_answers || return 0
    local secrets
    secrets=$(docker secret ls --quiet --filter "label=sayoo.installation=$SAYOO_NAME" 2>/dev/null || true)
    # shellcheck disable=SC2086
    if [ -n "$secrets" ]; then docker secret rm $secrets >/dev/null || true; fi
}

# Stops a daemon that bin/up started by hand, unless somebody else's containers are in it.
stop_docker() {
    [ -f "$RUN/dockerd.ours" ] || return 0
    local pid others
    pid=$(cat /var/run/docker.pid 2>/dev/null || true)
    if alive "$pid"; then
        for _ in $(seq 1 30); do
            others=$(docker ps --quiet 2>/dev/null || true)
            [ -z "$others" ] && break
            sleep 1
        done
        if [ -n "$others" ]; then
            say "  Docker is left running: it has containers that are not of this installation."
            return
        fi
        as_root kill "$pid"
        for _ in $(seq 1 30); do
            alive "$pid" || break
            sleep 1
        done
        done_with "Docker stopped"
    fi
    rm -f "$RUN/dockerd.ours"
}
