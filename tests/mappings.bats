#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The main job: mappings of every kind through the kernel's full-cone NAT, whose outside ports differ from the
# inside ones, and everything that tells their address.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"

# One line per run of the hook, from its placeholders and from its environment.
# shellcheck disable=SC2016
hook_line='{name} {protocol} {inner_ip}:{inner_port} {outer_ip}:{outer_port} $NATTER_NAME $NATTER_OUTER'

config_with_outputs() {
    natter_config <<END
$(natter_lab_servers)
status_report = { hook = "echo \"$hook_line\" >> hooks.txt"; status_file = "status.json"; };
$(cat)
END
}

hook_ran() {
    grep -qxF "$1" "$LAB_DIR/hooks.txt"
}

status() {
    jq -r "$1" "$LAB_DIR/status.json"
}

status_is() {
    [[ $(status "$1") == "$2" ]]
}

# expect_address_everywhere NAME PROTOCOL INNER OUTER
expect_address_everywhere() {
    lab_wait 3 status_is ".$2[0].outer" "$4"
    status_is ".$2[0].inner" "$3"
    status_is ".mappings[0].name" "$1"
    status_is ".mappings[0].outer" "$4"
    lab_wait 3 hook_ran "$1 $2 $3 $4 $1 $4"
    [[ $(natter_ctl list) == *"$3"*"$4"* ]]
    [[ $(wc -l <"$LAB_DIR/hooks.txt") == 1 ]]
}

@test "forward_port, TCP: an outside client reads the target's page; status, hook and natterctl name the address" {
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    config_with_outputs <<<'forward_port = { tcp = [ "192.168.77.3:80" ]; };'
    natter_start
    outer=$(natter_open tcp-192.168.77.3-80)
    [[ $outer == "$(lab_wan)":1???? ]]
    [[ $(natter_fetch "$outer") == "inside page" ]]
    expect_address_everywhere tcp-192.168.77.3-80 tcp 192.168.77.3:80 "$outer"
}

# What became of the mapping in a hook's words, and the same as natterctl has it.
@test "hook events: up, down when the address is known to be gone, and up again with the one before" {
    # Both STUN servers are one program: what one of two sees alone is believed for lack of the other, and would be an
    # address again.
    config_with_outputs <<'END'
mappings = ( { name = "game"; protocol = "udp"; target = "192.168.77.3:2456"; keep_alive_interval = 1;
      stun_server = [ "203.0.113.10", "203.0.113.11:3479" ];
      hook = "echo \"{event} {outer_ip}:{outer_port} {old_outer_ip}:{old_outer_port} $NATTER_OLD_OUTER\" >> hooks.txt"; },
    { name = "plain"; protocol = "udp"; target = "192.168.77.3:2457"; keep_alive_interval = 1;
      stun_server = [ "203.0.113.10", "203.0.113.11:3479" ];
      hook = "echo \"{outer_ip}:{outer_port} $NATTER_OLD_OUTER\" >> plain.txt"; } );
END
    natter_start
    first=$(natter_open game)
    plain=$(natter_open plain)
    lab_wait 3 hook_ran "up $first :0 "
    [[ $(natter_field game event) == up && ! $(natter_field game old_outer) ]]
    lab_nat symmetric
    lab_wait 30 hook_ran "down :0 $first $first"
    [[ $(natter_field game event) == down && $(natter_field game old_outer) == "$first" ]]
    lab_wait 30 natter_is plain event down
    lab_nat fullcone
    natter_ctl refresh
    second=$(natter_open game 30)
    lab_wait 3 hook_ran "up $second $first $first"
    [[ $(natter_field game event) == up && $(natter_field game old_outer) == "$first" ]]
    [[ $(wc -l <"$LAB_DIR/hooks.txt") == 3 ]]
    # A command that does not ask for events is told addresses alone.
    again=$(natter_open plain 30)
    wait_plain() {
        [[ $(<"$LAB_DIR/plain.txt") == "$plain "$'\n'"$again $plain" ]]
    }
    lab_wait 3 wait_plain
}

