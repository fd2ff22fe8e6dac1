#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What holds a mapping open and what is believed of it: two connections to different web servers, of which one
# may end at any time, and STUN servers that are down, lie, or see that the NAT has changed its mind.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

STUN='"203.0.113.10", "203.0.113.11:3479"'

# config [LINE...]: a TCP mapping with the STUN servers STUN and the lab's web servers, and these lines.
config() {
    natter_config <<END
stun_server = { tcp = [ $STUN ]; };
keep_alive = [ "203.0.113.30", "203.0.113.31" ];
status_report = { hook = "echo {outer_ip}:{outer_port} >> hooks.txt"; status_file = "status.json"; };
mappings = ( { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; } );
$(printf '%s\n' "$@")
END
}

# start [in_quiet]
start() {
    "natter_start${1:+_$1}"
    outer=$(natter_open web)
    lab_wait 3 holds 203.0.113.30:80 203.0.113.31:80
    lab_wait 5 hook_ran
}

hook_ran() {
    grep -qxF "$outer" "$LAB_DIR/hooks.txt"
}

# The other ends of the connections that hold the port.
held_by() {
    lab_in "$LAB_HOST" ss -Htn state established "sport = :8081 and dport = :80" | awk '{ print $4 }' | sort
}

holds() {
    [[ $(held_by) == "$(printf '%s\n' "$@")" ]]
}

# The kernel's number of the connection to a web server.
connection_to() {
    lab_in "$LAB_HOST" ss -Htne state established "dst $1:80" | grep -o 'sk:[0-9a-f]*'
}

# How many there are, again and again.
start_counting() {
    # shellcheck disable=SC2016
    lab_spawn "$LAB_HOST" counter bash -c 'while :; do
        ss -Htn state established "sport = :8081 and dport = :80" | wc -l; sleep 0.05; done'
    lab_wait 2 grep -q 2 "$LAB_DIR/counter.log"
}

# Nothing but $outer was published while somebody watched.
always_published() {
    lab_end watcher
    [[ $(sort -u "$LAB_DIR/watcher.log") == "$outer" ]]
    nothing_changed
}

# The hook ran once.
nothing_changed() {
    natter_is web outer "$outer" && [[ $(<"$LAB_DIR/hooks.txt") == "$outer" ]]
}

stayed_open() {
    ! grep "web: open -> " "$LAB_DIR/natterd.log"
}

# said TIMES WORDS
said() {
    (($(grep -c "$2" "$LAB_DIR/natterd.log") >= $1))
}

# count_calls ADDRESS: counts the connections that are begun to there.
count_calls() {
    lab_in "$LAB_INET" nft -f - <<END
table ip calls {
    counter to { }
    chain inward {
        type filter hook prerouting priority raw; policy accept;
        ip daddr $1 tcp flags & (syn | ack) == syn counter name to
    }
}
END
}

# called LEAST [MOST]
called() {
    local n
    n=$(lab_in "$LAB_INET" nft -j list counter ip calls to | jq '.nftables[].counter | values | .packets')
    ((n >= $1 && n <= ${2:-n}))
}

@test "with two web servers a mapping is held by a connection to each of them" {
    config
    start
    # Besides questions and the test from outside, which end.
    only_two() {
        [[ $(lab_in "$LAB_HOST" ss -Htn state established "sport = :8081" | wc -l) == 2 ]]
    }
    lab_wait 5 only_two
    holds 203.0.113.30:80 203.0.113.31:80
    stayed_open
}

# expect_no_gap REQUESTS TIMEOUT ENDS WORDS: with such web servers, until so many connections have ended with these
# words.
expect_no_gap() {
    local server
    for server in nginx30 nginx31; do
        lab_stop_server "$server"
        LAB_KEEPALIVE_REQUESTS=$1 LAB_KEEPALIVE_TIMEOUT=$2 lab_start_server "$server"
    done
    config
    start
    start_counting
    lab_wait 25 said "$3" "$4"
    lab_end counter
    sort "$LAB_DIR/counter.log" | uniq -c
    run ! grep -x 0 "$LAB_DIR/counter.log"
    stayed_open
    nothing_changed
}

@test "web servers that announce their end with every third answer: never without a connection, the same port" {
    expect_no_gap 3 "3s 3s" 4 "closes the connection after its answer"
}

@test "web servers that end idle connections after 3 s and never say so: the same" {
    expect_no_gap 1000 "3s" 2 "the server closed the connection"
}

@test "a web server falls silent: the other connection holds the port, and the silent one is left alone" {
    config
    start
    kept=$(connection_to 203.0.113.31)
    count_calls 203.0.113.30
    lab_silence 203.0.113.30
    lab_wait 10 holds 203.0.113.31:80
    lab_wait 3 said 1 "server 203.0.113.30 (203.0.113.30:80, tcp) failed and is left alone"
    [[ $(connection_to 203.0.113.31) == "$kept" ]]
    stayed_open
    nothing_changed
    called 0 1
}

count_refused() {
    grep -c "STUN server 203.0.113.10.*refused" "$LAB_DIR/natterd.log" || :
}

