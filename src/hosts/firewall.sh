# Lets instances' containers on this machine reach what they need and nothing else, lets nobody but the proxies reach them, and
# lets the world reach only the ports of this machine that are for it: by IPv4 and IPv6.
#
#   firewall apply     puts the rules in place; safe to run again     firewall remove   takes them away
#   firewall check     says whether they are in place
#   firewall install   puts them in place now and at each start of the machine (systemd)
#
# Root only. Only Docker's own bridge is looked at: it is the one that instances are on. What else must not be reached from an
# instance (the public address of another machine, for example) goes into SAYOO_FORBIDDEN, with spaces between. The world reaches
# the TCP ports in SAYOO_OPEN and wherever sshd listens; SAYOO_OPEN=all leaves this machine's own ports alone. The world is every
# address that is not private and not among SAYOO_INSIDE.

set -eu
SAYOO_FORBIDDEN=${SAYOO_FORBIDDEN:-}
SAYOO_OPEN=${SAYOO_OPEN:-$SAYOO_PORTS}
# Those that the world cannot send from: no router brings their packets.
PRIVATE_SOURCES="10.0.0.0/8 100.64.0.0/10 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 fc00::/7 fe80::/10"
SAYOO_INSIDE="$PRIVATE_SOURCES ${SAYOO_INSIDE:-}"
# One instance keeps no more connections open than this: the machine has a table of them for all.
CONNECTIONS=2000
# What only machines of one's own have: other hosts, the portal, a cloud's credentials.
PRIVATE="0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 224.0.0.0/4"
BRIDGE=docker0
SELF=/usr/local/sbin/sayoo-firewall
PATH=$PATH:/usr/sbin:/sbin

fail() {
    echo "firewall: $*" >&2
    exit 1
}

# What leads to our chains: from containers to this machine, from them to elsewhere, from elsewhere to them, and from the world to
# this machine. Containers have no business with IPv6: whatever they or others find of it leads nowhere.
hooks() {
    "$1" iptables INPUT -i "$BRIDGE" -j SAYOO-MACHINE
    "$1" iptables DOCKER-USER -i "$BRIDGE" -j SAYOO-OTHERS
    "$1" iptables DOCKER-USER -o "$BRIDGE" -j SAYOO-INBOUND
    "$1" iptables INPUT ! -i lo -j SAYOO-WORLD
    has_ipv6 || return 0
    "$1" ip6tables INPUT -i "$BRIDGE" -j DROP
    "$1" ip6tables FORWARD -i "$BRIDGE" -j DROP
    "$1" ip6tables FORWARD -o "$BRIDGE" -j DROP
    "$1" ip6tables INPUT ! -i lo -j SAYOO-WORLD
}
has_ipv6() { grep -q . /proc/net/if_inet6 2>/dev/null; }
is_hooked() {
    tables=$1
    shift
    "$tables" -w 10 -C "$@" 2>/dev/null
}
hook() {
    is_hooked "$@" && return
    tables=$1
    shift
    "$tables" -w 10 -I "$@"
}
unhook() {
    while is_hooked "$@"; do (tables=$1; shift; "$tables" -w 10 -D "$@"); done
}
must_be_hooked() { is_hooked "$@" || fail "not in place: $*"; }

rules() {
    gateway=$(ip -4 -o address show dev "$BRIDGE" | awk '{ sub("/.*", "", $4); print $4; exit }')
    [ -n "$gateway" ] || fail "there is no $BRIDGE: is Docker running?"
    tenants="-p tcp -m tcp --dport $SAYOO_TENANTS_PORT"
    echo "*filter"
    for chain in MACHINE OTHERS INBOUND; do
        echo ":SAYOO-$chain - [0:0]"
        # Answers: what they answer was let through when it began.
        echo "-A SAYOO-$chain -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"
    done
    for chain in MACHINE OTHERS; do
        echo "-A SAYOO-$chain -m connlimit --connlimit-above $CONNECTIONS --connlimit-mask 32 --connlimit-saddr -j DROP"
    done
    for address in "$SAYOO_TENANTS" "$gateway"; do echo "-A SAYOO-MACHINE -d $address $tenants -j RETURN"; done
    echo "-A SAYOO-OTHERS -d $SAYOO_TENANTS $tenants -j RETURN"
    for chain in MACHINE OTHERS; do
        for kind in udp tcp; do echo "-A SAYOO-$chain -p $kind -m $kind --dport 53 -j RETURN"; done
    done
    echo "-A SAYOO-MACHINE -j DROP"
    for network in $PRIVATE $SAYOO_FORBIDDEN; do echo "-A SAYOO-OTHERS -d $network -j DROP"; done
    # Mail leaves by a relay with a login, at 465 or 587.
    echo "-A SAYOO-OTHERS -p tcp -m tcp --dport 25 -j DROP"
    for proxy in $SAYOO_PROXIES; do echo "-A SAYOO-INBOUND -s $proxy -j RETURN"; done
    echo "-A SAYOO-INBOUND -j DROP"
    world icmp 68 .
    echo "COMMIT"
}

