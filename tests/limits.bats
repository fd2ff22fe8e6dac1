#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What clients can take of a mapping, and which of them get in: who is refused is counted, and who is there goes on.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

# 198.18.0.0/15 is outside, too: the addresses of crowds.
setup() {
    lab_need_root
    lab_up fullcone
    lab_servers
    ip -n "$LAB_INET" route add local 198.18.0.0/15 dev lo
    ip -n "$LAB_CARRIER" route add 198.18.0.0/15 via 203.0.113.40
    natter_echo "$LAB_LAN" tcp 192.168.77.3:80 web
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777 game
}

# config_limits WEB GAME: the settings of either, and a mapping without any.
config_limits() {
    natter_config <<END
$(natter_lab_servers)
status_report = { status_file = "$LAB_DIR/status.json"; };
mappings = (
    { name = "web"; protocol = "tcp"; bind = 8081; target = "192.168.77.3:80"; $1 },
    { name = "game"; protocol = "udp"; bind = 8082; target = "192.168.77.3:7777"; $2 },
    { name = "other"; protocol = "tcp"; bind = 8083; target = "192.168.77.3:80"; }
);
END
}

start() {
    config_limits "$@"
    natter_start
    web=$(natter_open web) game=$(natter_open game) other=$(natter_open other)
}

reload() {
    config_limits "$@"
    run -0 natter_ctl reload
    [[ $output == "1 mapping kept, 2 changed, 0 replaced, 0 added, 0 removed" ||
        $output == "2 mappings kept, 1 changed, 0 replaced, 0 added, 0 removed" ]]
}

refused_is() {
    natter_is "$1" "refused.$2" "$3"
}

# keep NAME OUTER COUNT ADDRESS: a client that keeps so many connections open, and has tried each.
keep() {
    lab_spawn "$LAB_INET" "$1" "$NATTER_BUILD/tests/connections" keep "$2" "$3" "$4"
    lab_wait 10 grep -q "$3 open, $3 right" "$LAB_DIR/$1.log"
}

# idle NAME OUTER COUNT ADDRESS OPEN: a client that opens so many, sends nothing, and is left with OPEN. Of COUNT it
# speaks before the others have come.
idle() {
    lab_spawn "$LAB_INET" "$1" "$NATTER_BUILD/tests/idlers" connections "$2" "$3" "$4"
    idle_has "$1" "$3" "$5"
}

idle_has() {
    lab_wait 20 grep -qx "$3 open, $(($2 - $3)) refused" "$LAB_DIR/$1.log"
}

# serves OUTER ADDRESS: a client there gets in, and is answered.
serves() {
    lab_in "$LAB_INET" timeout 20 "$NATTER_BUILD/tests/connections" hold "$1" 1 "$2"
}

# refuses OUTER ADDRESS: it is reset, which it sees at once.
refuses() {
    run ! lab_in "$LAB_INET" timeout 20 "$NATTER_BUILD/tests/connections" hold "$1" 1 "$2"
    [[ $output == *"reset by peer"* || $output == *", 0 right"* || $output == *"roken pipe"* ]]
}

# plays OUTER ADDRESS: datagrams from there come back.
plays() {
    lab_in "$LAB_INET" timeout 20 "$NATTER_BUILD/tests/datagrams" send "$1" 200 "$2"
}

# drops OUTER ADDRESS: none of them do.
drops() {
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/idlers" datagrams "$1" 1 "$2"
}

# How many lines of natterd's log have it.
said() {
    grep -c "$1" "$LAB_DIR/natterd.log"
}

# The mapping's worker and hole are those that remember saw.
remember() {
    before=$(natter_ctl list --json | jq -c '.[] | [.name, .pid, .outer, .since, .holes_lost]')
}

same_holes() {
    [[ $(natter_ctl list --json | jq -c '.[] | [.name, .pid, .outer, .since, .holes_lost]') == "$before" ]]
}

@test "one client's 10,000 idle connections leave room for others, if there is a limit for each client" {
    start "max_connections = 1000; max_connections_per_client = 300;" ""
    keep friend "$web" 100 203.0.113.41
    idle flood "$web" 10000 203.0.113.40 300
    lab_wait 3 refused_is web client_limit 9700
    lab_wait 3 natter_is web connections 400
    serves "$web" 198.18.0.1
    serves "$web" 203.0.113.41
    [[ $(said 'warning: web: 203.0.113.40:.* is refused: it has 300 connections already (max_connections_per_client)') == 1 ]]
    natter_ctl show web | grep -x 'refused: *9700 (client_limit 9700)'
    natter_ctl metrics | grep -x 'natter_mapping_refused_total{name="web",protocol="tcp",reason="client_limit"} 9700'
    jq -e '.mappings[0].refused | has("client_limit")' "$LAB_DIR/status.json"
    lab_end flood
    lab_wait 3 natter_is web connections 100
    idle flood "$web" 300 203.0.113.40 300
    lab_wait 3 natter_is web connections 400
    refused_is web client_limit 9700
    lab_end friend
}

