#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Servers that are down, lie or babble, and names that cannot be resolved: the mapping still opens.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

setup() {
    lab_need_root
    lab_up fullcone
    lab_servers
    natter_names
}

teardown() {
    natter_down
}

# A success response with an address, 198.51.100.7:9999, for a transaction that nobody began.
foreign_answer='\x01\x01\x00\x0c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\x00\x20\x00\x08\x00\x01\x06\x1d\xe7\x21\xc0\x45'

# babbler ADDRESS:PORT FILE: answers whatever comes, over TCP and UDP, with the file's bytes.
babbler() {
    lab_spawn "$LAB_INET" "babbler-tcp-$1" socat "TCP-LISTEN:${1#*:},bind=${1%:*},reuseaddr,fork" SYSTEM:"head -c 1 >/dev/null; cat $2"
    lab_spawn "$LAB_INET" "babbler-udp-$1" socat "UDP-RECVFROM:${1#*:},bind=${1%:*},reuseaddr,fork" SYSTEM:"cat $2"
    lab_wait 5 lab_listening "$LAB_INET" tcp "$1"
    lab_wait 5 lab_listening "$LAB_INET" udp "$1"
}

# Only the last of the servers is of any use.
config_with_stun() {
    natter_config <<END
stun_server = { tcp = [ $1, "203.0.113.10" ]; udp = [ $1, "203.0.113.10" ]; };
keep_alive = [ "203.0.113.30" ];
forward_port = { tcp = [ "192.168.77.3:80" ]; udp = [ "192.168.77.3:7777" ]; };
END
}

expect_right_addresses() {
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
    natter_start
    [[ $(natter_fetch "$(natter_open tcp-192.168.77.3-80 10)") == "inside page" ]]
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$(natter_open udp-192.168.77.3-7777 10)" 10 203.0.113.40
}

@test "STUN servers that are down: the mappings open through the next one" {
    config_with_stun '"203.0.113.40:1", "203.0.113.40:2", "203.0.113.40:3", "203.0.113.40:4"'
    expect_right_addresses
}

@test "STUN servers that are silent: the mappings open through the next one" {
    lab_in "$LAB_INET" nft "add table ip quiet; add chain ip quiet in { type filter hook input priority 0; }; add rule ip quiet in ip daddr 203.0.113.41 drop"
    config_with_stun '"203.0.113.41:1", "203.0.113.41:2", "203.0.113.41:3", "203.0.113.41:4"'
    expect_right_addresses
}

@test "STUN servers that answer garbage: the mappings open through the next one" {
    head -c 100 /dev/urandom >"$LAB_DIR/garbage"
    babbler 203.0.113.40:3478 "$LAB_DIR/garbage"
    babbler 203.0.113.41:3478 "$LAB_DIR/garbage"
    config_with_stun '"203.0.113.40", "203.0.113.41"'
    expect_right_addresses
}

@test "STUN servers that answer for another transaction: their address is never published" {
    printf %b "$foreign_answer" >"$LAB_DIR/foreign"
    babbler 203.0.113.40:3478 "$LAB_DIR/foreign"
    babbler 203.0.113.41:3478 "$LAB_DIR/foreign"
    config_with_stun '"203.0.113.40", "203.0.113.41"'
    expect_right_addresses
    run ! grep 198.51.100.7 "$LAB_DIR/natterd.log"
}

@test "every STUN server stops while the mappings are open: they stay open, with the same address" {
    config_with_stun '"203.0.113.20"'
    sed -i '1i keep_alive_interval = 1;' "$LAB_DIR/natter.cfg"
    natter_start
    tcp=$(natter_open tcp-192.168.77.3-80)
    udp=$(natter_open udp-192.168.77.3-7777)
    lab_stop_server coturn
    lab_stop_server stund
    lab_wait 10 natter_is udp-192.168.77.3-7777 state degraded
    [[ $(natter_field udp-192.168.77.3-7777 outer) == "$udp" ]]
    [[ $(natter_field tcp-192.168.77.3-80 outer) == "$tcp" ]]
    natter_is tcp-192.168.77.3-80 state open
    lab_start_server coturn
    [[ $(natter_open udp-192.168.77.3-7777 20) == "$udp" ]]
}

# Whom UDP sockets on port 5001 are connected to.
asked_from_5001() {
    lab_in "$LAB_HOST" ss -Hnu state established 'sport = :5001' | awk '{ print $NF }'
}

@test "one server alone contradicts an address that others vouched for: it stands, and nothing is left behind" {
    ip -n "$LAB_INET" address add 203.0.113.100/24 dev eth0
    lab_spawn "$LAB_INET" liar /usr/bin/python3 "$BATS_TEST_DIRNAME/lab/hostile_stun.py" 203.0.113.100=lie
    lab_wait 5 lab_listening "$LAB_INET" udp 203.0.113.100:3478
    natter_config <<'END'
stun_server = { udp = [ "203.0.113.10", "203.0.113.20", "203.0.113.100" ]; };
stun_interval = 10;
mappings = ( { name = "game"; protocol = "udp"; bind = "5001"; target = "192.168.77.3:7777"; } );
END
    natter_start_in_quiet
    outer=$(natter_open game)
    [[ $outer == 203.0.113.254:* ]]
    holder=$(asked_from_5001)
    [[ $holder != *.10:* ]] || lab_silence 203.0.113.20
    [[ $holder == *.10:* ]] || lab_silence 203.0.113.10
    # The holder is asked in the same moment; that must not end the look.
    lab_wait 14 grep "game: the STUN servers that do not hold the mapping give no reason to doubt its address" "$LAB_DIR/natterd.log"
    [[ $(asked_from_5001) == "$holder" ]]
    natter_is game outer "$outer"
}

