#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The relays through the hole: nothing is lost or changed on the way.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"

config_forward() {
    natter_config <<END
$(natter_lab_servers)
$(cat)
END
}

@test "1 GB through the TCP relay arrives unchanged" {
    export LAB_BIG_MIB=1000
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    config_forward <<<'forward_port = { tcp = [ "192.168.77.3:80" ]; };'
    natter_start
    outer=$(natter_open tcp-192.168.77.3-80)
    sent=$(sha256sum <"$LAB_DIR/web-192.168.77.3:80.d/page/big")
    [[ $(lab_in "$LAB_INET" curl --interface 203.0.113.40 -sS -m 60 "http://$outer/big" | sha256sum) == "$sent" ]]
    all_counted() {
        [[ $(natter_field tcp-192.168.77.3-80 bytes_out) -gt $((1000 * 1048576)) ]]
    }
    lab_wait 5 all_counted
}

@test "half-close is kept: a client that has finished sending still gets the whole answer" {
    lab_spawn "$LAB_LAN" counter socat TCP-LISTEN:99,reuseaddr,fork SYSTEM:'sha256sum'
    lab_wait 5 lab_listening "$LAB_LAN" tcp 0.0.0.0:99
    config_forward <<<'forward_port = { tcp = [ "192.168.77.3:99" ]; };'
    natter_start
    outer=$(natter_open tcp-192.168.77.3-99)
    head -c 20M /dev/urandom >"$LAB_DIR/upload"
    # The answer can only come after the end of what was sent.
    answer=$(lab_in "$LAB_INET" socat -t 20 - "TCP:$outer,bind=203.0.113.40" <"$LAB_DIR/upload")
    [[ $answer == "$(sha256sum <"$LAB_DIR/upload")" ]]
}

@test "100,000 datagrams through the UDP relay arrive unchanged, while STUN goes on every second" {
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
    config_forward <<'END'
keep_alive_interval = 1;
forward_port = { udp = [ "192.168.77.3:7777" ]; };
END
    natter_start
    outer=$(natter_open udp-192.168.77.3-7777)
    run lab_in "$LAB_INET" timeout 60 "$NATTER_BUILD/tests/datagrams" send "$outer" 100000 203.0.113.40
    echo "$output"
    [[ $status == 0 && $output == "100000 sent, 100000 back, 0 damaged" ]]
}

udp_echo_behind_relay() {
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
    config_forward <<<'forward_port = { udp = [ "192.168.77.3:7777" ]; };'
    natter_start
    outer=$(natter_open udp-192.168.77.3-7777)
}

@test "datagrams that the client's kernel sends as one arrive each for itself, also where the way to the target takes no such thing" {
    udp_echo_behind_relay
    send_segments() {
        run lab_in "$LAB_INET" timeout 60 "$NATTER_BUILD/tests/datagrams" segments "$outer" 20000 203.0.113.40
        echo "$output"
        [[ $status == 0 && $output == "20000 sent, 20000 back, 0 damaged" ]]
    }
    send_segments
    [[ $(grep -c "cannot be sent as one" "$LAB_DIR/natterd.log") == 0 ]]
    # Too narrow for these datagrams: the kernel breaks each into fragments, but no longer several as one.
    ip -n "$LAB_HOST" route add 192.168.77.3/32 dev eth0 mtu 1280
    send_segments
    lab_wait 5 grep "datagrams of 1400 bytes cannot be sent as one" "$LAB_DIR/natterd.log"
    run lab_in "$LAB_INET" timeout 60 "$NATTER_BUILD/tests/datagrams" send "$outer" 5000 203.0.113.40
    [[ $output == "5000 sent, 5000 back, 0 damaged" ]]
    [[ $(grep -c "datagrams of 1400 bytes cannot be sent as one" "$LAB_DIR/natterd.log") == 1 ]]
}