@test "with as many connections as there may be one more is reset, and those that are there go on" {
    start "max_connections = 50;" ""
    keep friend "$web" 20 203.0.113.41
    idle first "$web" 40 203.0.113.40 30
    idle second "$web" 1000 198.18.0.1 0
    lab_wait 3 refused_is web limit 1010
    refuses "$web" 203.0.113.41
    serves "$other" 203.0.113.40
    lab_wait 3 natter_is web connections 50
    [[ $(said 'warning: web: .* is refused: there are 50 connections already (max_connections)') == 1 ]]
    lab_end first
    lab_wait 3 natter_is web connections 20
    serves "$web" 198.18.0.1
    lab_in "$LAB_INET" ss -Htn state established "dst = ${web%:*} and src = 203.0.113.41" | wc -l | grep -x 20
}

@test "a target that takes nobody costs each of a thousand clients its connect_timeout, and others nothing" {
    # Silent for whoever begins now.
    lab_in "$LAB_LAN" nft "add table ip t; add chain ip t in { type filter hook input priority 0; }"
    start "connect_timeout = 60;" ""
    keep friend "$web" 10 203.0.113.41
    lab_in "$LAB_LAN" nft "add rule ip t in tcp dport 80 ct state new drop"
    idle flood "$web" 1000 203.0.113.40 1000
    lab_wait 5 natter_is web connections 1010
    reload "connect_timeout = 1;" ""
    idle_has flood 1000 0
    lab_wait 3 natter_is web connections 10
    lab_wait 3 natter_is web failures.target_silent 1000
    lab_in "$LAB_LAN" nft flush chain ip t in
    serves "$web" 203.0.113.41
}

# said_hello: a client with a port of its own says something, of 65,507 bytes, and is answered.
said_hello() {
    lab_in "$LAB_INET" timeout 20 "$NATTER_BUILD/tests/datagrams" send "$game" 1 203.0.113.41:4444
}

# The sockets to the target.
sessions() {
    lab_in "$LAB_HOST" ss -Hun "dst = 192.168.77.3:7777" | awk '{ print $3 }'
}

@test "10,000 forged senders take each other's place among the UDP sessions, not that of who has talked with the target" {
    start "" "max_udp_sessions = 100;"
    said_hello
    said_hello
    quiet=$(sessions)
    lab_spawn "$LAB_INET" player "$NATTER_BUILD/tests/datagrams" send "$game" 8000 203.0.113.41
    plays_already() {
        (($(natter_field game bytes_out) > 200000))
    }
    lab_wait 5 plays_already
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/idlers" datagrams "$game" 10000 198.18.0.0
    lab_wait 20 grep -qx "8000 sent, 8000 back, 0 damaged" "$LAB_DIR/player.log"
    lab_wait 3 natter_is game connections 100
    replaced() {
        local total
        total=$(natter_field game connections_total)
        ((total > 1000)) && refused_is game replaced $((total - 100)) && refused_is game limit 0
    }
    lab_wait 3 replaced
    sessions | grep -x "$quiet"
    said_hello
    [[ $(said 'warning: game: 100 UDP sessions and a new client (max_udp_sessions): .* makes room') == 1 ]]
    plays "$game" 203.0.113.40
}

@test "where every session was answered a new client is refused, and one of many is not served before others" {
    start "" "max_udp_sessions = 4; max_connections_per_client = 2;"
    plays "$game" 198.18.0.1
    plays "$game" 198.18.0.1
    drops "$game" 198.18.0.1
    lab_wait 3 refused_is game client_limit 1
    plays "$game" 198.18.0.2
    plays "$game" 198.18.0.3
    drops "$game" 198.18.0.4
    drops "$game" 198.18.0.5
    lab_wait 3 refused_is game limit 2
    lab_wait 3 natter_is game connections 4
    reload "" "max_udp_sessions = 4; max_connections_per_client = 2; udp_timeout = 1;"
    lab_wait 10 natter_is game connections 0
    plays "$game" 198.18.0.5
}

@test "allow and deny keep clients out, but not STUN and the mapping's own tests from outside" {
    start 'allow = [ "198.18.0.0/16", "203.0.113.41" ]; deny = "198.18.0.128/25";' \
        'allow = [ "198.18.0.0/16", "203.0.113.41" ]; deny = "198.18.0.128/25";'
    lab_wait 15 natter_is web reach reachable
    lab_wait 15 natter_is game reach reachable
    serves "$web" 203.0.113.41
    serves "$web" 198.18.0.127
    plays "$game" 203.0.113.41
    plays "$game" 198.18.0.127
    for address in 203.0.113.40 198.18.0.128 198.19.0.1; do
        refuses "$web" "$address"
        drops "$game" "$address"
    done
    lab_wait 3 refused_is web denied 3
    lab_wait 3 refused_is game denied 3
    lab_wait 3 natter_is web connections_total 2
    lab_wait 3 natter_is game connections_total 2
    [[ $(said 'info: web: 203.0.113.40:.* is refused, as allow and deny say') == 1 ]]
    [[ $(said 'is refused') == 2 ]]
    serves "$other" 203.0.113.40
    tests=$(said "debug: web: from outside")
    natter_ctl refresh web
    tested_again() {
        (($(said "debug: web: from outside") > tests))
    }
    lab_wait 15 tested_again
    natter_is web reach reachable
    refused_is web denied 3
}

