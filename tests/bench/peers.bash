# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# The relays that are compared, each with every service of the target on ports of its own, one process or worker
# each. A peer is "NAME" or "NAME=PATH"; its kind is what NAME begins with. To be sourced after ground.bash.
#
#     natter[-ANYTHING]=BUILD   natterd and natter-worker of that folder; default: NATTER_BUILD
#     haproxy                   splicing forced
#     haproxy-1m                the same with pipes of 1 MiB, which it does not have unless told
#     nginx                     stream, buffers of 64 KiB
#     socat                     a process for each connection
#     natmap=PROGRAM
#     direct, dnat              no relay: the client reaches the target by routing, or by nftables

# Seconds after which a relay forgets a UDP client: before the next measurement but one.
: "${PEERS_UDP_TIMEOUT:=30}"
PEERS_KINDS="natter haproxy haproxy-1m nginx socat natmap direct dnat"

# peer_name PEER, peer_kind PEER
peer_name() {
    echo "${1%%=*}"
}

peer_kind() {
    local name=${1%%=*}
    case $name in
    natter | natter-*) echo natter ;;
    *)
        [[ " $PEERS_KINDS " == *" $name "* ]] || {
            echo "no peer '$name'; there are: $PEERS_KINDS" >&2
            return 1
        }
        echo "$name"
        ;;
    esac
}