@test "open_port, TCP: the program that listens on the punched port is reached" {
    natter_echo "$LAB_HOST" tcp 192.168.77.2:8080
    config_with_outputs <<<'open_port = { tcp = [ "192.168.77.2:8080" ]; };'
    natter_start
    outer=$(natter_open tcp-192.168.77.2-8080)
    [[ $outer != *:8080 ]]
    lab_in "$LAB_INET" timeout 20 "$NATTER_BUILD/tests/connections" hold "$outer" 10 203.0.113.40
    expect_address_everywhere tcp-192.168.77.2-8080 tcp 192.168.77.2:8080 "$outer"
}

@test "open_port, TCP: a program that shares its port with nobody is reached too, and can restart" {
    lab_web "$LAB_HOST" 192.168.77.2:8080 "own page"
    config_with_outputs <<<'open_port = { tcp = [ "192.168.77.2:8080" ]; };'
    natter_start
    outer=$(natter_open tcp-192.168.77.2-8080)
    [[ $(natter_fetch "$outer") == "own page" ]]
    lab_end web-192.168.77.2:8080
    lab_web "$LAB_HOST" 192.168.77.2:8080 "own page again"
    [[ $(natter_fetch "$outer") == "own page again" ]]
    # The next keep-alive, and the questions after it, come from a port that nginx listens on.
    lab_forget
    changed() {
        [[ $(natter_field tcp-192.168.77.2-8080 outer) != "$outer" ]] && natter_is tcp-192.168.77.2-8080 state open
    }
    lab_wait 20 changed
    [[ $(natter_fetch "$(natter_field tcp-192.168.77.2-8080 outer)") == "own page again" ]]
}

@test "forward_port, UDP: datagrams of every size go through the hole and back" {
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
    config_with_outputs <<<'forward_port = { udp = [ "192.168.77.3:7777" ]; };'
    natter_start
    outer=$(natter_open udp-192.168.77.3-7777)
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$outer" 2000 203.0.113.40
    expect_address_everywhere udp-192.168.77.3-7777 udp 192.168.77.3:7777 "$outer"
}

@test "open_port, UDP: the program that owns the punched port is reached" {
    natter_echo "$LAB_HOST" udp 192.168.77.2:7777
    config_with_outputs <<<'open_port = { udp = [ "192.168.77.2:7777" ]; };'
    natter_start
    outer=$(natter_open udp-192.168.77.2-7777)
    [[ $outer != *:7777 ]]
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$outer" 200 203.0.113.40
    expect_address_everywhere udp-192.168.77.2-7777 udp 192.168.77.2:7777 "$outer"
}

@test "mappings = ( ... ): a name, a bind port, servers and a hook of its own" {
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    config_with_outputs <<'END'
mappings = (
    { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; keep_alive_interval = 3;
      keep_alive = "203.0.113.31:80"; stun_server = [ "203.0.113.11:3478" ]; hook = "echo own {name} >> own.txt"; } );
END
    natter_start
    outer=$(natter_open web)
    [[ $(natter_fetch "$outer") == "inside page" ]]
    [[ $(natter_field web bind) == 0.0.0.0:8081 ]]
    lab_wait 3 grep -qx "own web" "$LAB_DIR/own.txt"
    [[ ! -e $LAB_DIR/hooks.txt ]]
    [[ $(lab_in "$LAB_HOST" ss -Htn state established "sport = :8081 and dst 203.0.113.31:80" | wc -l) == 1 ]]
}