@test "IPv6 clients are counted by their network of 64 bits, and let in by networks" {
    for place in "$LAB_HOST" "$LAB_LAN"; do
        lab_in "$place" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0
    done
    ip -n "$LAB_HOST" address add fd00::2/16 dev eth0 nodad
    for address in fd00::3 fd00::4 fd00:0:0:1::3 fd00:0:0:2::3; do
        ip -n "$LAB_LAN" address add "$address/16" dev eth0 nodad
    done
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "six"; protocol = "tcp"; bind = "[fd00::2]:8084"; target = "192.168.77.3:80";
    max_connections_per_client = 2; deny = "fd00:0:0:2::/64"; } );
END
    natter_start
    lab_wait 5 lab_listening "$LAB_HOST" tcp "[fd00::2]:8084"
    lab_spawn "$LAB_LAN" flood "$NATTER_BUILD/tests/idlers" connections "[fd00::2]:8084" 10 fd00::3
    idle_has flood 10 2
    lab_spawn "$LAB_LAN" sibling "$NATTER_BUILD/tests/idlers" connections "[fd00::2]:8084" 10 fd00::4
    idle_has sibling 10 0
    lab_in "$LAB_LAN" timeout 20 "$NATTER_BUILD/tests/connections" hold "[fd00::2]:8084" 2 fd00:0:0:1::3
    lab_spawn "$LAB_LAN" denied "$NATTER_BUILD/tests/idlers" connections "[fd00::2]:8084" 10 fd00:0:0:2::3
    idle_has denied 10 0
    lab_wait 3 refused_is six client_limit 18
    lab_wait 3 refused_is six denied 10
}

@test "all of it is changed by reload: holes and connections stay, but for those who may not get in any more" {
    start "" ""
    remember
    keep friend "$web" 20 203.0.113.41
    keep enemy "$web" 5 198.18.0.1
    plays "$game" 198.18.0.1
    reload "max_connections = 10; max_connections_per_client = 5; connect_timeout = 3;" "max_connections_per_client = 1;"
    lab_wait 3 natter_is web connections 25
    refuses "$web" 198.18.0.2
    lab_wait 3 refused_is web limit 1
    drops "$game" 198.18.0.1
    lab_wait 3 refused_is game client_limit 1
    reload "max_connections = 100; max_connections_per_client = 20;" 'max_connections_per_client = 1; deny = "198.18.0.1";'
    refuses "$web" 203.0.113.41
    serves "$web" 198.18.0.1
    # It has come and is gone.
    lab_wait 5 natter_is web connections_total 26
    lab_wait 3 natter_is web connections 25
    lab_wait 3 refused_is web client_limit 1
    lab_wait 3 natter_is game connections 0
    drops "$game" 198.18.0.1
    lab_wait 3 refused_is game denied 2
    reload 'deny = "198.18.0.0/16";' 'deny = "198.18.0.1";'
    lab_wait 3 natter_is web connections 20
    lab_wait 3 refused_is web denied 5
    refuses "$web" 198.18.0.1
    reload "" ""
    serves "$web" 198.18.0.1
    plays "$game" 198.18.0.1
    lab_wait 3 natter_is web connections 20
    same_holes
}

nofile_of() {
    awk '/^Max open files/ { print $4 "/" $5 }' "/proc/$(natter_field "$1" pid)/limits"
}

# may_have COUNT: does the system let anybody have so many descriptors?
may_have() {
    prlimit "--nofile=$1:$1" true 2>/dev/null
}

@test "a worker has descriptors for its limits as far as the system allows, and a warning says what is missing" {
    local most
    most=$(ulimit -Hn)
    start "max_connections = 100000;" "max_udp_sessions = 90000;"
    if may_have 205536; then
        [[ $(nofile_of web) == 205536/205536 && $(nofile_of game) == 95536/95536 && $(nofile_of other) == 65536/65536 ]]
        run ! grep "takes .* descriptors" "$LAB_DIR/natterd.log"
        most=205536
    fi
    reload "max_connections = 200000;" "max_udp_sessions = 90000;"
    lab_wait 3 grep "warning: web: max_connections = 200000 takes 405536 descriptors, but this worker may have $most: " "$LAB_DIR/natterd.log"
    natter_ctl restart web
    natter_open web
    ! may_have 405536 || [[ $(nofile_of web) == 405536/405536 ]]
    natter_stop
    # What root may not raise either.
    config_limits "max_connections = 5000;" ""
    lab_spawn "$LAB_HOST" natterd setpriv --bounding-set=-sys_resource prlimit --nofile=10000:10000 \
        "$NATTER_BUILD/natterd" -f -c "$LAB_DIR/natter.cfg"
    lab_wait 5 natter_ctl version
    natter_open web
    natter_open game
    lab_wait 3 grep "warning: web: max_connections = 5000 takes 15536 descriptors, but this worker may have 10000: " "$LAB_DIR/natterd.log"
    [[ $(said "takes .* descriptors") == 1 ]]
}
