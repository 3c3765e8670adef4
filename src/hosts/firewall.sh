# Lets instances' containers on this machine reach what they need and nothing else, and lets nobody but the proxies reach them.
#
#   firewall apply     puts the rules in place; safe to run again     firewall remove   takes them away
#   firewall check     says whether they are in place
#   firewall install   puts them in place now and at each start of the machine (systemd)
#
# Root only. Only Docker's own bridge is looked at: it is the one that instances are on. What else must not be reached from an
# instance (the public address of another machine, for example) goes into SAYOO_FORBIDDEN, with spaces between.

set -eu
SAYOO_FORBIDDEN=${SAYOO_FORBIDDEN:-}
# What only machines of one's own have: other hosts, the portal, a cloud's credentials.
PRIVATE="0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 224.0.0.0/4"
BRIDGE=docker0
SELF=/usr/local/sbin/sayoo-firewall
PATH=$PATH:/usr/sbin:/sbin

fail() {
    echo "firewall: $*" >&2
    exit 1
}

# What leads to our three chains: from containers to this machine, from them to elsewhere, and from elsewhere to them.
hooks() {
    "$1" INPUT -i "$BRIDGE" -j SAYOO-MACHINE
    "$1" DOCKER-USER -i "$BRIDGE" -j SAYOO-OTHERS
    "$1" DOCKER-USER -o "$BRIDGE" -j SAYOO-INBOUND
}
is_hooked() { iptables -w 10 -C "$@" 2>/dev/null; }
hook() { is_hooked "$@" || iptables -w 10 -I "$@"; }
unhook() { while is_hooked "$@"; do iptables -w 10 -D "$@"; done; }
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
    echo "COMMIT"
}

apply() {
    iptables -w 10 -n -L DOCKER-USER >/dev/null 2>&1 || fail "there is no chain DOCKER-USER: is Docker running?"
    new=$(rules)
    # All at once: there is no moment with half of them.
    echo "$new" | iptables-restore -w 10 --noflush
    hooks hook
}

remove() {
    iptables -w 10 -n -L SAYOO-MACHINE >/dev/null 2>&1 || return 0
    hooks unhook
    for chain in MACHINE OTHERS INBOUND; do
        iptables -w 10 -F "SAYOO-$chain"
        iptables -w 10 -X "SAYOO-$chain"
    done
}

check() {
    hooks must_be_hooked
    for chain in MACHINE INBOUND; do
        iptables -w 10 -C "SAYOO-$chain" -j DROP 2>/dev/null || fail "SAYOO-$chain lets everything through: run apply"
    done
    echo "firewall: in place"
}

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
