#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Crowds: as many TCP connections through one worker, and at the same time as many UDP sessions through another, as a
# mapping may have. Each client is checked to the byte while all are there; then everything is given back.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"

COUNT=10000 # of TCP connections, and of UDP sessions
SPARE=32    # descriptors that a worker has besides those of its clients, at most
KIB=256     # that a worker may keep when everybody is gone
BYTES=1024  # of a worker's own memory for each client, at most

# configure UDP_TIMEOUT
configure() {
    natter_config <<END
$(natter_lab_servers)
mappings = (
    { name = "hold"; protocol = "tcp"; target = "192.168.77.3:7000"; },
    { name = "game"; protocol = "udp"; target = "192.168.77.3:9002"; udp_timeout = $1; }
);
END
}

targets() {
    natter_echo "$LAB_LAN" tcp 192.168.77.3:7000 hold
    lab_spawn "$LAB_LAN" echo "$NATTER_BUILD/tests/pings" echo 192.168.77.3:9002
    lab_wait 5 lab_listening "$LAB_LAN" udp 192.168.77.3:9002
}

# count_connections: sets connections. A relayed one needs two descriptors: where root may not have more than 20,000,
# as in some containers, that are a few less than 10,000 connections.
count_connections() {
    local limit
    ulimit -Hn 65536 2>/dev/null || :
    limit=$(ulimit -Hn)
    connections=$COUNT
    [[ $limit != unlimited ]] && ((limit < 2 * COUNT + SPARE)) || return 0
    connections=$(((limit - SPARE) / 2))
    echo "# a process can have $limit descriptors here: $connections TCP connections" >&3
}

# crowd tcp|udp OUTER SIZE
crowd() {
    lab_spawn "$LAB_INET" "crowd-$1" "$NATTER_BUILD/tests/crowd" "$1" "$2" "$3" 203.0.113.40 203.0.113.41
}

# everybody_right ROUND: all of both crowds were answered in this round, and nobody has left.
everybody_right() {
    local name size
    for name in tcp udp; do
        size=$COUNT
        [[ $name == udp ]] || size=$connections
        lab_wait 20 grep -q "\"round\":$1," "$LAB_DIR/crowd-$name.log" || return
        echo "$name: $(tail -n 1 "$LAB_DIR/crowd-$name.log")"
        tail -n 1 "$LAB_DIR/crowd-$name.log" |
            jq -e "[.open, .right, .wrong, .lost, .closed] == [$size, $size, 0, 0, 0]" >/dev/null || return
    done
}

# another_round NUMBER
another_round() {
    kill -USR1 "$(<"$LAB_DIR/crowd-tcp.pid")" "$(<"$LAB_DIR/crowd-udp.pid")"
    everybody_right "$1"
}

descriptors() {
    local fds=("/proc/$1/fd/"*)
    echo "${#fds[@]}"
}

has_descriptors() {
    (($(descriptors "$1") <= $2))
}

memory() {
    awk '/^Private_/ { sum += $2 } END { print sum }' "/proc/$1/smaps_rollup"
}

# look: what both workers have now.
look() {
    echo "tcp: $(descriptors "$tcp") descriptors, $(memory "$tcp") KiB; udp: $(descriptors "$udp"), $(memory "$udp") KiB"
}

@test "10,000 TCP connections and 10,000 UDP sessions at the same time: none is lost, and nothing is left of them" {
    count_connections
    targets
    configure 300
    # The look at a new network is no client, but would be counted if its probe came late in such a crowd.
    natter_start_in_quiet
    local outer_tcp outer_udp
    outer_tcp=$(natter_open hold) outer_udp=$(natter_open game)
    tcp=$(natter_field hold pid) udp=$(natter_field game pid)
    local tcp_fds udp_fds tcp_kib udp_kib tcp_full udp_full
    tcp_fds=$(descriptors "$tcp") udp_fds=$(descriptors "$udp") tcp_kib=$(memory "$tcp") udp_kib=$(memory "$udp")
    look
    crowd tcp "$outer_tcp" "$connections"
    crowd udp "$outer_udp" "$COUNT"
    everybody_right 1
    lab_wait 3 natter_is hold connections "$connections"
    lab_wait 3 natter_is game connections "$COUNT"
    another_round 2
    another_round 3
    look
    (($(descriptors "$tcp") - tcp_fds >= 2 * connections && $(descriptors "$udp") - udp_fds >= COUNT))
    tcp_full=$(memory "$tcp") udp_full=$(memory "$udp")
    echo "bytes each: tcp $(((tcp_full - tcp_kib) * 1024 / connections)), udp $(((udp_full - udp_kib) * 1024 / COUNT))"
    natter_is hold outer "$outer_tcp"
    natter_is game outer "$outer_udp"
    # A reload with everybody there, after which silent sessions are soon forgotten.
    configure 1
    natter_ctl reload
    lab_end crowd-tcp
    lab_end crowd-udp
    lab_wait 10 natter_is hold connections 0
    lab_wait 10 natter_is game connections 0
    lab_wait 5 has_descriptors "$tcp" $((tcp_fds + 2))
    lab_wait 5 has_descriptors "$udp" $((udp_fds + 2))
    look
    natter_is hold connections_total "$connections"
    natter_is game connections_total "$COUNT"
    [[ $(natter_field hold pid) == "$tcp" && $(natter_field game pid) == "$udp" ]]
    natter_need_usual_build
    (((tcp_full - tcp_kib) * 1024 <= BYTES * connections && (udp_full - udp_kib) * 1024 <= BYTES * COUNT))
    (($(memory "$tcp") <= tcp_kib + KIB && $(memory "$udp") <= udp_kib + KIB))
}
