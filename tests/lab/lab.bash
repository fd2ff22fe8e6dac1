# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# A small Internet in network namespaces, to be sourced by tests and demonstrations (README.md has the
# drawing). It owns the namespaces nt<pid>..._* and the folder LAB_DIR of its own run, nothing else;
# several labs run side by side. Every wait is for a condition and has a deadline. All state that can
# change lives in the kernel or in LAB_DIR, so a bats test, being a subshell, may change it for the next.
# Needs root and network namespaces: lab_need_root says whether they are there.

LAB_SOURCE=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck source-path=SCRIPTDIR source=nat.bash
source "$LAB_SOURCE/nat.bash"
# shellcheck source-path=SCRIPTDIR source=router.bash
source "$LAB_SOURCE/router.bash"
# shellcheck source-path=SCRIPTDIR source=trouble.bash
source "$LAB_SOURCE/trouble.bash"
# shellcheck source-path=SCRIPTDIR source=mishaps.bash
source "$LAB_SOURCE/mishaps.bash"

# Settings; set them before lab_up, those of the servers before the server's start.
: "${LAB_TCP_TIMEOUT:=300}"        # seconds that the NATs remember an idle TCP mapping
: "${LAB_UDP_TIMEOUT:=60}"         # the same for UDP
: "${LAB_TCP_LOOSE:=1}"            # 0: a NAT that forgot a connection is silent; 1: it picks it up anew
: "${LAB_INBOUND_REFRESH:=1}"      # 0: traffic from outside does not prolong a mapping
: "${LAB_PORTS:=10000-19999}"      # outside ports of the carrier's NAT
: "${LAB_HOME_PORTS:=20000-29999}" # outside ports of the home NAT
: "${LAB_WAN:=203.0.113.254}"      # the carrier's outside address at first; later ask lab_wan
: "${LAB_KEEPALIVE_REQUESTS:=1000}"
: "${LAB_KEEPALIVE_TIMEOUT:=75s}" # "75s 60s" also announces 60 s in a header
: "${LAB_KEEPALIVE_AGE:=1h}"      # the first answer after that long is the connection's last
: "${LAB_BIG_MIB:=}"              # size of /big on the servers of lab_web
: "${LAB_END_SECONDS:=5}"         # patience with a process that was asked to end
: "${LAB_KEEP:=0}"                # 1: lab_down leaves LAB_DIR behind

LAB_SERVERS=(coturn stund nginx30 nginx31)

lab__say() {
    echo "lab: $*" >&2
}

# --- Is it possible here? ---

# lab_obstacle: prints why the lab cannot work here; nothing if it can.
lab_obstacle() {
    local program
    ((EUID == 0)) || { echo "it needs root" && return; }
    for program in ip nft conntrack ss sysctl setsid unshare turnserver stund nginx curl socat; do
        type -P "$program" >/dev/null || { echo "it needs the program $program" && return; }
    done
    unshare --net true 2>/dev/null || echo "root may not make network namespaces here"
}

# lab_need_root: skips the bats test if the lab cannot work here; with NATTER_TEST_STRICT=1, or outside bats,
# fails. For setup or a test: bats 1.8 knows no skip in setup_file.
lab_need_root() {
    local obstacle
    obstacle=$(lab_obstacle)
    [[ $obstacle ]] || return 0
    if [[ ${NATTER_TEST_STRICT:-0} != 1 && $(type -t skip) == function ]]; then
        skip "no NAT lab: $obstacle"
    fi
    lab__say "no NAT lab: $obstacle"
    return 1
}

# --- Waiting and processes ---

# lab_wait SECONDS COMMAND...: until the command succeeds; its output is thrown away. The command itself must not hang.
# A last look begins when they are over, however long the one before was held up.
# It is run 20 times a second at most, and rests nine times as long as it takes, but no longer than half a second:
# others need the processors.
# NATTER_SLOW, a whole number, makes the seconds longer. The names are no test's, whose variables the command may use.
# bats has a trap for every command of functions with functrace, which costs as much as they do; so here and below where
# much is done.
lab_wait() {
    local - LC_ALL=C lab__end lab__began lab__rest
    set +o functrace
    printf -v lab__end %.0f "${1}e6"
    lab__end=$((${EPOCHREALTIME/./} + lab__end * ${NATTER_SLOW:-1}))
    while
        lab__began=${EPOCHREALTIME/./}
        ! "${@:2}" >/dev/null 2>&1
    do
        if ((lab__began > lab__end)); then
            lab__say "not true within $1 s: ${*:2}"
            return 1
        fi
        lab__rest=$((9 * (${EPOCHREALTIME/./} - lab__began)))
        sleep "$((lab__rest < 50000 ? 50000 : lab__rest > 500000 ? 500000 : lab__rest))e-6"
    done
}

