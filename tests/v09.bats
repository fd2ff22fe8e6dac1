#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What v0.9 did, and what it did wrong: where the tests are that show how it is here. Each line names a test by
# words of its name. The last test here checks that they exist.
#
#   Its features
#     natter.py [SRC_IP] SRC_PORT                commandline.bats "natter.py PORT", "natter.py -t SRC_IP PORT"
#     -t: the test page                          commandline.bats "natter.py -t PORT"; unit.bats "the test page"
#     --check-nat: NAT types, warnings           check.bats "every type of NAT"
#     messages when it cannot work               diagnosis.bats "each message appears"
#     -c FILE, a JSON configuration              import.bats "round trip: natterd"; config.bats "good files"
#     -v; logging: level, log_file               v09.bats "-v and level"; service.bats "started as a daemon"
#     open_port: the address is the one bound    mappings.bats "open_port, TCP: the program", "open_port, UDP"
#     forward_port: the target; a free port      mappings.bats "forward_port, TCP", "forward_port, UDP"
#     on the router, before DNAT                 deployments.bats "itself, TCP", "itself, UDP", "open_port with the"
#     behind a forwarding router or as DMZ host  deployments.bats "forwards the ports", "with a DMZ host"
#     stun_server: tcp, udp                      servers.bats "STUN servers that are down"
#     keep_alive: HEAD / every 10 s holds TCP    v09.bats "held open", "other ports"; unit.bats "HTTP of the"
#     keep_alive: a datagram holds UDP           v09.bats "held open" (here the question to a STUN server does)
#     hook on every change, five placeholders    mappings.bats "status, hook and natterctl", "the NAT forgets"
#     status file: tcp and udp, inner and outer  mappings.bats "status, hook and natterctl"
#     a port that cannot be shared               service.bats "a port that another program has"
#
#   Its mistakes
#     UDP mappings are never asked again         mappings.bats "the NAT forgets", "a new outside address"
#     TCP: no answer after a reconnect is final  v09.bats "no stale address"
#     time-outs of one mapping stop all          v09.bats "hold up no other"; workers.bats "one worker's death"
#     names are resolved once                    unit.bats "names of servers"
#     no name at the start is the end            servers.bats "a start without DNS", "a start without a network"
#     hooks without order and time limit         unit.bats "hooks: in order"; service.bats "a hook that hangs"
#     status file rewritten in place             unit.bats "replaced as a whole"
#     status file knows no "down"                v09.bats "says what is down"; mappings.bats "after a clean end"
#     a target that refuses is relayed to        relay.bats "a target that refuses"; unit.bats "the TCP relay"
#     UDP relaying stops during STUN             relay.bats "while STUN goes on"
#     keep-alive: fixed interval, port, host     v09.bats "other ports"; servers.bats "a keep-alive server that"
#     STUN attributes' padding is not skipped    unit.bats "the STUN codec: padding"
#     exactly three good TCP servers: an error   v09.bats "exactly three"; check.bats "exactly three"
#     "full cone" behind a restricted NAT        check.bats "each other's alternates"

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

# An impatient natterd for one web server, and what else is given.
config_web() {
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    natter_config <<END
keep_alive_interval = 1;
mappings = ( { name = "web"; protocol = "tcp"; target = "192.168.77.3:80"; } );
status_report = { status_file = "status.json"; };
$(cat)
END
}

status_is() {
    [[ $(jq -r "$1" "$LAB_DIR/status.json") == "$2" ]]
}

moved() {
    natter_is "$1" state open && [[ $(natter_field "$1" outer) != "$2" ]]
}

# heads FILE COUNT: so many requests of natter are in this access log.
heads() {
    (($(grep -c '"HEAD / HTTP/1.1" 200 .*natter/' "$1") >= $2))
}

@test "TCP and UDP mappings are held open beyond the NAT's patience, with their addresses, and only by natter" {
    lab_down
    export LAB_TCP_TIMEOUT=3 LAB_UDP_TIMEOUT=3 LAB_INBOUND_REFRESH=0
    lab_up fullcone
    lab_servers
    natter_config <<END
$(natter_lab_servers)
keep_alive_interval = 1;
forward_port = { tcp = [ "192.168.77.3:80" ]; udp = [ "192.168.77.3:7777" ]; };
END
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
    natter_start
    tcp=$(natter_open tcp-192.168.77.3-80) udp=$(natter_open udp-192.168.77.3-7777)
    # Three times as long as the NAT remembers anything.
    older_than_its_patience() {
        (($(ps -o etimes= -p "$(natter_pid)") >= 9))
    }
    lab_wait 15 older_than_its_patience
    heads "$LAB_DIR/nginx30.d/access.log" 1
    [[ $(natter_field tcp-192.168.77.3-80 outer) == "$tcp" && $(natter_field udp-192.168.77.3-7777 outer) == "$udp" ]]
    [[ $(natter_fetch "$tcp") == "inside page" ]]
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$udp" 20 203.0.113.40
    # Neither was lost and found again in the meantime.
    run ! grep -E 'degraded|backoff' "$LAB_DIR/natterd.log"
    natter_stop
    forgotten() {
        [[ $(lab_in "$LAB_CARRIER" nft list map ip lab_nat in_tcp)$(lab_in "$LAB_CARRIER" nft list map ip lab_nat in_udp) != *elements* ]]
    }
    lab_wait 8 forgotten
}