refused_more_than() {
    (($(count_refused) > $1))
}

# A refresh adds nothing to a look that is under way and may have had its answers before.
refreshed_in_vain() {
    natter_ctl refresh
    refused_more_than "$1"
}

# They are asked at least so many times.
ask_in_vain() {
    local n
    for ((n = 1; n <= $1; n++)); do
        lab_wait 3 refreshed_in_vain "$(count_refused)"
    done
}

@test "every STUN server is down: the mapping stays open, and a short silence of all servers withdraws nothing" {
    config
    start
    natter_watch_published
    lab_stop_server coturn
    ask_in_vain 3
    stayed_open
    lab_silence 203.0.113.30 203.0.113.31
    lab_wait 5 natter_is web state degraded
    # The kernel waits twice as long from one try to the next: with a second more of this the mapping might be lost.
    lab_silence_end
    lab_wait 20 natter_is web state open
    always_published
}

# far SERVER...: a router on the way says that there is no way to them.
far() {
    local addresses
    printf -v addresses '%s, ' "$@"
    lab_in "$LAB_CARRIER" nft "add table ip far; add chain ip far f { type filter hook forward priority -10; };
        add rule ip far f iifname lan ip daddr { ${addresses%, } } reject with icmp type host-unreachable"
}

@test "a router says that there is no way to any STUN server: the mapping stays open" {
    config
    start
    far 203.0.113.10 203.0.113.11
    natter_ctl refresh
    lab_wait 5 said 2 "STUN server .*No route to host"
    natter_ctl refresh
    lab_wait 5 said 4 "STUN server .*No route to host"
    stayed_open
    nothing_changed
}

@test "a router says the same of every web server: the mapping stands for as long as STUN servers see it" {
    config
    start
    far 203.0.113.30 203.0.113.31
    lab_wait 20 said 10 "keep-alive server .*No route to host"
    natter_is web state degraded
    nothing_changed
}

@test "no way to any STUN server, while the connections live: the mapping stays open" {
    config
    start
    ip -n "$LAB_HOST" route add unreachable 203.0.113.10/31
    natter_ctl refresh
    lab_wait 5 grep -q "STUN server 203.0.113.11.*No route to host" "$LAB_DIR/natterd.log"
    nothing_changed
}

# With the next request of a server that is asked every 2 s, so at another moment than the probes of all connections.
# The doubt may be over before somebody asks for it.
refuse_request_of() {
    lab_in "$LAB_INET" nft "add table ip rude; add chain ip rude in { type filter hook input priority 0; };
        add rule ip rude in ip daddr $1 tcp flags & psh != 0 reject with tcp reset"
    lab_wait 8 said 1 "web: open -> degraded"
    lab_in "$LAB_INET" nft delete table ip rude
}

@test "every STUN server is silent, and one connection is reset: the other one ends the doubt" {
    lab_stop_server nginx30
    LAB_KEEPALIVE_TIMEOUT="75s 3s" lab_start_server nginx30
    config
    start in_quiet
    lab_silence 203.0.113.10 203.0.113.11
    refuse_request_of 203.0.113.30
    lab_wait 5 natter_is web state open
    nothing_changed
}

# The server seems to know nothing of its connection any more.
reset_connections_of() {
    lost=$(connection_to "$1")
    lab_in "$LAB_INET" nft "add table ip rude; add chain ip rude in { type filter hook input priority 0; };
        add rule ip rude in ip daddr $1 tcp flags & syn == 0 reject with tcp reset"
    is_lost() {
        [[ $(connection_to "$1") != "$lost" ]]
    }
    lab_wait 5 is_lost "$1"
    lab_in "$LAB_INET" nft delete table ip rude
}

@test "a STUN server that lies beside an honest one: the mapping that is open stays so, with its address" {
    STUN='"203.0.113.10", "203.0.113.41"'
    config 'stun_interval = 10;'
    start in_quiet
    natter_watch_published
    lab_spawn "$LAB_INET" liar "$NATTER_BUILD/tests/witness" 203.0.113.41:3478 198.51.100.7:9999
    lab_wait 2 lab_listening "$LAB_INET" tcp 203.0.113.41:3478
    count_calls 203.0.113.41
    # It is contradicted, and asked again at once.
    lab_wait 14 called 2
    stayed_open
    # Who looks more closely, since a connection was lost, does not believe it either.
    reset_connections_of 203.0.113.31
    lab_wait 5 called 4
    lab_wait 10 natter_is web state open
    always_published
}

# For new connections from the mapped port the NAT has this outside port from now on; the old ones live on.
exchange_mapping() {
    lab_in "$LAB_CARRIER" nft -f - <<END
flush chain ip lab_nat learn
flush map ip lab_nat in_tcp
flush map ip lab_nat out_tcp
add element ip lab_nat in_tcp { $1 : 192.168.77.2 . 8081 }
add element ip lab_nat out_tcp { 192.168.77.2 . 8081 : $(lab_wan) . $1 }
END
}