@test "with servers a millisecond away the address is published within 0.3 s of the start" {
    config_with_outputs <<'END'
forward_port = { tcp = [ "192.168.77.3:80" ]; udp = [ "192.168.77.3:7777" ]; };
END
    # Of both, each in the list of its protocol. Without another program, so that looks come soon after each other: what
    # is found out later makes the file a later one. Not $(<...), with which bash ends if there is no file yet.
    published() {
        local text
        read -r -d '' text <"$LAB_DIR/status.json"
        [[ $text == *'"tcp":'*'"outer": "203.'*'"udp":'*'"outer": "203.'*'"mappings":'* ]]
    }
    began=${EPOCHREALTIME/./}
    lab_spawn "$LAB_HOST" natterd "$NATTER_BUILD/natterd" -f -c "$LAB_DIR/natter.cfg"
    lab_wait 5 published
    # The file's own time says when it was written, however late a busy machine looked.
    took=$(($(date -r "$LAB_DIR/status.json" +%s%6N) - began))
    echo "published after $took us"
    ((took < ${NATTER_SLOW:-1} * 300000))
}

time_wait() {
    [[ $(lab_in "$LAB_HOST" ss -Htn state time-wait "sport = :${bind##*:}") ]]
}

@test "the port that natterd chose stays the same over restarts, and so does the outside port" {
    config_with_outputs <<<'forward_port = { tcp = [ "192.168.77.3:80" ]; };'
    natter_start
    outer=$(natter_open tcp-192.168.77.3-80)
    bind=$(natter_field tcp-192.168.77.3-80 bind)
    # A connection that our side closed first is remembered by the kernel, and must be no obstacle.
    lab_spawn "$LAB_LAN" hello socat TCP-LISTEN:80,reuseaddr,fork SYSTEM:'echo hello'
    lab_wait 5 lab_listening "$LAB_LAN" tcp 0.0.0.0:80
    lab_in "$LAB_INET" socat -u "TCP:$outer,bind=203.0.113.40" - </dev/null | grep -q hello
    lab_wait 3 time_wait
    natter_stop
    natter_start
    [[ $(natter_field tcp-192.168.77.3-80 bind) == "$bind" ]]
    [[ $(natter_open tcp-192.168.77.3-80) == "$outer" ]]
    read -r low high <<<"$(lab_in "$LAB_HOST" cat /proc/sys/net/ipv4/ip_local_port_range)"
    ((${bind##*:} < low || ${bind##*:} > high))
}

@test "the NAT forgets everything: the new address is found, published and works" {
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    config_with_outputs <<'END'
keep_alive_interval = 2;
forward_port = { tcp = [ "192.168.77.3:80" ]; udp = [ "192.168.77.3:7777" ]; };
END
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
    natter_start
    tcp=$(natter_open tcp-192.168.77.3-80)
    udp=$(natter_open udp-192.168.77.3-7777)
    lab_forget
    both_changed() {
        [[ $(natter_field tcp-192.168.77.3-80 outer) != "$tcp" ]] && natter_is tcp-192.168.77.3-80 state open &&
            [[ $(natter_field udp-192.168.77.3-7777 outer) != "$udp" ]] && natter_is udp-192.168.77.3-7777 state open
    }
    lab_wait 20 both_changed
    tcp=$(natter_field tcp-192.168.77.3-80 outer)
    udp=$(natter_field udp-192.168.77.3-7777 outer)
    [[ $(natter_fetch "$tcp") == "inside page" ]]
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$udp" 20 203.0.113.40
    lab_wait 3 hook_ran "tcp-192.168.77.3-80 tcp 192.168.77.3:80 $tcp tcp-192.168.77.3-80 $tcp"
    lab_wait 3 status_is '.udp[0].outer' "$udp"
}

@test "a new outside address is found by both protocols" {
    config_with_outputs <<'END'
keep_alive_interval = 2;
forward_port = { tcp = [ "192.168.77.3:80" ]; udp = [ "192.168.77.3:7777" ]; };
END
    natter_start
    natter_open tcp-192.168.77.3-80
    natter_open udp-192.168.77.3-7777
    lab_readdress 203.0.113.253
    new_address() {
        natter_is "$1" outer_ip 203.0.113.253 && natter_is "$1" state open
    }
    lab_wait 30 new_address udp-192.168.77.3-7777
    lab_wait 30 new_address tcp-192.168.77.3-80
}

keep_alive_servers_close_after() {
    local server
    for server in nginx30 nginx31; do
        lab_stop_server "$server"
        LAB_KEEPALIVE_REQUESTS=$1 LAB_KEEPALIVE_TIMEOUT="3s 3s" lab_start_server "$server"
    done
}

@test "a keep-alive server that closes after every third request leaves the hole open and the address as it is" {
    keep_alive_servers_close_after 3
    config_with_outputs <<'END'
keep_alive_interval = 1;
forward_port = { tcp = [ "192.168.77.3:80" ]; };
END
    natter_start
    outer=$(natter_open tcp-192.168.77.3-80)
    several_connections() {
        (($(cat "$LAB_DIR"/nginx3?.d/access.log | wc -l) >= 10))
    }
    lab_wait 20 several_connections
    [[ $(natter_open tcp-192.168.77.3-80) == "$outer" ]]
    [[ $(wc -l <"$LAB_DIR/hooks.txt") == 1 ]]
}

@test "keep-alive servers that close after every answer: the mapping opens and keeps its address" {
    keep_alive_servers_close_after 1
    config_with_outputs <<'END'
keep_alive_interval = 1;
forward_port = { tcp = [ "192.168.77.3:80" ]; };
END
    natter_start
    outer=$(natter_open tcp-192.168.77.3-80)
    several_answers() {
        (($(cat "$LAB_DIR"/nginx3?.d/access.log | wc -l) >= 5))
    }
    lab_wait 20 several_answers
    [[ $(natter_open tcp-192.168.77.3-80) == "$outer" ]]
    # At most about one connection a second.
    (($(cat "$LAB_DIR"/nginx3?.d/access.log | wc -l) <= 15))
}

@test "this machine gets another address: the hole is made anew from there and works" {
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    config_with_outputs <<'END'
keep_alive_interval = 60;
forward_port = { tcp = [ "192.168.77.3:80" ]; udp = [ "192.168.77.3:7777" ]; };
END
    natter_start
    natter_open tcp-192.168.77.3-80
    natter_open udp-192.168.77.3-7777
    lab_in "$LAB_HOST" ip address add 192.168.77.9/24 dev eth0
    lab_in "$LAB_HOST" ip address del 192.168.77.2/24 dev eth0
    lab_in "$LAB_HOST" ip address add 192.168.77.9/24 dev eth0 2>/dev/null || :
    lab_in "$LAB_HOST" ip route replace default via 192.168.77.1
    holds_from_there() {
        lab_in "$LAB_HOST" ss -Htn state established src 192.168.77.9 dport = :80 | grep -q . &&
            natter_is tcp-192.168.77.3-80 state open && natter_is udp-192.168.77.3-7777 state open
    }
    lab_wait 20 holds_from_there
    [[ $(natter_fetch "$(natter_field tcp-192.168.77.3-80 outer)") == "inside page" ]]
}

@test "two NATs in a row, both full cone: the published address is the carrier's and works when both let in" {
    lab_down
    lab_up fullcone fullcone
    lab_servers
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    config_with_outputs <<<'forward_port = { tcp = [ "192.168.77.3:80" ]; };'
    natter_start
    outer=$(natter_open tcp-192.168.77.3-80)
    [[ $outer == "$(lab_wan)":1???? ]]
    [[ $(natter_fetch "$outer") == "inside page" ]]
}

@test "after a clean end the status file names no address that nobody keeps open" {
    config_with_outputs <<<'forward_port = { tcp = [ "192.168.77.3:80" ]; };'
    natter_start
    natter_open tcp-192.168.77.3-80
    lab_wait 3 status_is '.tcp | length' 1
    natter_stop
    status_is '.tcp | length' 0
    status_is '.mappings[0].state' stopped
    status_is '.mappings[0].outer' ""
}