# The way to .20 and .21 has an outside address of its own, as with two lines or an uneven pool of addresses.
two_ways_out() {
    lab_nat portrestricted
    ip -n "$LAB_CARRIER" address add 203.0.113.253/24 dev wan
    lab_in "$LAB_CARRIER" nft "add table ip ways; add chain ip ways out { type nat hook postrouting priority srcnat - 5; }; add rule ip ways out oifname wan ip daddr { 203.0.113.20, 203.0.113.21 } ip protocol udp snat to 203.0.113.253"
}

@test "STUN servers see two addresses, two of them each: the one that is published stands, look for look" {
    two_ways_out
    natter_config <<'END'
stun_server = { udp = [ "203.0.113.10", "203.0.113.20", "203.0.113.11:3479", "203.0.113.21" ]; };
stun_interval = 10;
mappings = ( { name = "game"; protocol = "udp"; bind = "5001"; target = "192.168.77.3:7777"; } );
END
    natter_start_in_quiet
    outer=$(natter_open game 10)
    lab_wait 14 grep "game: the STUN servers that do not hold the mapping give no reason to doubt its address" "$LAB_DIR/natterd.log"
    natter_is game outer "$outer"
    run ! grep -F "(was $outer)" "$LAB_DIR/natterd.log"
}

@test "a keep-alive server that is down costs nothing while there is another one" {
    lab_stop_server nginx30
    natter_config <<'END'
stun_server = { tcp = [ "203.0.113.10" ]; };
keep_alive = [ "203.0.113.30", "203.0.113.31" ];
forward_port = { tcp = [ "192.168.77.3:80" ]; };
END
    natter_start
    natter_open tcp-192.168.77.3-80
    lab_in "$LAB_HOST" ss -Htn state established dst 203.0.113.31:80 | grep -q .
}

@test "without any keep-alive server the mapping says so, and opens by itself when one is there" {
    lab_stop_server nginx30
    natter_config <<'END'
stun_server = { tcp = [ "203.0.113.10" ]; };
keep_alive = "203.0.113.30";
forward_port = { tcp = [ "192.168.77.3:80" ]; };
END
    natter_start
    lab_wait 5 natter_is tcp-192.168.77.3-80 state backoff
    [[ $(natter_field tcp-192.168.77.3-80 error) == *"203.0.113.30"*"refused" ]]
    lab_start_server nginx30
    natter_open tcp-192.168.77.3-80 20
}

@test "a start without DNS is a normal one, and heals by itself" {
    natter_config <<'END'
stun_server = { tcp = [ "stun.lab.test" ]; udp = [ "stun.lab.test" ]; };
keep_alive = "web.lab.test";
forward_port = { tcp = [ "192.168.77.3:80" ]; udp = [ "192.168.77.3:7777" ]; };
END
    natter_start
    lab_wait 10 grep -q "cannot resolve stun.lab.test" "$LAB_DIR/natterd.log"
    natter_is tcp-192.168.77.3-80 state waiting
    natter_is udp-192.168.77.3-7777 state waiting
    # v0.9's words for it, in the list, the log and, as the same record, in the status file.
    told="No public STUN server is available. Please check your Internet connection. Tried 1: no name can be resolved"
    for name in tcp-192.168.77.3-80 udp-192.168.77.3-7777; do
        lab_wait 5 natter_is "$name" error "$told"
        grep -qF "warning: $name: waiting: $told" "$LAB_DIR/natterd.log"
    done
    [[ $(natter_ctl list) == *"$told"* ]]
    # The same file, since ip netns mounted this one.
    printf '203.0.113.10 stun.lab.test\n203.0.113.30 web.lab.test\n' >>"$hosts/hosts"
    natter_open tcp-192.168.77.3-80 20
    natter_open udp-192.168.77.3-7777 20
}

tried_often() {
    (($(grep -c "$1: .* -> backoff" "$LAB_DIR/natterd.log") >= 5))
}

@test "a start without a network is a normal one, and heals by itself" {
    lab_in "$LAB_HOST" ip link set eth0 down
    config_with_stun '"203.0.113.20"'
    natter_start
    lab_wait 5 natter_is tcp-192.168.77.3-80 state backoff
    # Until the pauses between the tries are far longer than what follows may take.
    lab_wait 30 tried_often tcp-192.168.77.3-80
    lab_wait 5 natter_is tcp-192.168.77.3-80 error \
        "keep-alive server 203.0.113.30 (203.0.113.30:80): Network is unreachable. Please check your Internet connection."
    lab_in "$LAB_HOST" ip link set eth0 up
    lab_in "$LAB_HOST" ip route replace default via 192.168.77.1
    natter_open tcp-192.168.77.3-80 4
    natter_open udp-192.168.77.3-7777 4
}