@test "keep_alive: other ports, and the second host when the first one is gone" {
    lab_web "$LAB_INET" 203.0.113.40:8080 "first"
    lab_web "$LAB_INET" 203.0.113.41:8081 "second"
    config_web <<'END'
stun_server = { tcp = [ "203.0.113.10" ]; };
keep_alive = [ "203.0.113.40:8080", "203.0.113.41:8081" ];
END
    natter_start
    outer=$(natter_open web)
    holds_to() {
        [[ $(lab_in "$LAB_HOST" ss -Htn state established dport = ":$1") ]]
    }
    lab_wait 2 holds_to 8080
    lab_wait 2 holds_to 8081
    lab_wait 6 heads "$LAB_DIR/web-203.0.113.40:8080.d/access.log" 1
    lab_end web-203.0.113.40:8080
    run ! holds_to 8080
    holds_to 8081
    lab_wait 6 heads "$LAB_DIR/web-203.0.113.41:8081.d/access.log" 1
    [[ $(natter_open web) == "$outer" ]]
    [[ $(natter_fetch "$outer") == "inside page" ]]
}

@test "exactly three good TCP STUN servers are as good as four" {
    config_web <<'END'
stun_server = { tcp = [ "203.0.113.10", "203.0.113.11", "203.0.113.10:3479" ]; };
keep_alive = "203.0.113.30";
END
    natter_start
    [[ $(natter_fetch "$(natter_open web)") == "inside page" ]]
}

@test "a STUN query that fails after a reconnect is repeated until it is answered: no stale address stays" {
    config_web <<<"$(natter_lab_servers)"
    natter_start
    outer=$(natter_open web)
    lab_stop_server coturn
    lab_forget
    lab_wait 10 natter_is web state degraded
    # The connection is there again and the address is in doubt, which everybody can see.
    failed() {
        natter_is web state degraded && [[ $(natter_field web error) == "No public STUN server is available."* ]]
    }
    lab_wait 10 failed
    lab_wait 2 status_is '.mappings[0].state' degraded
    lab_start_server coturn
    lab_wait 20 moved web "$outer"
    outer=$(natter_field web outer)
    lab_wait 2 status_is '.tcp[0].outer' "$outer"
    [[ $(natter_fetch "$outer") == "inside page" ]]
}

@test "mappings that wait for silent servers hold up no other, neither its start nor its new address" {
    lab_in "$LAB_INET" nft "add table ip quiet; add chain ip quiet in { type filter hook input priority 0; }; add rule ip quiet in ip daddr 203.0.113.41 drop"
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    stuck='keep_alive = [ "203.0.113.41:1", "203.0.113.41:2" ]; stun_server = "203.0.113.41"; target = "192.168.77.3:80"; }'
    natter_config <<END
$(natter_lab_servers)
keep_alive_interval = 1;
mappings = ( { name = "stuck1"; protocol = "tcp"; $stuck, { name = "stuck2"; protocol = "tcp"; $stuck,
             { name = "stuck3"; protocol = "udp"; stun_server = "203.0.113.41"; target = "192.168.77.3:53"; },
             { name = "web"; protocol = "tcp"; target = "192.168.77.3:80"; } );
END
    natter_start
    outer=$(natter_open web 2)
    natter_is stuck1 state connecting && natter_is stuck2 state connecting && natter_is stuck3 state probing
    lab_forget
    lab_wait 4 moved web "$outer"
    [[ $(natter_ctl list --json | jq -r '[.[] | select(.state == "open") | .name] | join(" ")') == web ]]
    [[ $(natter_fetch "$(natter_field web outer)") == "inside page" ]]
}

@test "the status file says what is down, and lists it again when it is back" {
    config_web <<'END'
stun_server = { tcp = [ "203.0.113.10" ]; };
keep_alive = "203.0.113.30";
END
    natter_start
    outer=$(natter_open web)
    lab_wait 2 status_is '.tcp[0].outer' "$outer"
    # Without the keep-alive the question to the STUN server still holds the hole, without both nobody does.
    lab_stop_server nginx30
    lab_wait 5 status_is '.mappings[0].state' degraded
    status_is '.mappings[0].outer' "$outer"
    [[ $(jq -r '.mappings[0].error' "$LAB_DIR/status.json") == *203.0.113.30* ]]
    lab_stop_server coturn
    lab_wait 15 status_is '.mappings[0].state' backoff
    status_is '.tcp | length' 0
    status_is '.mappings[0].outer' ""
    lab_start_server coturn
    lab_start_server nginx30
    lab_wait 20 status_is '.mappings[0].state' open
    status_is '.tcp | length' 1
}

@test "-v and level: a level leaves out what is less important, -v leaves out nothing" {
    config_web <<<"$(natter_lab_servers)"
    sed -i 's/level = "debug"/level = "warning"/' "$LAB_DIR/natter.cfg"
    natter_start
    natter_open web
    natter_stop
    [[ ! -s $LAB_DIR/natterd.log ]]
    natter_start -v
    natter_open web
    grep -q 'debug: web: .* -> open' "$LAB_DIR/natterd.log"
    grep -q 'info: web: open at' "$LAB_DIR/natterd.log"
}

# The tests that the table above names, as FILE "WORDS" a line.
named_tests() {
    sed -n '/^#   Its features/,/^[^#]/p' "$BATS_TEST_FILENAME" | tr ';' '\n' |
        sed -En 's/^.*[ ]([a-z0-9]+\.bats)( ".*)$/\1\2/p' | while read -r file names; do
        grep -oE '"[^"]+"' <<<"$names" | sed "s/^/$file /"
    done
}

@test "every test that the table of v0.9's behaviour names is there" {
    missing=0 count=0
    while read -r file words; do
        count=$((count + 1))
        grep -E '^@test "' "$BATS_TEST_DIRNAME/$file" | grep -qF -- "$(tr -d '"' <<<"$words")" ||
            { echo "$file has no test with the words $words" && missing=1; }
    done < <(named_tests)
    ((missing == 0 && count >= 30))
}