@test "a router on the way to the target that has no room for a datagram ends no session" {
    natter_echo "$LAB_INET" udp 203.0.113.41:7777
    lab_in "$LAB_CARRIER" ip route add 203.0.113.41/32 dev wan mtu lock 1280
    config_forward <<<'forward_port = { udp = [ "203.0.113.41:7777" ]; };'
    natter_start
    outer=$(natter_open udp-203.0.113.41-7777)
    # The last one is too large and lost, which tells this machine how much room there is.
    send_eight() {
        run lab_in "$LAB_INET" timeout 60 "$NATTER_BUILD/tests/datagrams" send "$outer" 8 203.0.113.40
        [[ $output == "$1" ]]
    }
    send_eight "8 sent, 7 back, 0 damaged"
    [[ $(lab_in "$LAB_HOST" ip route get 203.0.113.41) == *"mtu 1280"* ]]
    natter_is udp-203.0.113.41-7777 connections 1
    send_eight "8 sent, 8 back, 0 damaged"
    lab_wait 5 natter_is udp-203.0.113.41-7777 connections_total 2
    [[ $(grep -c "refused a datagram\|cannot be sent to the target" "$LAB_DIR/natterd.log") == 0 ]]
}

@test "a target that refuses closes the client at once, and the log says so" {
    config_forward <<<'forward_port = { tcp = [ "192.168.77.3:81" ]; };'
    natter_start
    outer=$(natter_open tcp-192.168.77.3-81)
    run natter_fetch "$outer"
    [[ $status != 0 && $output != *"timed out"* ]]
    lab_wait 2 grep -q "tcp-192.168.77.3-81: .*192.168.77.3:81.*refused" "$LAB_DIR/natterd.log"
}

@test "2,000 connections at a time, each with its own answer" {
    natter_echo "$LAB_LAN" tcp 192.168.77.3:99
    config_forward <<<'forward_port = { tcp = [ "192.168.77.3:99" ]; };'
    # The look at a new network sends a probe, which is no client unless it comes late in such a crowd.
    natter_start_in_quiet
    outer=$(natter_open tcp-192.168.77.3-99)
    run lab_in "$LAB_INET" timeout 60 "$NATTER_BUILD/tests/connections" hold "$outer" 2000 203.0.113.40
    [[ $status == 0 && $output == "2000 open, 2000 right" ]]
    counted() {
        natter_is tcp-192.168.77.3-99 connections_total 2000 && natter_is tcp-192.168.77.3-99 connections 0
    }
    lab_wait 5 counted
}

@test "many clients of a UDP mapping are kept apart, and their sessions end when they fall silent" {
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
    config_forward <<'END'
mappings = ( { name = "game"; protocol = "udp"; target = "192.168.77.3:7777"; udp_timeout = 2; } );
END
    natter_start
    outer=$(natter_open game)
    for _ in {1..20}; do
        lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$outer" 20 203.0.113.40
    done
    lab_wait 5 natter_is game connections_total 20
    lab_wait 10 natter_is game connections 0
}

@test "clients are sent to with the chosen congestion control; an unknown one is told of and costs nothing" {
    natter_echo "$LAB_LAN" tcp 192.168.77.3:99
    config_forward <<'END'
mappings = (
    { name = "chosen"; protocol = "tcp"; target = "192.168.77.3:99"; congestion_control = "reno"; },
    { name = "unknown"; protocol = "tcp"; target = "192.168.77.3:99"; congestion_control = "nosuchthing"; }
);
END
    natter_start
    lab_spawn "$LAB_INET" client socat "TCP:$(natter_open chosen),bind=203.0.113.40" EXEC:cat
    sends_with_reno() {
        lab_in "$LAB_HOST" ss -Htin state established dst 203.0.113.40 | grep -qw reno
    }
    lab_wait 5 sends_with_reno
    run lab_in "$LAB_INET" timeout 60 "$NATTER_BUILD/tests/connections" hold "$(natter_open unknown)" 3 203.0.113.40
    [[ $output == "3 open, 3 right" ]]
    grep -q 'unknown: this system gives no congestion control "nosuchthing"' "$LAB_DIR/natterd.log"
}