rules6() {
    echo "*filter"
    world ipv6-icmp 546 :
    echo "COMMIT"
}

# world ICMP DHCP MARK: what reaches this machine from elsewhere; addresses are of this kind when MARK is in them.
world() {
    echo ":SAYOO-WORLD - [0:0]"
    [ "$SAYOO_OPEN" != all ] || return 0
    echo "-A SAYOO-WORLD -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"
    # Containers have rules of their own; an address could not be asked for or found without these two.
    for own in "$BRIDGE" docker_gwbridge br-+; do echo "-A SAYOO-WORLD -i $own -j RETURN"; done
    echo "-A SAYOO-WORLD -p $1 -j RETURN"
    echo "-A SAYOO-WORLD -p udp -m udp --dport $2 -j RETURN"
    for network in $SAYOO_INSIDE; do
        case $network in *"$3"*) echo "-A SAYOO-WORLD -s $network -j RETURN" ;; esac
    done
    for port in $SAYOO_OPEN $(ssh_ports); do echo "-A SAYOO-WORLD -p tcp -m tcp --dport $port -j RETURN"; done
    echo "-A SAYOO-WORLD -j DROP"
}

# Whoever puts the rules in place from afar must find the way back.
ssh_ports() {
    { ss -Hltnp 2>/dev/null | awk '/"sshd"/ { sub(".*:", "", $4); print $4 }'; echo "${SSH_CONNECTION:-}" | awk '{ print $4 }'; } | sort -u
}

apply() {
    iptables -w 10 -n -L DOCKER-USER >/dev/null 2>&1 || fail "there is no chain DOCKER-USER: is Docker running?"
    new=$(rules)
    # All at once: there is no moment with half of them.
    echo "$new" | iptables-restore -w 10 --noflush
    if has_ipv6; then
        new=$(rules6)
        echo "$new" | ip6tables-restore -w 10 --noflush
    fi
    hooks hook
}

remove() {
    iptables -w 10 -n -L SAYOO-MACHINE >/dev/null 2>&1 || return 0
    hooks unhook
    for chain in MACHINE OTHERS INBOUND WORLD; do forget iptables "SAYOO-$chain"; done
    if has_ipv6; then forget ip6tables SAYOO-WORLD; fi
}

forget() {
    "$1" -w 10 -n -L "$2" >/dev/null 2>&1 || return 0
    "$1" -w 10 -F "$2"
    "$1" -w 10 -X "$2"
}

check() {
    hooks must_be_hooked
    for chain in MACHINE INBOUND; do ends_with_drop iptables "SAYOO-$chain"; done
    [ "$SAYOO_OPEN" != all ] || { echo "firewall: in place, but the world reaches every port of this machine"; return; }
    ends_with_drop iptables SAYOO-WORLD
    if has_ipv6; then ends_with_drop ip6tables SAYOO-WORLD; fi
    echo "firewall: in place"
}

ends_with_drop() { "$1" -w 10 -C "$2" -j DROP 2>/dev/null || fail "$2 lets everything through: run apply"; }

install_it() {
    if [ "$(readlink -f "$0")" != "$SELF" ]; then
        cp "$0" "$SELF"
        chmod 755 "$SELF"
    fi
    cat >/etc/systemd/system/sayoo-firewall.service <<UNIT
[Unit]
Description=What instances' containers may reach
After=docker.service
PartOf=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=$SELF apply

[Install]
WantedBy=multi-user.target docker.service
UNIT
    systemctl daemon-reload
    systemctl enable sayoo-firewall.service
    apply
}

[ "$(id -u)" -eq 0 ] || fail "only root can do this"
case ${1:-} in
    apply | check | remove) "$1" ;;
    install) install_it ;;
    *) sed -n '/^# Lets/,/^$/s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