# lab_in NAMESPACE COMMAND...
lab_in() {
    ip netns exec "$@"
}

# lab_listening NAMESPACE tcp|udp ADDRESS:PORT: does a socket listen (UDP: sit unconnected) exactly there?
lab_listening() {
    [[ " $(lab_in "$1" ss -Hln"${2:0:1}") " == *" $3 "* ]]
}

# lab_gone PID: a zombie counts as gone, since not every init here reaps.
lab_gone() {
    local stat
    # Not $(<...): bash ends the shell if the process vanishes between open and read.
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    stat=${stat##*) }
    [[ ! $stat || ${stat:0:1} == [ZX] ]]
}

lab__namespaces() {
    local name
    for name in "${LAB_INET:-}" "${LAB_CARRIER:-}" "${LAB_HOME:-}" "${LAB_HOST:-}" "${LAB_LAN:-}"; do
        [[ ! $name || ! -e /run/netns/$name ]] || echo "$name"
    done
}

# Guards against a pid that has meanwhile become a stranger's.
lab__ours() {
    local name
    for name in $(lab__namespaces); do
        [[ ! /proc/$1/ns/net -ef /run/netns/$name ]] || return 0
    done
    return 1
}

# lab_spawn NAMESPACE NAME COMMAND...: in the background, in its own session; LAB_DIR/NAME.log and NAME.pid.
lab_spawn() {
    local pid
    # Without job control setsid and ip do not fork, so that $! is the command's own pid. Descriptors 3 and 4
    # are bats', which would wait for whoever holds them.
    (
        set +m
        setsid ip netns exec "$1" "${@:3}" >"$LAB_DIR/$2.log" 2>&1 </dev/null 3>&- 4>&- &
        echo $! >"$LAB_DIR/$2.pid"
    )
    pid=$(<"$LAB_DIR/$2.pid")
    # Only from then on lab_end and lab_down can tell that it is ours.
    until [[ /proc/$pid/ns/net -ef /run/netns/$1 ]] || lab_gone "$pid"; do
        sleep 0.01
    done
}

# lab_end NAME|PIDFILE: asks the process to end; it is a failure if it has to be killed.
lab_end() {
    local file=$1 pid
    [[ $file == */* ]] || file=$LAB_DIR/$1.pid
    pid=$(<"$file") || return
    rm -f "$file"
    lab__ours "$pid" || return 0
    kill -TERM "$pid" 2>/dev/null || return 0
    lab_wait "$LAB_END_SECONDS" lab_gone "$pid" && return
    lab__say "$1 would not end and is killed"
    kill -KILL "$pid" 2>/dev/null || :
    lab_wait 2 lab_gone "$pid"
    return 1
}

# --- Up and down ---

# lab_up NAT_TYPE [HOME_NAT_TYPE]: the network; with two types a home router stands behind the carrier's.
lab_up() {
    local - tag inner type
    set +o functrace
    [[ ! ${LAB_DIR:-} ]] || { lab__say "there is a lab already: $LAB_DIR" && return 1; }
    for type in "$@"; do
        lab_nat_behaviour "$type" tcp >/dev/null || return
    done
    LAB_DIR=$(mktemp -d "${TMPDIR:-/tmp}/natter-lab.XXXXXX") || return
    # Programs under test drop their privileges and must still reach what a test put here.
    chmod 755 "$LAB_DIR"
    tag=nt$$${LAB_DIR##*.}
    LAB_INET=${tag}_inet LAB_CARRIER=${tag}_carrier LAB_HOME='' LAB_HOST=${tag}_host LAB_LAN=${tag}_lan
    [[ ! ${2:-} ]] || LAB_HOME=${tag}_home
    export LAB_DIR LAB_INET LAB_CARRIER LAB_HOME LAB_HOST LAB_LAN LAB_TCP_TIMEOUT LAB_UDP_TIMEOUT LAB_TCP_LOOSE \
        LAB_INBOUND_REFRESH LAB_PORTS LAB_HOME_PORTS LAB_WAN LAB_KEEPALIVE_REQUESTS LAB_KEEPALIVE_TIMEOUT \
        LAB_KEEPALIVE_AGE         LAB_BIG_MIB LAB_END_SECONDS LAB_KEEP
    inner=${LAB_HOME:-$LAB_CARRIER}

    lab__make_namespaces "$inner" &&
        lab__connect_outside &&
        { [[ ! $LAB_HOME ]] || lab__connect_home "$2"; } &&
        lab__connect_inside "$inner" &&
        lab__carrier_restart "$1" "$LAB_WAN" 0
}

lab__make_namespaces() {
    local name
    for name in $LAB_INET $LAB_CARRIER $LAB_HOME $LAB_HOST $LAB_LAN; do
        ip netns add "$name" && ip -n "$name" link set lo up || return
    done
    # Interfaces inherit these when they are made. Redirects would lead hairpin traffic past the NAT.
    for name in $LAB_CARRIER $LAB_HOME; do
        lab_in "$name" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.{all,default}.rp_filter=0 \
            net.ipv4.conf.{all,default}.send_redirects=0 || return
    done
    # Bridged frames would else pass the NAT a second time; absent if the kernel has no br_netfilter.
    lab_in "$1" sysctl -qew net.bridge.bridge-nf-call-iptables=0
}

lab__connect_outside() {
    local last
    ip -n "$LAB_CARRIER" link add wan type veth peer name eth0 netns "$LAB_INET" &&
        ip -n "$LAB_CARRIER" -batch - <<END &&
address add $LAB_WAN/24 dev wan
link set wan up
END
        for last in 10 11 20 21 30 31 40 41; do
            echo "address add 203.0.113.$last/24 dev eth0"
        done | ip -n "$LAB_INET" -batch - &&
        ip -n "$LAB_INET" link set eth0 up
}

lab__connect_home() {
    ip -n "$LAB_HOME" link add wan type veth peer name lan netns "$LAB_CARRIER" &&
        ip -n "$LAB_CARRIER" -batch - <<END &&
address add 100.64.0.1/10 dev lan
link set lan up
END
        ip -n "$LAB_HOME" -batch - <<END &&
address add 100.64.0.2/10 dev wan
link set wan up
route add default via 100.64.0.1
END
        { ! lab_nat_routed "$1" || ip -n "$LAB_CARRIER" route add 192.168.77.0/24 via 100.64.0.2; } &&
        lab__load_nat "$LAB_HOME" "$1" 100.64.0.2 "$LAB_HOME_PORTS"
}

lab__connect_inside() {
    local name address=2
    ip -n "$1" -batch - <<END || return
link add lan type bridge
address add 192.168.77.1/24 dev lan
link set lan up
END
    for name in $LAB_HOST $LAB_LAN; do
        ip -n "$1" link add port$address type veth peer name eth0 netns "$name" &&
            ip -n "$1" link set port$address master lan up &&
            ip -n "$name" -batch - <<END || return
address add 192.168.77.$address/24 dev eth0
link set eth0 up
route add default via 192.168.77.1
END
        address=$((address + 1))
    done
}

# lab_down: ends every process of the lab, then its namespaces and folder. May be called at any time, also twice.
lab_down() {
    local - name
    set +o functrace
    [[ ${LAB_DIR:-} ]] || return 0
    if ! lab__signal_all TERM "$LAB_END_SECONDS"; then
        lab__signal_all KILL 2
    fi
    for name in $(lab__namespaces); do
        ip netns del "$name"
    done
    if [[ $LAB_KEEP == 1 ]]; then
        lab__say "kept $LAB_DIR"
    else
        rm -rf "$LAB_DIR"
    fi
    unset LAB_DIR LAB_INET LAB_CARRIER LAB_HOME LAB_HOST LAB_LAN
}

lab__pids() {
    local name
    for name in $(lab__namespaces); do
        ip netns pids "$name"
    done
}

lab__empty() {
    [[ ! $(lab__pids) ]]
}

lab__signal_all() {
    local pid
    for pid in $(lab__pids); do
        kill -"$1" "$pid" 2>/dev/null || :
    done
    lab_wait "$2" lab__empty
}

# --- What the carrier does to its customers ---

# lab_wan: the carrier's present outside address.
lab_wan() {
    local fields
    read -ra fields < <(ip -n "$LAB_CARRIER" -4 -brief address show dev wan)
    echo "${fields[2]%/*}"
}

# lab_forget [SECONDS]: the carrier's NAT loses its memory, after an outage of that long.
lab_forget() {
    lab__carrier_restart "$(<"$LAB_DIR/carrier.type")" "$(lab_wan)" "${1:-0}"
}

# lab_readdress ADDRESS: the carrier hands out another outside address.
lab_readdress() {
    lab__carrier_restart "$(<"$LAB_DIR/carrier.type")" "$1" 0
}

# lab_nat TYPE: the carrier's NAT becomes one of this type.
lab_nat() {
    lab_nat_behaviour "$1" tcp >/dev/null &&
        lab__carrier_restart "$1" "$(lab_wan)" 0
}

# lab_loss PERCENT [ADDRESS]: this share of the packets is lost at the carrier, in both directions, but none
# from or to ADDRESS; 0 ends it.
lab_loss() {
    if (($1 > 0)); then
        lab__carrier_drop loss "${2:+ip saddr != $2 ip daddr != $2} numgen random mod 100 <= $(($1 - 1))"
    else
        lab__carrier_pass loss
    fi
}

# lab_loss_every N: the same with every Nth packet, so that no test fails by bad luck: no question that is asked
# again and again is lost each time.
lab_loss_every() {
    lab__carrier_drop loss "numgen inc mod $1 == 0"
}

# lab__carrier_drop NAME MATCH: what matches is no longer forwarded, until lab__carrier_pass NAME.
lab__carrier_drop() {
    lab_in "$LAB_CARRIER" nft -f - <<END
table ip lab_$1
delete table ip lab_$1
table ip lab_$1 {
    chain forward {
        type filter hook forward priority mangle; policy accept;
        $2 drop
    }
}
END
}

lab__carrier_pass() {
    lab_in "$LAB_CARRIER" nft "table ip lab_$1; delete table ip lab_$1"
}

# Nothing may pass in between: one late packet would teach the new NAT the old mapping.
lab__carrier_restart() {
    lab__carrier_drop outage "meta l4proto { tcp, udp, icmp }" &&
        lab__carrier_address "$2" &&
        lab__load_nat "$LAB_CARRIER" "$1" "$2" "$LAB_PORTS" &&
        lab__route_back "$1" "$2" &&
        echo "$1" >"$LAB_DIR/carrier.type" &&
        lab_in "$LAB_CARRIER" conntrack -F 2>/dev/null &&
        sleep "$3" &&
        lab__carrier_pass outage
}

lab__carrier_address() {
    local old
    old=$(lab_wan)
    [[ $old == "$1" ]] || ip -n "$LAB_CARRIER" -batch - <<END
address del $old/24 dev wan
address add $1/24 dev wan
END
}

# Behind a NAT there must be no way back, or a packet that missed translation would look all right.
lab__route_back() {
    if lab_nat_routed "$1"; then
        ip -n "$LAB_INET" -batch - <<END
route replace 192.168.77.0/24 via $2 proto static
route replace 100.64.0.0/10 via $2 proto static
END
    else
        ip -n "$LAB_INET" route flush proto static
    fi
}

# lab__load_nat ROUTER TYPE WAN_ADDRESS PORTS. The kernel's own lifetimes go along, since one of its
# entries keeps translating after the ruleset has forgotten the mapping.
lab__load_nat() {
    local rules
    rules=$(lab_nat_rules "${@:2}") &&
        lab_in "$1" nft -f - <<<"$rules" &&
        lab_in "$1" sysctl -qw net.netfilter.nf_conntrack_udp_timeout{,_stream}="$LAB_UDP_TIMEOUT" \
            net.netfilter.nf_conntrack_tcp_timeout_established="$LAB_TCP_TIMEOUT" \
            net.netfilter.nf_conntrack_tcp_loose="$LAB_TCP_LOOSE"
}

# --- Servers ---

# lab_servers: all STUN and keep-alive servers on the Internet side, answering when this returns.
lab_servers() {
    local - name
    set +o functrace
    for name in "${LAB_SERVERS[@]}"; do
        lab__launch "$name" || return
    done
    for name in "${LAB_SERVERS[@]}"; do
        lab__await "$name" || return
    done
}

# lab_start_server coturn|stund|nginx30|nginx31
lab_start_server() {
    lab__launch "$1" && lab__await "$1"
}

# lab_stop_server coturn|stund|nginx30|nginx31
lab_stop_server() {
    lab_end "$1"
}

lab__launch() {
    case $1 in
    coturn)
        lab_spawn "$LAB_INET" coturn turnserver -n --stun-only --no-auth --no-tls --no-dtls --no-cli \
            -L 203.0.113.10 -L 203.0.113.11 --listening-port=3478 --alt-listening-port=3479 \
            --simple-log --log-file="$LAB_DIR/coturn.txt" --pidfile="$LAB_DIR/coturn.own-pid" \
            --userdb="$LAB_DIR/coturn.db"
        ;;
    stund) lab_spawn "$LAB_INET" stund stund -h 203.0.113.20 -a 203.0.113.21 -p 3478 -o 3479 ;;
    nginx30 | nginx31) lab__nginx "$LAB_INET" "$1" "203.0.113.${1#nginx}:80" "keep-alive server $1" ;;
    *)
        lab__say "no server '$1'"
        return 1
        ;;
    esac
}

lab__await() {
    lab_wait 5 lab__serving "$1" && return
    cat "$LAB_DIR/$1.log" >&2
    return 1
}

lab__serving() {
    case $1 in
    coturn) lab__listens_on_all tcp 10 11 && lab__listens_on_all udp 10 11 ;;
    stund) lab__listens_on_all udp 20 21 ;;
    *) lab_listening "$LAB_INET" tcp "203.0.113.${1#nginx}:80" ;;
    esac
}

lab__listens_on_all() {
    local last
    for last in "${@:2}"; do
        lab_listening "$LAB_INET" "$1" "203.0.113.$last:3478" &&
            lab_listening "$LAB_INET" "$1" "203.0.113.$last:3479" || return
    done
}

# lab_web NAMESPACE ADDRESS:PORT TEXT: a target; its name for lab_end is web-ADDRESS:PORT.
lab_web() {
    lab__nginx "$1" "web-$2" "$2" "$3" "$LAB_BIG_MIB" && lab_wait 5 lab_listening "$1" tcp "$2"
}

# lab__nginx NAMESPACE NAME ADDRESS:PORT TEXT [BIG_MIB]: / says TEXT, /me the client's address and port as
# seen from there. One process, so that one pid is the whole server.
lab__nginx() {
    local home=$LAB_DIR/$2.d kind
    mkdir -p "$home/page" || return
    echo "$4" >"$home/page/index.html"
    [[ ! ${5:-} ]] || head -c "${5}M" /dev/urandom >"$home/page/big"
    {
        # In a user namespace there is no other user to give folders to.
        echo "user root; daemon off; master_process off; pid nginx.pid; error_log stderr;"
        echo "events { }"
        echo "http {"
        for kind in client_body proxy fastcgi uwsgi scgi; do
            echo "    ${kind}_temp_path $kind;"
        done
        cat <<END
    access_log access.log;
    default_type text/plain;
    keepalive_requests $LAB_KEEPALIVE_REQUESTS;
    keepalive_timeout $LAB_KEEPALIVE_TIMEOUT;
    keepalive_time $LAB_KEEPALIVE_AGE;
    sendfile on;
    server {
        listen $3;
        root page;
        location = /me { return 200 "\$remote_addr:\$remote_port\n"; }
    }
}
END
    } >"$home/nginx.conf"
    lab_spawn "$1" "$2" nginx -p "$home" -c nginx.conf -e stderr
}