# peers_check: is all there that the PEERS of the array need?
peers_check() {
    local peer kind path
    for peer in "$@"; do
        kind=$(peer_kind "$peer") || return
        path=${peer#*=}
        if [[ $kind == natter && $peer == *=* && ! -x $path/natterd ]]; then
            echo "$peer: there is no natterd in $path" >&2
            return 1
        elif [[ $kind == natmap && ! -x $path ]]; then
            echo "$peer: say natmap=PROGRAM, or NATMAP=PROGRAM to make" >&2
            return 1
        fi
    done
}

# Each peer has ports of its own: 7100, 7200.. and the service's place.
peer__port() {
    local -i i
    local name
    name=$(peer_name "$1")
    for ((i = 0; i < ${#RELAYS[@]}; i++)); do
        [[ $(peer_name "${RELAYS[i]}") != "$name" ]] || echo $((7100 + i * 100 + $2))
    done
}

# peer_address PEER SERVICE: what a client connects to.
peer_address() {
    local -i place
    if [[ $(peer_kind "$1") == direct ]]; then
        echo "$GROUND_TARGET:$(ground_port "$2")"
        return
    fi
    for ((place = 0; place < ${#GROUND_SERVICES[@]}; place++)); do
        [[ ${GROUND_SERVICES[place]} != "$2:"* ]] || echo "$GROUND_RELAY:$(peer__port "$1" "$place")"
    done
}

# peer_serves PEER SERVICE
peer_serves() {
    local kind
    kind=$(peer_kind "$1")
    [[ $kind != haproxy* || $2 != @(sink|echo) ]]
}

peer__folder() {
    echo "$LAB_DIR/peers/$(peer_name "$1")"
}

# peer_start PEER: returns when it serves everything.
peer_start() {
    local folder service
    folder=$(peer__folder "$1")
    # Workers that have no rights any more must get through.
    mkdir -p "$folder" && chmod 755 "$LAB_DIR/peers" "$folder" &&
        "peer__start_$(peer_kind "$1" | tr - _)" "$1" "$folder" || return
    for service in "${GROUND_SERVICES[@]}"; do
        peer__await "$1" "$service" || { tail -n 20 "$folder"/*.log >&2 && return 1; }
    done
}

# peer__await PEER NAME:PROTOCOL:PORT
peer__await() {
    local address protocol=${2%:*}
    [[ $(peer_kind "$1") != @(direct|dnat) ]] && peer_serves "$1" "${2%%:*}" || return 0
    address=$(peer_address "$1" "${2%%:*}")
    lab_wait 10 peer__listens "${protocol#*:}" "${address#*:}"
}

# On this address or on all.
peer__listens() {
    lab_listening "$LAB_HOST" "$1" "$GROUND_RELAY:$2" || lab_listening "$LAB_HOST" "$1" "0.0.0.0:$2"
}

# peer_stop PEER: all of its processes are gone.
peer_stop() {
    local folder file
    folder=$(peer__folder "$1")
    for file in "$folder"/*.pid; do
        [[ ! -e $file ]] || lab_end "$file" || :
    done
}

# peer__each PEER FUNCTION: calls it with protocol, address here and address of the target, for what the peer serves.
peer__each() {
    local service name protocol port
    for service in "${GROUND_SERVICES[@]}"; do
        IFS=: read -r name protocol port <<<"$service"
        ! peer_serves "$1" "$name" || "$2" "$protocol" "$(peer_address "$1" "$name")" "$GROUND_TARGET:$port" "$name"
    done
}

# The paths below LAB_DIR of helper.bash are this peer's, so that several natterd run side by side.
peer__start_natter() {
    local LAB_DIR=$2 NATTER_BUILD=$NATTER_BUILD service
    [[ $1 != *=* ]] || NATTER_BUILD=$(cd "${1#*=}" && pwd)
    {
        natter_lab_servers
        echo "mappings = ("
        peer__each "$1" peer__natter_mapping | paste -sd,
        echo ");"
    } | natter_config
    # A user's settings, and not what tests want to read.
    sed -i 's/level = "debug"/level = "info"/' "$LAB_DIR/natter.cfg"
    NATTER_PLACE=$LAB_HOST natter_start || return
    for service in "${GROUND_SERVICES[@]}"; do
        natter_open "${service%%:*}" 20 >/dev/null || return
    done
}

peer__natter_mapping() {
    local more=""
    [[ $1 != udp ]] || more=" udp_timeout = $PEERS_UDP_TIMEOUT;"
    echo "{ name = \"$4\"; protocol = \"$1\"; bind = \"$2\"; target = \"$3\";$more }"
}

peer__start_haproxy() {
    {
        cat <<END
global
    user haproxy
    nbthread 1
    maxconn 4000
    ${3-}
defaults
    mode tcp
    backlog 4096
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    option splice-request
    option splice-response
END
        peer__each "$1" peer__haproxy_listen
    } >"$2/haproxy.cfg"
    LAB_DIR=$2 lab_spawn "$LAB_HOST" haproxy haproxy -db -f "$2/haproxy.cfg"
}

peer__haproxy_listen() {
    printf 'listen %s\n    bind %s\n    server target %s\n' "$4" "$2" "$3"
}

peer__start_haproxy_1m() {
    peer__start_haproxy "$1" "$2" "tune.pipesize 1048576"
}

peer__start_nginx() {
    local module=/usr/lib/nginx/modules/ngx_stream_module.so
    {
        [[ ! -e $module ]] || echo "load_module $module;"
        cat <<END
user root; daemon off; worker_processes 1; pid $2/nginx.own-pid; error_log $2/error.log;
events { worker_connections 16384; }
stream {
    proxy_buffer_size 64k;
    proxy_timeout 1h;
END
        peer__each "$1" peer__nginx_server
        echo "}"
    } >"$2/nginx.conf"
    LAB_DIR=$2 lab_spawn "$LAB_HOST" nginx nginx -p "$2" -c nginx.conf -e "$2/error.log"
}

peer__nginx_server() {
    local how=" backlog=4096" more=""
    [[ $1 != udp ]] || how=" udp" more=" proxy_timeout ${PEERS_UDP_TIMEOUT}s;"
    echo "    server { listen $2$how; proxy_pass $3;$more }"
}

peer__start_socat() {
    peer__each "$1" peer__socat_one
}

# LAB_DIR/peers/socat is the only folder that this kind can have.
peer__socat_one() {
    local port=${2#*:} listen=$1
    LAB_DIR=$LAB_DIR/peers/socat lab_spawn "$LAB_HOST" "socat-$4" socat -b 65536 \
        "${listen^^}4-LISTEN:$port,bind=${2%:*},reuseaddr,fork$([[ $1 == udp ]] || echo ,backlog=4096)" "${listen^^}4:$3"
}

peer__start_natmap() {
    PEERS_NATMAP=${1#*=}
    peer__each "$1" peer__natmap_one
}

peer__natmap_one() {
    local kind=()
    [[ $1 != udp ]] || kind=(-u -T "$PEERS_UDP_TIMEOUT")
    LAB_DIR=$LAB_DIR/peers/natmap lab_spawn "$LAB_HOST" "natmap-$4" "$PEERS_NATMAP" "${kind[@]}" -4 -k 10 \
        -s 203.0.113.10 -h 203.0.113.30 -b "${2#*:}" -t "${3%:*}" -p "${3#*:}"
}

peer__start_direct() {
    :
}

peer__start_dnat() {
    {
        echo "table ip bench_dnat { chain inward { type nat hook prerouting priority dstnat; policy accept;"
        peer__each "$1" peer__dnat_rule
        echo "}; }"
    } >"$2/dnat.nft"
}

peer__dnat_rule() {
    echo "ip daddr ${2%:*} $1 dport ${2#*:} dnat to $3"
}

# peer_begin PEER, peer_finish PEER: around each measurement. The rules are there only then, since with them the
# kernel tracks every connection, also those of the others.
peer_begin() {
    [[ $(peer_kind "$1") != dnat ]] || lab_in "$LAB_HOST" nft -f "$(peer__folder "$1")/dnat.nft"
}

peer_finish() {
    if [[ $(peer_kind "$1") == dnat ]]; then
        lab_in "$LAB_HOST" nft delete table ip bench_dnat
        lab_in "$LAB_HOST" conntrack -F 2>/dev/null
    fi
}

# peer_pids PEER: its processes.
peer_pids() {
    local roots
    roots=$(cat "$(peer__folder "$1")"/*.pid 2>/dev/null) || return 0
    # A parent has the smaller number, unless numbers began anew: then a process is missed.
    ps -eo pid=,ppid= --sort pid | awk -v roots="${roots//$'\n'/ }" '
        BEGIN { for (i = split(roots, list, " "); i > 0; i--) ours[list[i]] = 1 }
        $2 in ours { ours[$1] = 1 }
        $1 in ours { print $1 }'
}

# peer_worker PEER SERVICE: those of its processes that relay this service.
peer_worker() {
    local folder
    folder=$(peer__folder "$1")
    case $(peer_kind "$1") in
    natter) ps -o pid=,args= -p "$(peer_pids "$1" | paste -sd,)" | awk -v name="$2" '/natter-worker: / && $3 == name { print $1 }' ;;
    nginx) pgrep -P "$(<"$folder/nginx.pid")" ;;
    haproxy*) cat "$folder/haproxy.pid" ;;
    socat)
        cat "$folder/socat-$2.pid"
        pgrep -P "$(<"$folder/socat-$2.pid")" || :
        ;;
    natmap) cat "$folder/natmap-$2.pid" ;;
    esac
}

# peer_cpu_ns PEER: nanoseconds of processor time that its processes, and those of them that ended, have used.
peer_cpu_ns() {
    local pids pid
    pids=$(peer_pids "$1")
    for pid in $pids; do
        # Children that ended are known to their parent only, in ticks of 10 ms.
        cat "/proc/$pid/task/"*/schedstat 2>/dev/null
        sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | awk '{ printf "%.0f\n", ($14 + $15) * 1e7 }'
    done | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}
