# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Where relays are measured: three network namespaces in a row, with the lab's processes and names (tests/lab).
# No NAT is in the way: a relay's outer address is its inner one, and the direct path is routed. To be sourced;
# sources helper.bash.
#
#     LAB_INET  the client                LAB_HOST  the relays                 LAB_LAN  the target
#     203.0.113.40, servers .10 to .31 -- 203.0.113.254   192.168.77.1 ------- 192.168.77.3

BENCH=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck source-path=SCRIPTDIR source=../helper.bash
source "$BENCH/../helper.bash"

GROUND_RELAY=203.0.113.254
GROUND_TARGET=192.168.77.3
# What the target serves: name, protocol, port. Those that nobody wants may be taken away before ground_up.
GROUND_SERVICES=(bulk:tcp:5201 web:tcp:8080 hold:tcp:7000 sink:udp:9001 echo:udp:9002)

# ground_up: the network, the target's servers, and those that a natter or natmap needs.
ground_up() {
    local tag
    # As many as there may be: a sensible admin lets a relay have them.
    ulimit -n "$(ulimit -Hn)"
    LAB_DIR=$(mktemp -d "${TMPDIR:-/tmp}/natter-bench.XXXXXX") || return
    chmod 755 "$LAB_DIR"
    tag=nt$$${LAB_DIR##*.}
    # shellcheck disable=SC2034 # lab.bash reads them
    LAB_INET=${tag}_inet LAB_CARRIER='' LAB_HOME='' LAB_HOST=${tag}_host LAB_LAN=${tag}_lan
    lab__make_namespaces "$LAB_HOST" && ground__connect && ground__settle && ground__servers && ground__target
}

ground__connect() {
    local last
    lab_in "$LAB_HOST" sysctl -qw net.ipv4.ip_forward=1 &&
        ip -n "$LAB_HOST" link add wan type veth peer name eth0 netns "$LAB_INET" &&
        ip -n "$LAB_HOST" link add lan type veth peer name eth0 netns "$LAB_LAN" &&
        ip -n "$LAB_HOST" -batch - <<END &&
address add $GROUND_RELAY/24 dev wan
address add 192.168.77.1/24 dev lan
link set wan up
link set lan up
END
        {
            # The first is what a client has if it does not choose.
            for last in 40 10 11 20 21 30 31; do
                echo "address add 203.0.113.$last/24 dev eth0"
            done
            echo "link set eth0 up"
            echo "route add 192.168.77.0/24 via $GROUND_RELAY"
        } | ip -n "$LAB_INET" -batch - &&
        ip -n "$LAB_LAN" -batch - <<END
address add $GROUND_TARGET/24 dev eth0
link set eth0 up
route add default via 192.168.77.1
END
}

# Ten thousand connections a second must not run out of ports.
ground__settle() {
    local name
    for name in "$LAB_INET" "$LAB_HOST" "$LAB_LAN"; do
        lab_in "$name" sysctl -qw net.ipv4.ip_local_port_range="15000 65000" net.ipv4.tcp_tw_reuse=1 \
            net.core.somaxconn=4096 net.ipv4.tcp_max_syn_backlog=4096 || return
    done
}

ground__servers() {
    # shellcheck disable=SC2034 # lab.bash reads it
    LAB_SERVERS=(coturn stund nginx30 nginx31)
    LAB_KEEPALIVE_TIMEOUT=1h LAB_KEEPALIVE_REQUESTS=1000000 lab_servers
}

ground__target() {
    local service name protocol port
    for service in "${GROUND_SERVICES[@]}"; do
        IFS=: read -r name protocol port <<<"$service"
        "ground__$name" "$GROUND_TARGET:$port"
        # Each measurement has its own sink.
        [[ $name == sink ]] || lab_wait 5 lab_listening "$LAB_LAN" "$protocol" "$GROUND_TARGET:$port" || return
    done
}

ground__bulk() {
    lab_spawn "$LAB_LAN" bulk iperf3 -s -B "${1%:*}" -p "${1#*:}"
}

ground__hold() {
    lab_spawn "$LAB_LAN" hold "$NATTER_BUILD/tests/connections" echo "$1"
}

ground__sink() {
    :
}

ground__echo() {
    lab_spawn "$LAB_LAN" echo "$NATTER_BUILD/tests/pings" echo "$1"
}

ground__web() {
    mkdir -p "$LAB_DIR/target" || return
    cat >"$LAB_DIR/target/nginx.conf" <<END
user root; daemon off; master_process off; pid nginx.pid; error_log stderr;
events { worker_connections 16384; }
http {
$(ground__nginx_folders)
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    server {
        listen $1 backlog=4096;
        location / { default_type text/plain; return 200 "answer\n"; }
    }
}
END
    lab_spawn "$LAB_LAN" web nginx -p "$LAB_DIR/target" -c nginx.conf -e stderr
}

# nginx writes nothing there, but will have these folders.
ground__nginx_folders() {
    local kind
    for kind in client_body proxy fastcgi uwsgi scgi; do
        echo "    ${kind}_temp_path $kind;"
    done
}

# ground_port SERVICE: the target's port.
ground_port() {
    local service
    for service in "${GROUND_SERVICES[@]}"; do
        [[ $service != "$1:"* ]] || echo "${service##*:}"
    done
}