@test "the NAT exchanges the mapping and its connections live on: the regular look notices it" {
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    config 'stun_interval = 10;'
    start in_quiet
    exchange_mapping 19999
    lab_wait 14 natter_is web outer "$(lab_wan):19999"
    run ! grep "looking again" "$LAB_DIR/natterd.log"
    lab_wait 3 natter_is web state open
    [[ $(natter_fetch "$(lab_wan):19999") == "inside page" ]]
    lab_wait 3 holds 203.0.113.30:80 203.0.113.31:80
}

for_seconds() {
    (($(date +%s) >= begun + $1))
}

@test "a fifth of all packets is lost: always published, always the same address" {
    config
    start
    natter_watch_published
    begun=$(date +%s)
    lab_loss 20
    lab_wait 15 for_seconds 10
    lab_loss 0
    lab_wait 10 natter_is web state open
    always_published
}

# two_mappings INTERVAL INTERVAL: of a and b.
two_mappings() {
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "a"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; keep_alive_interval = $1; },
             { name = "b"; protocol = "tcp"; bind = "0.0.0.0:8082"; target = "192.168.77.3:80"; keep_alive_interval = $2; } );
END
    natter_start
    natter_open a
    natter_open b
}

# In how many milliseconds the connections of a port are probed, one a line; ss writes 0.5 s as 500ms and 1.5 s
# as 1.500ms.
next_probes() {
    lab_in "$LAB_HOST" ss -Htno state established "sport = :$1 and dport = :80" |
        sed -nE 's/.*timer:\(keepalive,([^,]*),.*/\1/p' | awk '{ print /^[0-9]*ms$/ ? $1 + 0 : 1000 * $1 }'
}

slowly_probed() {
    next_probes "$1" | awk '$1 > 2000 { n++ } END { exit n != 2 }'
}

@test "the mapping that watches the NAT is probed every second, one whose interval is fixed at that" {
    two_mappings '[ 5, 15 ]' 7
    # A new mapping is looked at more closely for a while.
    lab_wait 15 slowly_probed 8082
    for _ in {1..20}; do
        # The kernel's timers are a little longer than they are set.
        next_probes 8081 | awk '$1 > 1100 { exit 1 }'
        next_probes 8082 | awk '$1 > 7100 { exit 1 }'
    done
    [[ $(next_probes 8081) ]]
}

learned() {
    (($(natter_field "$lazy" keep_alive_interval) <= 4))
}

@test "TCP: a hole that was lost for idleness makes the interval shorter" {
    lab_down
    export LAB_TCP_TIMEOUT=4
    lab_up fullcone
    lab_servers
    # Two connections hold the hole together: the second one's packets come 1 to 3 s after those of the first one, so
    # that nothing leaves for at least 5 s.
    two_mappings '[ 1, 8 ]' '[ 1, 8 ]'
    # The other one watches the NAT.
    lazy=b
    [[ $(grep "has the duty to watch" "$LAB_DIR/natterd.log" | tail -n 1) == *" a: "* ]] || lazy=a
    natter_is "$lazy" keep_alive_interval 8
    lab_wait 25 learned
    lab_wait 5 natter_is "$lazy" state open
}

moved() {
    [[ $(natter_field game outer) != "$at" ]] && natter_is game state open
}

@test "UDP: one STUN server of two is silent, and the NAT forgets: what the other one sees is published" {
    natter_config <<'END'
stun_server = { udp = [ "203.0.113.20", "203.0.113.10" ]; };
keep_alive_interval = 1;
mappings = ( { name = "game"; protocol = "udp"; bind = 5000; target = "192.168.77.3:7777"; } );
END
    natter_start
    at=$(natter_open game)
    lab_silence 203.0.113.10
    lab_forget
    lab_wait 12 moved
}

@test "UDP: all STUN servers silent: the address stands, and the log says once what is wrong, and that it is over" {
    natter_config <<END
$(natter_lab_servers)
keep_alive_interval = 1;
mappings = ( { name = "game"; protocol = "udp"; bind = 5000; target = "192.168.77.3:7777"; } );
END
    natter_start
    at=$(natter_open game)
    lab_silence 203.0.113.10 203.0.113.11 203.0.113.20 203.0.113.21
    lab_wait 12 grep -q "warning: game: degraded: no STUN server is heard any more" "$LAB_DIR/natterd.log"
    natter_is game outer "$at"
    lab_silence_end
    lab_wait 5 grep -q "info: game: open at $at again" "$LAB_DIR/natterd.log"
    (($(grep -c "warning: game" "$LAB_DIR/natterd.log") == 1))
}

@test "TCP: all web servers down: the log names the trouble once, whichever of them is tried" {
    config
    start
    lab_stop_server nginx30
    lab_stop_server nginx31
    lab_wait 3 natter_is web state degraded
    # Both are tried with each question to the STUN servers.
    asked_often() {
        (($(grep -c "web: keep-alive server 203.0.113.3[01] .* Connection refused" "$LAB_DIR/natterd.log") >= 8))
    }
    lab_wait 15 asked_often
    (($(grep -c "warning: web: degraded: keep-alive server" "$LAB_DIR/natterd.log") == 1))
    natter_is web outer "$outer"
}
